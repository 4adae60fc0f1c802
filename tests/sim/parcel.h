// Parcel: a record on its way from a process to the log, and what it is: as far as traps, coverage
// and traces want to know.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "stream/stage.h"
#include "stream/topics.h"

namespace kpay::sim {

/// A task's place: its stage (an index of the specs) and its partition.
struct Place {
  std::size_t stage = 0;
  std::int32_t partition = 0;

  friend bool operator==(const Place&, const Place&) = default;
  friend auto operator<=>(const Place&, const Place&) = default;
};
[[nodiscard]] std::string to_string(const Place& place);

enum class What : std::uint8_t {
  output,  ///< a frame or a public record
  tick,
  takeover,
  renewal,
  rows,
  marker,
  clean_marker,
  base_rows,
  base_marker,
};
[[nodiscard]] const char* to_string(What what) noexcept;

struct Parcel {
  What what = What::output;
  std::optional<Place> task;  ///< its sender; nothing for a tick, whose topic has several readers
  stream::TopicIndex topic = 0;
  std::int32_t partition = 0;
  Bytes key;
  Bytes value;
  std::uint64_t cookie = 0;
  std::int64_t due_ms = 0;
};

/// Reads what a record is. `specs` and `topics` are the world's.
[[nodiscard]] Parcel make_parcel(const std::vector<stream::StageSpec>& specs,
                                 const stream::TopicTable& topics, stream::TopicIndex topic,
                                 std::int32_t partition, ByteView key, ByteView value);

}  // namespace kpay::sim
