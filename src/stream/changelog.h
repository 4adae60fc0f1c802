// The changelog's records: genesis, open markers, rows, markers and base markers (R14, R16, R19).
// Layouts and validity: docs/store.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/time.h"
#include "base/uuid.h"
#include "stream/frame.h"
#include "stream/logic.h"

namespace kpay::stream {

/// What must never change under a task (R19). Topic ids: input, changelog, then the outputs.
struct Identity {
  std::string cluster_id;
  Uuid lineage;
  std::int32_t partitions = 0;
  std::vector<Uuid> topic_ids;

  friend bool operator==(const Identity&, const Identity&) = default;
};

/// Genesis, takeover or renewal. The offset of an open marker is its owner's epoch (R16).
struct OpenMarker {
  enum class Kind : std::uint8_t { genesis = 1, takeover = 2, renewal = 3 };

  Kind kind = Kind::takeover;
  Identity identity;
  Uuid nonce;
  std::string owner;  ///< instance id
  std::string build;
  Logic logic;                       ///< the owner's; at genesis, that of the empty state
  std::int64_t previous_epoch = -1;  ///< renewal: the epoch it goes on from
  /// Renewal: what it admits from here on, as answers of operators' records (R23).
  std::vector<Bytes> overrides{};
};

/// How many overrides one open marker carries at most.
inline constexpr std::size_t kOverridesInMarkerMax = 16;

/// What a receiver keeps of one sender (R8).
struct SenderState {
  Sequence seen;
  bool refused = false;  ///< diverged; nothing of it is applied until an operator's record

  friend bool operator==(const SenderState&, const SenderState&) = default;
};

/// The state of a task that is not rows: small, and whole in each marker.
struct Registers {
  std::int64_t position = 0;  ///< the next input offset
  Timestamp now;
  std::map<std::pair<std::uint16_t, std::int32_t>, Sequence> outputs;  ///< by (output, partition)
  std::map<SenderId, SenderState> senders;

  friend bool operator==(const Registers&, const Registers&) = default;
};

void put(ByteWriter& out, const Registers& registers);
[[nodiscard]] Registers get_registers(ByteReader& in);

/// Closes a checkpoint.
struct Marker {
  std::int64_t epoch = 0;
  std::uint64_t number = 0;  ///< 1, 2, 3 … over all owners
  std::uint32_t rows = 0;
  Hash128 rows_digest;      ///< running hash over the checkpoint's row frames
  Hash128 previous_digest;  ///< digest() of marker number - 1
  Hash128 state_hash;       ///< of the whole state: all rows and the registers
  Logic logic;              ///< that goes on from here: its owner's, or what a switch led to (R21)
  bool clean = false;
  Registers registers;

  /// The chain's next link: over everything above.
  [[nodiscard]] Hash128 digest() const;
};

/// Closes a base: all rows as of the first marker of its epoch.
struct BaseMarker {
  std::int64_t epoch = 0;    ///< also T: readers may start here once this is accepted
  std::uint64_t number = 0;  ///< m, the marker whose state the base is
  std::uint32_t rows = 0;
  Hash128 rows_digest;
  Hash128 state_hash;
};

/// A piece of a checkpoint's or a base's rows.
struct RowFrame {
  bool base = false;
  std::int64_t epoch = 0;
  std::uint64_t number = 0;
  std::uint32_t rows = 0;
  ByteView body;  ///< rows, one after the other, as put_row() wrote them
};

/// One row of a row frame.
struct RowView {
  std::uint16_t table = 0;
  ByteView key;
  std::optional<ByteView> value;
};

void put_row(ByteWriter& out, std::uint16_t table, ByteView key, std::optional<ByteView> value);
/// The next row; nothing at the end or when the bytes are no row (then in.ok() is false).
[[nodiscard]] std::optional<RowView> get_row(ByteReader& in);

[[nodiscard]] Bytes encode(const OpenMarker& marker);
[[nodiscard]] Bytes encode(const Marker& marker);
[[nodiscard]] Bytes encode(const BaseMarker& marker);
[[nodiscard]] Bytes encode(const RowFrame& frame);

using ChangelogRecord = std::variant<OpenMarker, Marker, BaseMarker, RowFrame>;
/// Nothing when the bytes are none of them, or their checksum doesn't fit. Row frames are views.
[[nodiscard]] std::optional<ChangelogRecord> decode_changelog(ByteView record);

/// The whole-state hash (R14): the sum of all row hashes and the hash of the registers.
[[nodiscard]] Hash128 state_hash(const Hash128& rows, const Registers& registers);

}  // namespace kpay::stream
