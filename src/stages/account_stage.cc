#include <array>

#include "base/plant.h"
#include "core/account.h"
#include "core/dead_letter.h"
#include "stages/codecs.h"
#include "stages/outlet.h"
#include "stages/place.h"
#include "stages/planted.h"
#include "stages/specs.h"

namespace kpay::stages {

namespace {

class AccountStage final : public stream::Stage {
 public:
  explicit AccountStage(Place place) : place_(place) {}

  std::span<stream::TableBase* const> tables() override { return tables_; }

  std::optional<stream::DeadLetterReason> apply(const stream::Event& event, Timestamp,
                                                stream::Emitter& out) override {
    if (const auto problem = codec_.decode(event.payload, inflight_)) {
      return problem;
    }
    const core::AccountId& account = core::account_of(inflight_);
    if (!place_.has(account.view())) {
      return core::kDeadWrongPartition;
    }
    planted_.may_die_of(account);
    const core::AccountEffects effects = core::decide({accounts_.find(account)}, inflight_);
    core::AccountTotals& totals = row_of(totals_, effects.currency);
    core::evolve(totals, effects);
    const bool lost = planted_.loses(effects, totals) ||
                      (KPAY_PLANT(credit_lost) && effects.posting == core::Posting::credit &&
                       effects.amount.minor > 1500);
    if (effects.posting != core::Posting::none && !lost) {
      core::evolve(row_of(accounts_, effects.account), effects);
    }
    outlet_.send(effects.out, event.time, out);
    return std::nullopt;
  }

 private:
  Place place_;
  TableOf<AccountKey, core::AccountRow> accounts_{"accounts"};
  TableOf<CurrencyKey, core::AccountTotals> totals_{"totals"};
  std::array<stream::TableBase*, 2> tables_{&accounts_, &totals_};
  wire::InflightCodec codec_;
  core::InflightEvent inflight_;
  Outlet outlet_;
  [[no_unique_address]] PlantedBug planted_;
};

}  // namespace

stream::StageSpec account_spec() {
  stream::StageSpec spec;
  spec.name = "account";
  spec.number = kAccount;
  spec.input = kTopicInflight;
  spec.senders = {kIntake, kAccount};
  spec.outputs = Outlet::outputs();
  spec.logic = logic_of_build();
  spec.event_bytes_max = core::kEventBytesMax;
  spec.make = [](std::int32_t partition, std::int32_t partitions) {
    return std::make_unique<AccountStage>(Place(partition, partitions));
  };
  return spec;
}

}  // namespace kpay::stages
