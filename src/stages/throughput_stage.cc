#include <array>

#include "core/day.h"
#include "core/dead_letter.h"
#include "core/horizon.h"
#include "core/limits.h"
#include "core/throughput.h"
#include "stages/codecs.h"
#include "stages/place.h"
#include "stages/specs.h"
#include "wire/codec.h"

namespace kpay::stages {

namespace {

class ThroughputStage final : public stream::Stage {
 public:
  explicit ThroughputStage(Place place) : place_(place) {}

  std::span<stream::TableBase* const> tables() override { return tables_; }

  std::optional<stream::DeadLetterReason> apply(const stream::Event& event, Timestamp now,
                                                stream::Emitter&) override {
    if (const auto problem = codec_.decode(event.payload, outcome_)) {
      return problem;
    }
    if (!place_.has(core::subject_of(outcome_).view())) {
      return core::kDeadWrongPartition;
    }
    if (sweep_.find(kOnly) == nullptr) {
      sweep_.insert(kOnly, {core::minute_of(now) - core::kWindowsKept});
    }
    const auto effects =
        core::decide_window(*sweep_.find(kOnly), outcome_, event.time, event.appended);
    if (effects) {
      core::evolve(row_of(windows_, effects->minute), *effects);
    }
    sweep(now);
    return std::nullopt;
  }

  void tick(Timestamp now, stream::Emitter&) override { sweep(now); }

 private:
  static constexpr std::uint64_t kOnly = 0;

  void sweep(Timestamp now) {
    const core::SweepRow* row = sweep_.find(kOnly);
    if (row == nullptr) {
      return;
    }
    const std::int64_t first = core::sweep_to(*row, now);
    if (first == row->first_minute) {
      return;
    }
    for (std::int64_t minute = row->first_minute; minute < first; ++minute) {
      if (windows_.find(minute) != nullptr) {
        windows_.erase(minute);
      }
    }
    sweep_.change(kOnly).first_minute = first;
  }

  Place place_;
  TableOf<MinuteKey, core::WindowRow> windows_{"windows"};
  TableOf<NumberKey, core::SweepRow> sweep_{"sweep"};
  std::array<stream::TableBase*, 2> tables_{&windows_, &sweep_};
  wire::OutcomeCodec codec_;
  core::Outcome outcome_;
};

}  // namespace

stream::StageSpec throughput_spec() {
  stream::StageSpec spec;
  spec.name = "throughput";
  spec.pace = stream::Pace::relaxed;
  spec.number = kThroughput;
  spec.input = kTopicComplete;
  spec.senders = {kIntake, kAccount};
  spec.logic = logic_of_build();
  spec.event_bytes_max = core::kEventBytesMax;
  spec.make = [](std::int32_t partition, std::int32_t partitions) {
    return std::make_unique<ThroughputStage>(Place(partition, partitions));
  };
  return spec;
}

}  // namespace kpay::stages
