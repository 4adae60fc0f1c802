#include <set>

#include "sim/accounts.h"
#include "sim/verdict.h"

namespace kpay::sim {

namespace {

std::string at(const Place& place, std::int64_t position) {
  return to_string(place) + " at input position " + std::to_string(position);
}

/// What differs between a marker and the replica at the same position.
std::string compare(const Place& place, const stream::Marker& marker, Replica& replica) {
  if (!(marker.registers == replica.registers())) {
    return verdict(Checker::state_is_replay, "marker " + std::to_string(marker.number) + " of " +
                                                 at(place, marker.registers.position) +
                                                 " has other registers than its input leads to");
  }
  if (marker.state_hash != replica.state_hash()) {
    return verdict(Checker::state_is_replay, "marker " + std::to_string(marker.number) + " of " +
                                                 at(place, marker.registers.position) +
                                                 " has another state hash than its input leads to");
  }
  return {};
}

/// After the whole input.
std::string judge_end(World& world, const Place& place, const Replica& replica, std::int64_t end) {
  const std::vector<stream::Marker>& markers = world.chain(place).markers();
  if (replica.untakable() > 0) {
    return verdict(Checker::hash_chain,
                   to_string(place) + " got events whose number or hash doesn't follow");
  }
  if (replica.refusals() != world.forgeries(place)) {
    return verdict(Checker::hash_chain,
                   to_string(place) + " has to refuse " + std::to_string(replica.refusals()) +
                       " frames, forged were " + std::to_string(world.forgeries(place)));
  }
  if (markers.empty() || !markers.back().clean || markers.back().registers.position != end) {
    return verdict(Checker::stuck,
                   to_string(place) + " has no clean marker at the end of its input");
  }
  return {};
}

std::string judge_task(World& world, const Place& place, Replica& replica) {
  const stream::TopicIndex input = world.topics().index_of(world.specs()[place.stage].input);
  const stream::LogBounds bounds = world.log().bounds(input, place.partition);
  const std::vector<stream::Marker>& markers = world.chain(place).markers();
  Accounts accounts(world.specs()[place.stage], replica);
  const bool has_accounts = place.stage == stages::kAccount - 1U;
  std::string unposted;
  std::size_t next = 0;
  for (std::int64_t offset = 0;; ++offset) {
    for (; next < markers.size() && markers[next].registers.position == offset; ++next) {
      if (std::string wrong = compare(place, markers[next], replica); !wrong.empty()) {
        return wrong;
      }
    }
    if (offset == bounds.end) {
      break;
    }
    const stream::LogRecord record = world.record(input, place.partition, offset);
    replica.take(record);
    if (has_accounts && unposted.empty()) {
      unposted = accounts.look(record);
    }
  }
  if (next < markers.size()) {
    return verdict(Checker::state_is_replay,
                   "marker " + std::to_string(markers[next].number) + " of " +
                       at(place, markers[next].registers.position) + " comes after a later one");
  }
  if (std::string wrong = judge_end(world, place, replica, bounds.end); !wrong.empty()) {
    return wrong;
  }
  return unposted.empty() && has_accounts ? accounts.end() : unposted;
}

/// Events of frames on a partition by sender, each number once; a repeat must be the same bytes.
std::string read_frames(World& world, stream::TopicIndex topic, std::int32_t partition,
                        std::map<stream::SenderId, std::vector<Bytes>>& events) {
  stream::Frame frame;
  const stream::LogBounds bounds = world.log().bounds(topic, partition);
  const Uuid lineage = world.chain({0, 0}).genesis().identity.lineage;
  for (std::int64_t offset = 0; offset < bounds.end; ++offset) {
    const stream::LogRecord record = world.record(topic, partition, offset);
    if (world.is_forged(topic, partition, offset) || !stream::read_frame(record.value, frame) ||
        frame.lineage != lineage) {
      continue;
    }
    std::vector<Bytes>& known = events[frame.sender];
    std::uint64_t number = frame.first;
    for (const stream::Frame::Item& item : frame.events) {
      if (number > known.size() + 1) {
        return verdict(Checker::hash_chain, "a gap before " + world.topics().name(topic) + "/" +
                                                std::to_string(partition) + " offset " +
                                                std::to_string(offset));
      }
      if (number == known.size() + 1) {
        known.push_back(to_bytes(item.payload));
      } else if (!equal(known[number - 1], item.payload)) {
        return verdict(Checker::hash_chain,
                       world.topics().name(topic) + "/" + std::to_string(partition) + " offset " +
                           std::to_string(offset) + " says something else than before");
      }
      ++number;
    }
  }
  return {};
}

std::string judge_output(World& world, stream::TopicIndex topic, std::int32_t partition,
                         std::size_t output_of(const stream::StageSpec&, const std::string&),
                         const std::vector<std::unique_ptr<Replica>>& replicas) {
  std::map<stream::SenderId, std::vector<Bytes>> events;
  if (std::string wrong = read_frames(world, topic, partition, events); !wrong.empty()) {
    return wrong;
  }
  for (std::size_t i = 0; i < replicas.size(); ++i) {
    const Place place = world.places()[i];
    const stream::StageSpec& spec = world.specs()[place.stage];
    const std::size_t output = output_of(spec, world.topics().name(topic));
    const std::vector<Bytes>& wanted = replicas[i]->sent(output, partition);
    if (events[{spec.number, place.partition}] != wanted) {
      return verdict(Checker::state_is_replay,
                     "what " + to_string(place) + " wrote to " + world.topics().name(topic) + "/" +
                         std::to_string(partition) + " is not what its input leads to");
    }
  }
  return {};
}

std::size_t place_of_output(const stream::StageSpec& spec, const std::string& topic) {
  if (topic == stream::kDeadLetterTopic) {
    return spec.outputs.size();
  }
  std::size_t output = 0;
  while (output < spec.outputs.size() && spec.outputs[output].topic != topic) {
    ++output;
  }
  return output < spec.outputs.size() ? output : spec.outputs.size() + 1;
}

/// Public results may stand twice, with the same number; the first of each is what counts.
std::string judge_public(World& world, const std::string& topic,
                         const std::vector<std::unique_ptr<Replica>>& replicas) {
  for (std::size_t i = 0; i < replicas.size(); ++i) {
    const Place place = world.places()[i];
    if (place.stage != stages::kConfirmed - 1U) {
      continue;
    }
    const std::vector<Bytes>& wanted =
        replicas[i]->sent(place_of_output(world.specs()[place.stage], topic), place.partition);
    const stream::TopicIndex index = world.topics().index_of(topic);
    const stream::LogBounds bounds = world.log().bounds(index, place.partition);
    std::set<Bytes> seen;
    std::size_t next = 0;
    for (std::int64_t offset = 0; offset < bounds.end; ++offset) {
      const Bytes value = to_bytes(world.record(index, place.partition, offset).value);
      if (seen.insert(value).second && (next == wanted.size() || value != wanted[next++])) {
        return verdict(Checker::state_is_replay, topic + "/" + std::to_string(place.partition) +
                                                     " offset " + std::to_string(offset) +
                                                     " is not what its input leads to");
      }
    }
    if (next != wanted.size()) {
      return verdict(Checker::lost_ack,
                     topic + "/" + std::to_string(place.partition) + " lacks a result");
    }
  }
  return {};
}

}  // namespace

std::string judge_tasks(World& world, std::vector<std::unique_ptr<Replica>>& replicas) {
  for (const Place& place : world.places()) {
    const stream::StageSpec& spec = world.specs()[place.stage];
    replicas.push_back(
        std::make_unique<Replica>(spec, place.partition, world.chain(place).genesis().identity));
    if (std::string wrong = judge_task(world, place, *replicas.back()); !wrong.empty()) {
      return wrong;
    }
  }
  for (const std::string& topic :
       {std::string(stages::kTopicInflight), std::string(stages::kTopicComplete),
        std::string(stream::kDeadLetterTopic)}) {
    for (std::int32_t p = 0; p < world.setting().partitions; ++p) {
      std::string wrong =
          judge_output(world, world.topics().index_of(topic), p, place_of_output, replicas);
      if (!wrong.empty()) {
        return wrong;
      }
    }
  }
  for (const char* topic : {stages::kTopicConfirmed, stages::kTopicFailed}) {
    if (std::string wrong = judge_public(world, topic, replicas); !wrong.empty()) {
      return wrong;
    }
  }
  return {};
}

}  // namespace kpay::sim
