// Places: the topics that the auditor follows, and where an event stands in them.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "stages/specs.h"

namespace kpay::audit {

/// In the order in which they are numbered. Changelogs stand in the order of their stages.
enum class Topic : std::uint8_t {
  incoming,
  inflight,
  complete,
  confirmed,
  failed,
  letters,
  intake_changelog,
  account_changelog,
  settle_changelog,
  confirmed_changelog,
  throughput_changelog,
};
inline constexpr std::size_t kTopics = 11;
/// Those whose records are events; the rest are changelogs.
inline constexpr std::size_t kEventTopics = 6;
inline constexpr std::uint16_t kStages = 5;

[[nodiscard]] constexpr std::size_t number_of(Topic topic) noexcept {
  return static_cast<std::size_t>(topic);
}
/// Without the prefix.
[[nodiscard]] std::string_view name_of(Topic topic) noexcept;
/// REQUIRES: a stage's number, 1 to kStages.
[[nodiscard]] std::string_view stage_name(std::uint16_t stage) noexcept;

[[nodiscard]] constexpr Topic changelog_of(std::uint16_t stage) noexcept {
  return static_cast<Topic>(kEventTopics + stage - 1U);
}
[[nodiscard]] constexpr bool is_changelog(Topic topic) noexcept {
  return number_of(topic) >= kEventTopics;
}
/// The topic that a stage reads. REQUIRES: a stage's number.
[[nodiscard]] constexpr Topic input_of(std::uint16_t stage) noexcept {
  return stage == stages::kIntake    ? Topic::incoming
         : stage == stages::kAccount ? Topic::inflight
                                     : Topic::complete;
}
/// The topic of a stage's output, as its markers number it; letters follow the stage's own.
[[nodiscard]] Topic output_of(std::uint16_t stage, std::uint16_t output) noexcept;

/// Offsets by topic and partition.
using Offsets = std::array<std::vector<std::int64_t>, kTopics>;

/// Where an event stands.
struct Place {
  Topic topic = Topic::incoming;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::uint32_t index = 0;

  void keep(auto& io) { io(topic, partition, offset, index); }
  friend auto operator<=>(const Place&, const Place&) = default;
};
/// "payments.inflight/3 at 4711.2"
[[nodiscard]] std::string to_string(const Place& place);

/// Whose event it is, and which event of its input it follows from (R9).
struct Cause {
  std::uint16_t stage = 0;
  Place place{};
};

}  // namespace kpay::audit
