// Restorer: brings a stage's tables to the state at the end of a changelog (R17).
//
// It starts from nothing (a log that begins at genesis or at a base) or from tables that were
// loaded from a file. A file is believed only when its own marker is met in the log and accepted.
#pragma once

#include <deque>
#include <optional>
#include <span>

#include "base/result.h"
#include "stream/changelog_reader.h"
#include "stream/table.h"

namespace kpay::stream {

/// Applies row bodies to tables. Errors: corrupt (unknown table, a row that can't be decoded).
Result<void> load_rows(std::span<TableBase* const> tables, ByteView rows);

class Restorer {
 public:
  /// `file` is the marker that the loaded tables are the state of; without it they are empty.
  Restorer(std::span<TableBase* const> tables, std::optional<Marker> file);

  /// Takes the next record. Errors: corrupt; the tables are then of no use.
  Result<Verdict> feed(std::int64_t offset, ByteView record);

  /// True when the tables are the state at marker(): begun at genesis, a base, or a met file.
  [[nodiscard]] bool proven() const noexcept { return proven_; }
  /// True when the file's marker can no longer be met: it isn't the state it says it is.
  [[nodiscard]] bool file_refuted() const noexcept { return file_refuted_; }
  /// The marker that the tables are the state of; number 0 when there is none yet.
  [[nodiscard]] const Marker& marker() const noexcept { return marker_; }
  /// Rows applied here that the file doesn't have, in order; for a new file, all of them.
  /// Taken to be written to the file: what is applied from now on is a new tail.
  [[nodiscard]] std::deque<Bytes> take_tail() noexcept;
  [[nodiscard]] std::size_t tail_bytes() const noexcept { return tail_bytes_; }
  /// What open markers since marker() have admitted, which no checkpoint tells yet (R23).
  [[nodiscard]] const std::vector<Bytes>& overrides() const noexcept { return overrides_; }
  /// The reader goes on to serve the owner's read-back.
  [[nodiscard]] ChangelogReader& reader() noexcept { return reader_; }
  [[nodiscard]] const ChangelogReader& reader() const noexcept { return reader_; }

 private:
  Result<void> take_checkpoint();
  Result<void> take_base();
  Result<void> apply(Bytes rows);
  [[nodiscard]] Result<void> verify_state() const;
  void prove() noexcept;

  std::span<TableBase* const> tables_;
  std::optional<Marker> file_;
  ChangelogReader reader_{true};
  bool proven_ = false;
  bool file_refuted_ = false;
  Marker marker_;
  std::deque<Bytes> tail_;
  std::size_t tail_bytes_ = 0;
  std::vector<Bytes> overrides_;
  std::deque<std::pair<Marker, Bytes>> waiting_;  // accepted, but the base under them isn't yet
};

}  // namespace kpay::stream
