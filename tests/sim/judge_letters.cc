#include <set>

#include "sim/inputs.h"
#include "sim/verdict.h"
#include "wire/codec.h"

namespace kpay::sim {

namespace {

/// What a task said because of one event.
struct Consequences {
  int outputs = 0;
  int letters = 0;
  int answers = 0;
  [[nodiscard]] int all() const noexcept { return outputs + letters + answers; }
};

using Key = std::pair<std::int64_t, std::uint32_t>;

class Letters {
 public:
  Letters(World& world, const Place& place, const Replica& replica)
      : world_(&world), place_(place), spec_(&world.specs()[place.stage]), replica_(&replica) {}

  std::string judge();

 private:
  [[nodiscard]] std::string take(const Input& input);
  [[nodiscard]] bool fits(const Input& input, const Consequences& what);
  [[nodiscard]] std::string end();
  [[nodiscard]] std::string at(const Key& key) const {
    return to_string(place_) + " at " + std::to_string(key.first) + "." +
           std::to_string(key.second);
  }

  World* world_;
  Place place_;
  const stream::StageSpec* spec_;
  const Replica* replica_;
  std::map<Key, Consequences> consequences_;
  std::set<Key> open_;         // dead letters that nobody closed
  std::set<Uuid> known_;       // ids that intake has answered
  std::int64_t outcomes_ = 0;  // that settle had to count
  wire::CommandCodec commands_;
  wire::OutcomeCodec outcome_codec_;
};

std::string Letters::judge() {
  for (const Replica::Said& said : replica_->said()) {
    const Key key{said.cause.offset, said.cause.index};
    Consequences& what = consequences_[key];
    if (said.output < spec_->outputs.size()) {
      ++what.outputs;
    } else if (const auto letter = stream::decode_dead_letter(replica_->payload(said))) {
      ++what.letters;
      open_.insert(key);
    } else {
      ++what.answers;
      const auto answer = stream::decode_operator_answer(replica_->payload(said));
      const stream::LetterKey* closes = answer && answer->verdict == stream::OperatorVerdict::done
                                            ? stream::letter_of(answer->record)
                                            : nullptr;
      if (closes != nullptr && open_.erase({closes->offset, closes->index}) == 0) {
        return verdict(Checker::dlq_complete, at(key) + " closes a dead letter that isn't open");
      }
    }
  }
  std::string wrong =
      each_input(*world_, place_, [this](const Input& input) { return take(input); });
  return wrong.empty() ? end() : wrong;
}

std::string Letters::take(const Input& input) {
  const Key key{input.offset, input.index};
  const auto found = consequences_.find(key);
  const Consequences what = found == consequences_.end() ? Consequences{} : found->second;
  if (found != consequences_.end()) {
    consequences_.erase(found);
  }
  world_->coverage().count("inputs");
  if (what.letters > 0) {
    world_->coverage().count("inputs_put_aside");
    return what.all() == 1 ? std::string()
                           : verdict(Checker::dlq_complete, at(key) + " was put aside and applied");
  }
  if (const auto record = stream::decode_operator_record(input.payload)) {
    const bool mine = record->stage == spec_->number || place_.stage == stages::kIntake - 1U;
    return what.all() > 0 || !mine
               ? std::string()
               : verdict(Checker::dlq_complete, at(key) + " has no answer for an operator");
  }
  return fits(input, what)
             ? std::string()
             : verdict(Checker::dlq_complete, at(key) + " has " + std::to_string(what.outputs) +
                                                  " consequences, and isn't put aside");
}

/// Whether what followed from an event that was applied is as much as has to follow.
bool Letters::fits(const Input& input, const Consequences& what) {
  if (input.whole || what.answers > 0) {
    return false;
  }
  core::Command command;
  core::Outcome outcome;
  switch (place_.stage + 1) {
    case stages::kIntake:
      if (commands_.decode(input.payload, command) ||
          partition_of(core::key_of(command), world_->setting().partitions) != place_.partition) {
        return false;
      }
      // A repeat has had its answer.
      return known_.insert(core::id_of(command)).second ? what.outputs == 1 : what.outputs <= 1;
    case stages::kAccount: return what.outputs == 1;
    default: break;
  }
  if (outcome_codec_.decode(input.payload, outcome)) {
    return false;
  }
  const auto* payment = std::get_if<core::PaymentOutcome>(&outcome);
  const bool rejected = payment != nullptr ? payment->status == core::PaymentStatus::rejected
                                           : std::get<core::CommandOutcome>(outcome).status ==
                                                 core::CommandStatus::rejected;
  outcomes_ += payment != nullptr || rejected ? 1 : 0;
  const bool public_one = payment != nullptr && !rejected;
  return what.outputs == (place_.stage + 1 == stages::kConfirmed && public_one ? 1 : 0);
}

std::string Letters::end() {
  if (!consequences_.empty()) {
    return verdict(Checker::dlq_complete,
                   at(consequences_.begin()->first) + " follows from nothing on the input");
  }
  if (replica_->table("dead_letters").size() != open_.size()) {
    return verdict(
        Checker::dlq_complete,
        to_string(place_) + " keeps " + std::to_string(replica_->table("dead_letters").size()) +
            " dead letters as open, told and not closed are " + std::to_string(open_.size()));
  }
  if (place_.stage + 1 != stages::kSettle) {
    return {};
  }
  std::int64_t counted = 0;
  for (const char* currency : {"EUR", "USD", "JPY", "XXX"}) {
    for (const char* field :
         {"completed_count", "failed_count", "failed_at_intake_count", "rejected"}) {
      counted += replica_->number("totals", currency, field);
    }
  }
  return counted == outcomes_
             ? std::string()
             : verdict(Checker::dlq_complete, to_string(place_) + " has counted " +
                                                  std::to_string(counted) + " of " +
                                                  std::to_string(outcomes_) + " outcomes");
}

}  // namespace

std::string judge_letters(World& world, const std::vector<std::unique_ptr<Replica>>& replicas) {
  for (std::size_t i = 0; i < replicas.size(); ++i) {
    const std::string wrong = Letters(world, world.places()[i], *replicas[i]).judge();
    if (!wrong.empty()) {
      return wrong;
    }
  }
  return {};
}

}  // namespace kpay::sim
