#include <algorithm>

#include "core/horizon.h"
#include "sim/verdict.h"
#include "wire/codec.h"

namespace kpay::sim {

namespace {

/// A command that intake took on, under its id.
struct Known {
  Bytes content;
  Timestamp at;
};

std::optional<core::Refusal> rejection_in(const core::Outcome& outcome) {
  if (const auto* payment = std::get_if<core::PaymentOutcome>(&outcome)) {
    return payment->status == core::PaymentStatus::rejected ? std::optional(payment->refusal)
                                                            : std::nullopt;
  }
  const auto& command = std::get<core::CommandOutcome>(outcome);
  return command.status == core::CommandStatus::rejected ? std::optional(command.refusal)
                                                         : std::nullopt;
}

class Ids {
 public:
  Ids(World& world, std::int32_t partition, const Replica& replica);
  std::string judge();

 private:
  [[nodiscard]] std::string take(const stream::LogRecord& record);
  [[nodiscard]] std::string again(const Known& known, bool same, std::int64_t offset,
                                  const Uuid& id) const;

  World* world_;
  std::int32_t partition_;
  std::map<std::int64_t, std::optional<core::Refusal>> said_;  // by cause: a rejection, or more
  std::map<Uuid, Known> known_;
  Timestamp now_;
  wire::CommandCodec codec_;
  wire::CommandCodec content_;
};

Ids::Ids(World& world, std::int32_t partition, const Replica& replica)
    : world_(&world), partition_(partition) {
  const std::vector<stream::OutputSpec>& outputs = world.specs()[stages::kIntake - 1U].outputs;
  wire::OutcomeCodec outcomes;
  core::Outcome outcome;
  for (const Replica::Said& said : replica.said()) {
    if (said.output >= outputs.size() || stream::is_operator_record(replica.payload(said))) {
      continue;
    }
    std::optional<core::Refusal>& what = said_[said.cause.offset];
    if (outputs[said.output].topic == stages::kTopicComplete) {
      check(!outcomes.decode(replica.payload(said), outcome), "an outcome can be read");
      what = rejection_in(outcome);
    }
  }
}

std::string Ids::judge() {
  const stream::TopicIndex topic = world_->topics().index_of(stages::kTopicIncoming);
  for (std::int64_t offset = 0; offset < world_->log().bounds(topic, partition_).end; ++offset) {
    const stream::LogRecord record = world_->record(topic, partition_, offset);
    now_ = std::max(now_, record.appended);
    if (std::string wrong = take(record); !wrong.empty()) {
      return wrong;
    }
  }
  return {};
}

std::string Ids::take(const stream::LogRecord& record) {
  core::Command command;
  if (record.value.empty() || record.value[0] == std::byte{'K'} ||
      codec_.decode(record.value, command) ||
      partition_of(core::key_of(command), world_->setting().partitions) != partition_) {
    return {};
  }
  const Uuid id = core::id_of(command);
  Bytes content = to_bytes(content_.encode(command));
  const auto known = known_.find(id);
  if (known != known_.end()) {
    world_->coverage().count("ids_met_again");
    return again(known->second, known->second.content == content, record.offset, id);
  }
  const auto said = said_.find(record.offset);
  if (said != said_.end() && !said->second) {
    known_[id] = {std::move(content), now_};
  }
  return {};
}

// Within the horizon nothing is said to the same content, since the first answer stands, and a
// conflict to any other; beyond it the id may be forgotten, and is expired for long.
std::string Ids::again(const Known& known, bool same, std::int64_t offset, const Uuid& id) const {
  const auto said = said_.find(offset);
  const bool rejected = said != said_.end() && said->second;
  if (rejected && *said->second == core::Refusal::id_expired &&
      now_.ms - known.at.ms > core::kHorizonMs) {
    return {};
  }
  if (same ? said == said_.end()
           : rejected && *said->second == core::Refusal::exists_with_different_content) {
    return {};
  }
  return verdict(Checker::idempotent_answer, "intake/" + std::to_string(partition_) + " at " +
                                                 std::to_string(offset) + ": id " + to_string(id) +
                                                 " came again with " +
                                                 (same ? "the same content, and has another answer"
                                                       : "other content, and that is no conflict"));
}

}  // namespace

std::string judge_ids(World& world, const std::vector<std::unique_ptr<Replica>>& replicas) {
  for (std::size_t i = 0; i < replicas.size(); ++i) {
    const Place& place = world.places()[i];
    if (place.stage == stages::kIntake - 1U) {
      const std::string wrong = Ids(world, place.partition, *replicas[i]).judge();
      if (!wrong.empty()) {
        return wrong;
      }
    }
  }
  return {};
}

}  // namespace kpay::sim
