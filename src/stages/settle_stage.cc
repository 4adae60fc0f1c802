#include <array>

#include "core/dead_letter.h"
#include "core/horizon.h"
#include "core/settle.h"
#include "stages/codecs.h"
#include "stages/expiry_tables.h"
#include "stages/place.h"
#include "stages/specs.h"
#include "wire/codec.h"

namespace kpay::stages {

namespace {

// Which table an entry of the expiry queue is about.
constexpr std::uint8_t kPayments = 0;
constexpr std::uint8_t kCommands = 1;
constexpr std::uint8_t kRejections = 2;

class SettleStage final : public stream::Stage {
 public:
  explicit SettleStage(Place place) : place_(place) {}

  std::span<stream::TableBase* const> tables() override { return tables_; }

  std::optional<stream::DeadLetterReason> apply(const stream::Event& event, Timestamp now,
                                                stream::Emitter&) override {
    if (const auto problem = codec_.decode(event.payload, outcome_)) {
      return problem;
    }
    const Uuid& id = core::subject_of(outcome_);
    if (!place_.has(id.view())) {
      return core::kDeadWrongPartition;
    }
    const core::SettleEffects effects =
        core::decide(reads(id), outcome_, event.time, event.appended);
    write(id, effects, now);
    core::evolve(row_of(totals_, effects.currency), effects);
    sweep(now, core::kExpiryChunksPerEvent);
    return std::nullopt;
  }

  void tick(Timestamp now, stream::Emitter&) override { sweep(now, core::kExpiryChunksPerTick); }

 private:
  [[nodiscard]] core::SettleReads reads(const Uuid& id) const {
    if (const auto* command = std::get_if<core::CommandOutcome>(&outcome_)) {
      return command->status == core::CommandStatus::rejected
                 ? core::SettleReads{nullptr, nullptr, rejections_.find(id)}
                 : core::SettleReads{nullptr, commands_.find(id), nullptr};
    }
    return std::get<core::PaymentOutcome>(outcome_).status == core::PaymentStatus::rejected
               ? core::SettleReads{nullptr, nullptr, rejections_.find(id)}
               : core::SettleReads{payments_.find(id), nullptr, nullptr};
  }

  void write(const Uuid& id, const core::SettleEffects& effects, Timestamp now) {
    std::uint8_t table = kPayments;
    if (const auto* payment = std::get_if<core::PaymentRow>(&effects.row)) {
      payments_.put(id, *payment);
    } else if (const auto* command = std::get_if<core::CommandRow>(&effects.row)) {
      commands_.put(id, *command);
      table = kCommands;
    } else if (const auto* rejection = std::get_if<core::RejectionRow>(&effects.row)) {
      rejections_.put(id, *rejection);
      table = kRejections;
    }
    if (effects.fresh) {
      expiry_.remember({id, table}, now);
    }
  }

  void sweep(Timestamp now, std::size_t chunks_max) {
    expiry_.sweep(now, chunks_max, [this](const core::ExpiryEntry& entry) {
      switch (entry.table) {
        case kPayments: forget(payments_, entry.id); break;
        case kCommands: forget(commands_, entry.id); break;
        default: forget(rejections_, entry.id); break;
      }
    });
  }

  Place place_;
  TableOf<UuidKey, core::PaymentRow> payments_{"payments"};
  TableOf<UuidKey, core::CommandRow> commands_{"commands"};
  TableOf<UuidKey, core::RejectionRow> rejections_{"rejections"};
  ExpiryTables expiry_;
  TableOf<CurrencyKey, core::SettleTotals> totals_{"totals"};
  std::array<stream::TableBase*, 6> tables_{&payments_,        &commands_,      &rejections_,
                                            &expiry_.chunks(), &expiry_.ends(), &totals_};
  wire::OutcomeCodec codec_;
  core::Outcome outcome_;
};

}  // namespace

stream::StageSpec settle_spec() {
  stream::StageSpec spec;
  spec.name = "settle";
  spec.pace = stream::Pace::relaxed;
  spec.number = kSettle;
  spec.input = kTopicComplete;
  spec.senders = {kIntake, kAccount};
  spec.logic = logic_of_build();
  spec.event_bytes_max = core::kEventBytesMax;
  spec.make = [](std::int32_t partition, std::int32_t partitions) {
    return std::make_unique<SettleStage>(Place(partition, partitions));
  };
  return spec;
}

}  // namespace kpay::stages
