// Comparison: what one task says and keeps when it is run again, against what stands on the topics
// and in its changelog.
//
// Events of one lane are in the order of their causes on both sides; so they are merged by cause,
// and one event more or less is one difference. Markers are compared as a whole, by state hash and
// registers; where they differ, the rows of that checkpoint are looked at one by one.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "recompute/replica.h"
#include "recompute/trails.h"

namespace kpay::recompute {

enum class DifferenceKind : std::uint8_t {
  changed,     ///< an event has other bytes
  missing,     ///< an event follows from the input, and doesn't stand there
  unexpected,  ///< an event stands there, and doesn't follow from the input
  row,         ///< a row of a checkpoint
  marker,      ///< a marker's registers, or its state hash though its rows are right
  stopped,     ///< the task would stand still
};
inline constexpr std::size_t kDifferenceKinds = 6;
[[nodiscard]] std::string_view to_string(DifferenceKind kind) noexcept;

struct Difference {
  DifferenceKind kind = DifferenceKind::changed;
  std::int64_t position = 0;  ///< input offset of the cause; of a checkpoint: the next one
  std::uint32_t index = 0;    ///< of the cause within its record
  std::uint16_t output = 0;   ///< of an event, as is what follows
  std::int32_t partition = 0;
  std::uint64_t number = 0;
  std::optional<Standing> stands{};
  std::optional<Bytes> expected{};  ///< the payload
  std::string text{};               ///< of all others: what was expected and what stands there
};
inline constexpr std::size_t kDifferencesKept = 20;

/// What stands in a changelog.
struct StandingMarker {
  const stream::Marker* marker = nullptr;
  ByteView rows;
};

/// Threads: one. Outlived by the trails.
class Comparison {
 public:
  struct Setup {
    stream::SenderId task;
    std::vector<bool> single;              ///< by output, ops.dlq last: records that are one event
    std::vector<std::vector<bool>> begun;  ///< by output and partition: its first records are gone
  };
  /// With `every`, all differences in what is sent are counted, and markers are not compared: a
  /// state that differs once, differs for good. Else the first difference is the only one.
  Comparison(Setup setup, const Trails& trails, bool every);

  /// Errors: io, of the trails.
  Result<void> take(const SentEvent& event);
  void take(const StandingMarker& stands, const Checkpoint& recomputed,
            std::span<stream::TableBase* const> tables);
  /// The task would go no further, in its own words.
  void stopped(std::int64_t position, std::string why);
  /// All input below the last marker's position was taken: what else stands there is too much.
  Result<void> finish();

  /// Nothing more is wanted.
  [[nodiscard]] bool over() const noexcept { return !every_ && !first_.empty(); }
  [[nodiscard]] const std::vector<Difference>& first() const noexcept { return first_; }
  /// By kind and output.
  [[nodiscard]] const std::map<std::pair<DifferenceKind, std::uint16_t>, std::uint64_t>& counts()
      const noexcept {
    return counts_;
  }
  [[nodiscard]] std::uint64_t events() const noexcept { return events_; }
  [[nodiscard]] std::uint64_t markers() const noexcept { return markers_; }

 private:
  void add(Difference difference);
  void add_event(DifferenceKind kind, std::uint16_t output, std::int32_t partition,
                 const SentEvent* event, const Standing* stands, std::uint64_t number);
  Trails::Reader& lane(std::uint16_t output, std::int32_t partition) {
    return lanes_[output][static_cast<std::size_t>(partition)];
  }

  Setup setup_;
  bool every_;
  std::vector<std::vector<Trails::Reader>> lanes_;
  std::vector<Difference> first_;
  std::map<std::pair<DifferenceKind, std::uint16_t>, std::uint64_t> counts_;
  std::uint64_t events_ = 0;
  std::uint64_t markers_ = 0;
};

/// "balance_minor 100, stands 90": the fields in which two rows of a table differ; "no row" for
/// one that isn't there.
[[nodiscard]] std::string row_difference(const stream::TableBase& table,
                                         std::optional<ByteView> expected,
                                         std::optional<ByteView> stands);

}  // namespace kpay::recompute
