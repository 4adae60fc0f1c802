#include <set>

#include "sim/verdict.h"

namespace kpay::sim {

namespace {

/// What tasks said to operators.
struct Answers {
  std::set<Uuid> answered;    // ids of records
  std::set<Bytes> put_aside;  // bytes of dead letters
  std::string wrong;
};

Answers read_answers(const World& world, const std::vector<std::unique_ptr<Replica>>& replicas) {
  Answers answers;
  for (std::size_t i = 0; i < replicas.size(); ++i) {
    const Place& place = world.places()[i];
    std::set<std::pair<std::int64_t, std::uint32_t>> closed;
    for (const Bytes& payload :
         replicas[i]->sent(world.specs()[place.stage].outputs.size(), place.partition)) {
      if (const auto letter = stream::decode_dead_letter(payload)) {
        answers.put_aside.insert(letter->bytes);
        continue;
      }
      const auto answer = stream::decode_operator_answer(payload);
      check(answer.has_value(), "ops.dlq holds dead letters and answers");
      answers.answered.insert(answer->record.id);
      const stream::LetterKey* letter = stream::letter_of(answer->record);
      if (answer->verdict == stream::OperatorVerdict::done && letter != nullptr &&
          !closed.insert({letter->offset, letter->index}).second) {
        answers.wrong = verdict(Checker::duplicate_effect,
                                "a dead letter of " + to_string(place) + " is closed twice");
      }
    }
  }
  return answers;
}

}  // namespace

std::string judge_operators(World& world, const std::vector<std::unique_ptr<Replica>>& replicas) {
  const Answers answers = read_answers(world, replicas);
  if (!answers.wrong.empty()) {
    return answers.wrong;
  }
  const stream::TopicIndex incoming = world.topics().index_of(stages::kTopicIncoming);
  for (std::int32_t p = 0; p < world.setting().partitions; ++p) {
    for (std::int64_t offset = 0; offset < world.log().bounds(incoming, p).end; ++offset) {
      const ByteView value = world.record(incoming, p, offset).value;
      const auto record = stream::decode_operator_record(value);
      if (record && !answers.answered.contains(record->id) &&
          !answers.put_aside.contains(to_bytes(value))) {
        return verdict(Checker::lost_ack, "the record of " + record->author + " has no answer");
      }
    }
  }
  return {};
}

}  // namespace kpay::sim
