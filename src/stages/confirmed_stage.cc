#include <array>

#include "base/plant.h"
#include "core/confirmed.h"
#include "core/dead_letter.h"
#include "stages/codecs.h"
#include "stages/place.h"
#include "stages/specs.h"
#include "wire/codec.h"

namespace kpay::stages {

namespace {

constexpr std::size_t kOutputConfirmed = 0;
constexpr std::size_t kOutputFailed = 1;

class ConfirmedStage final : public stream::Stage {
 public:
  explicit ConfirmedStage(Place place) : place_(place) {}

  std::span<stream::TableBase* const> tables() override { return tables_; }

  std::optional<stream::DeadLetterReason> apply(const stream::Event& event, Timestamp now,
                                                stream::Emitter& out) override {
    if (const auto problem = codec_.decode(event.payload, outcome_)) {
      return problem;
    }
    const Uuid& id = core::subject_of(outcome_);
    if (!place_.has(id.view())) {
      return core::kDeadWrongPartition;
    }
    auto effects = core::decide_result(outcome_, event.time, event.appended, now);
    if (effects) {
      core::evolve(row_of(days_, {effects->day, effects->currency}), *effects);
      publish(effects->result, out);
    }
    return std::nullopt;
  }

 private:
  void publish(core::PaymentResult& result, stream::Emitter& out) {
    const Uuid& id = result.payment.value();
    const std::size_t output = result.confirmed ? kOutputConfirmed : kOutputFailed;
    result.number =
        out.next_number(KPAY_PLANT(number_of_the_other_topic) ? 1 - output : output, id.view());
    out.emit(output, id.view(), {id, result.event_time, results_.encode(result)});
  }

  Place place_;
  TableOf<DayKey, core::DayRow> days_{"days"};
  std::array<stream::TableBase*, 1> tables_{&days_};
  wire::OutcomeCodec codec_;
  core::Outcome outcome_;
  wire::ResultCodec results_;
};

std::optional<std::uint64_t> number_of(ByteView record) {
  wire::ResultCodec codec;
  core::PaymentResult result;
  return codec.decode(record, result) ? std::nullopt : std::optional(result.number);
}

}  // namespace

stream::StageSpec confirmed_spec() {
  stream::StageSpec spec;
  spec.name = "confirmed";
  spec.number = kConfirmed;
  spec.input = kTopicComplete;
  spec.senders = {kIntake, kAccount};
  spec.outputs = {{kTopicConfirmed, stream::RecordShape::single, number_of},
                  {kTopicFailed, stream::RecordShape::single, number_of}};
  spec.logic = logic_of_build();
  spec.event_bytes_max = core::kEventBytesMax;
  spec.make = [](std::int32_t partition, std::int32_t partitions) {
    return std::make_unique<ConfirmedStage>(Place(partition, partitions));
  };
  return spec;
}

}  // namespace kpay::stages
