// ChangelogReader: the one rule by which everybody (owner, restore, standby, tools) tells what of
// a changelog counts (R14, R16). Its verdicts depend on the records before, and on nothing else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "stream/changelog.h"

namespace kpay::stream {

/// What a record turned out to be.
enum class Verdict : std::uint8_t {
  pending,     ///< rows of the current owner, not yet closed by a marker
  opened,      ///< a valid open marker: open(), epoch() are new
  checkpoint,  ///< an accepted marker: marker(), rows() are new
  base,        ///< an accepted base marker: base(), rows() are new
  ignored,     ///< of a former owner, invalid or unreadable: reason() says why
  rejected,    ///< a marker of the current epoch that doesn't fit; nothing later of it counts
};

/// Threads: one at a time. Errors never throw: a bad record is ignored or rejected.
class ChangelogReader {
 public:
  /// With `keep_rows`, rows() gives the bodies of what was accepted; else they are only hashed.
  explicit ChangelogReader(bool keep_rows) : keep_rows_(keep_rows) {}

  /// REQUIRES: records in offset order, without holes.
  Verdict feed(std::int64_t offset, ByteView record);

  void keep_rows(bool keep) noexcept { keep_rows_ = keep; }
  /// Without, the rows of bases are only hashed: for who has the state already.
  void keep_base_rows(bool keep) noexcept { keep_base_rows_ = keep; }

  /// The last valid open marker and its offset; epoch() is -1 before the first.
  [[nodiscard]] const OpenMarker& open() const noexcept { return open_; }
  [[nodiscard]] std::int64_t epoch() const noexcept { return epoch_; }
  /// The last accepted marker; number 0 before the first.
  [[nodiscard]] const Marker& marker() const noexcept { return marker_; }
  [[nodiscard]] const BaseMarker& base() const noexcept { return base_; }
  /// The marker whose state base() is. Valid after Verdict::base.
  [[nodiscard]] const Marker& base_of() const noexcept { return first_of_epoch_; }
  /// The logic that goes on from the state: of the last accepted marker, before the first one of
  /// genesis (R21).
  [[nodiscard]] const Logic& logic() const noexcept { return logic_; }
  /// The rows of the last accepted checkpoint or base, as put_row() wrote them.
  [[nodiscard]] const Bytes& rows() const noexcept { return accepted_rows_; }
  /// True when reading began at genesis, so that no state before the first marker is missing.
  [[nodiscard]] bool from_genesis() const noexcept { return from_genesis_; }
  /// Rows of the checkpoints accepted since the marker of base(), or since reading began.
  [[nodiscard]] std::uint64_t rows_since_base() const noexcept { return rows_since_base_; }
  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }

 private:
  struct Pending {
    std::uint64_t number = 0;
    std::uint32_t rows = 0;
    Hash128 digest;
    Bytes body;
  };

  Verdict take(std::int64_t offset, OpenMarker&& marker);
  Verdict take(std::int64_t offset, Marker&& marker);
  Verdict take(std::int64_t offset, const BaseMarker& marker);
  Verdict take(std::int64_t offset, const RowFrame& frame);
  Verdict ignore(std::string why);
  Verdict reject(std::string why);
  [[nodiscard]] std::string fault_of(const Marker& marker) const;

  bool keep_rows_;
  bool keep_base_rows_ = true;
  OpenMarker open_;
  std::int64_t epoch_ = -1;
  bool from_genesis_ = false;
  bool chain_known_ = false;  // marker_ is the predecessor of whatever comes next
  bool epoch_rejected_ = false;
  Marker marker_;
  Logic logic_;
  Hash128 marker_digest_;
  Marker first_of_epoch_;
  bool has_first_of_epoch_ = false;
  std::uint64_t rows_since_base_ = 0;
  std::uint64_t rows_to_first_of_epoch_ = 0;  // of rows_since_base_
  BaseMarker base_;
  Pending checkpoint_;
  Pending base_rows_;
  Bytes accepted_rows_;
  std::string reason_;
};

}  // namespace kpay::stream
