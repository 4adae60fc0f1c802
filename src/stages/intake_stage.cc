#include <array>

#include "base/plant.h"
#include "core/dead_letter.h"
#include "core/horizon.h"
#include "core/intake.h"
#include "stages/codecs.h"
#include "stages/expiry_tables.h"
#include "stages/outlet.h"
#include "stages/place.h"
#include "stages/specs.h"

namespace kpay::stages {

namespace {

class IntakeStage final : public stream::Stage {
 public:
  explicit IntakeStage(Place place) : place_(place) {}

  std::span<stream::TableBase* const> tables() override { return tables_; }

  std::optional<stream::DeadLetterReason> apply(const stream::Event& event, Timestamp now,
                                                stream::Emitter& out) override {
    if (const auto problem = codec_.decode(event.payload, command_)) {
      return problem;
    }
    if (!place_.has(core::key_of(command_)) && !KPAY_PLANT(wrong_partition_applied)) {
      return core::kDeadWrongPartition;
    }
    const Uuid& id = core::id_of(command_);
    const core::IntakeEffects effects = core::decide({ids_.find(id)}, command_, now);
    if (effects.remembers()) {
      ids_.insert(id, effects.remembered);
      expiry_.remember({id, 0}, now);
    }
    core::evolve(row_of(totals_, effects.currency), effects);
    outlet_.send(effects.out, event.time, out);
    sweep(now, core::kExpiryChunksPerEvent);
    return std::nullopt;
  }

  void tick(Timestamp now, stream::Emitter&) override { sweep(now, core::kExpiryChunksPerTick); }

 private:
  void sweep(Timestamp now, std::size_t chunks_max) {
    expiry_.sweep(now, chunks_max,
                  [this](const core::ExpiryEntry& entry) { forget(ids_, entry.id); });
  }

  Place place_;
  TableOf<UuidKey, core::IdRow> ids_{"ids"};
  ExpiryTables expiry_;
  TableOf<CurrencyKey, core::IntakeTotals> totals_{"totals"};
  std::array<stream::TableBase*, 4> tables_{&ids_, &expiry_.chunks(), &expiry_.ends(), &totals_};
  wire::CommandCodec codec_;
  core::Command command_;
  Outlet outlet_;
};

}  // namespace

stream::StageSpec intake_spec() {
  stream::StageSpec spec;
  spec.name = "intake";
  spec.number = kIntake;
  spec.input = kTopicIncoming;
  spec.input_shape = stream::RecordShape::single;
  spec.outputs = Outlet::outputs();
  spec.logic = logic_of_build();
  spec.event_bytes_max = core::kEventBytesMax;
  spec.make = [](std::int32_t partition, std::int32_t partitions) {
    return std::make_unique<IntakeStage>(Place(partition, partitions));
  };
  return spec;
}

}  // namespace kpay::stages
