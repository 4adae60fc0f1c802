#include "audit/places.h"

#include <array>

namespace kpay::audit {

namespace {

constexpr std::array<std::string_view, kTopics> kNames{
    "payments.incoming",         "payments.inflight",         "payments.complete",
    "payments.confirmed",        "payments.failed",           "ops.dlq",
    "state.intake.changelog",    "state.account.changelog",   "state.settle.changelog",
    "state.confirmed.changelog", "state.throughput.changelog"};
constexpr std::array<std::string_view, kStages> kStageNames{"intake", "account", "settle",
                                                            "confirmed", "throughput"};

}  // namespace

std::string_view name_of(Topic topic) noexcept { return kNames[number_of(topic)]; }

std::string_view stage_name(std::uint16_t stage) noexcept { return kStageNames[stage - 1U]; }

Topic output_of(std::uint16_t stage, std::uint16_t output) noexcept {
  if ((stage == stages::kIntake || stage == stages::kAccount) && output < 2) {
    return output == 0 ? Topic::inflight : Topic::complete;
  }
  if (stage == stages::kConfirmed && output < 2) {
    return output == 0 ? Topic::confirmed : Topic::failed;
  }
  return Topic::letters;
}

std::string to_string(const Place& place) {
  return std::string(name_of(place.topic)) + "/" + std::to_string(place.partition) + " at " +
         std::to_string(place.offset) + "." + std::to_string(place.index);
}

}  // namespace kpay::audit
