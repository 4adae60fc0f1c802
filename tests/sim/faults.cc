#include "sim/faults.h"

#include "core/horizon.h"
#include "stream/frame.h"

namespace kpay::sim {

Faults::Faults(World& world, Group& group)
    : world_(&world), group_(&group), dice_(world.setting().seed, 5) {
  for (std::uint8_t kind = 0; kind < static_cast<std::uint8_t>(Kind::count_); ++kind) {
    // Dying at a step of the crash table is what this is about; the rest comes and goes.
    if (kind == 0 || dice_.below(3) != 0) {
      kinds_.push_back(static_cast<Kind>(kind));
      if (kind < static_cast<std::uint8_t>(Kind::failing_commits)) {
        kinds_.insert(kinds_.end(), kind < 2 ? 4 : 2, static_cast<Kind>(kind));
      }
    }
  }
  gap_ms_ = dice_.pick(std::vector<std::int64_t>{40, 120, 300});
  next_ms_ = world.now_ms() + dice_.between(0, 1000);
}

Node& Faults::some_node() { return world_->nodes()[dice_.index(world_->nodes().size())]; }

void Faults::strike() {
  revive();
  if (world_->now_ms() < next_ms_) {
    return;
  }
  next_ms_ = world_->now_ms() +
             (dice_.one_in(12) ? dice_.between(500, 2000) : dice_.between(1, gap_ms_ * 2));
  strike(dice_.pick(kinds_));
}

void Faults::strike(Kind kind) {
  switch (kind) {
    case Kind::dying: set_trap(false); break;
    case Kind::stopping: set_trap(true); break;
    case Kind::killing:
      if (Node& node = some_node(); node.process) {
        world_->kill(node);
      }
      break;
    case Kind::rebalancing: rebalance(); break;
    case Kind::damaging: damage(); break;
    case Kind::cutting_power: world_->cut_power(some_node()); break;
    case Kind::failing_commits:
      some_node().disk->fail_commits(dice_.pick(world_->places()),
                                     static_cast<int>(dice_.between(1, 3)));
      break;
    case Kind::pausing:
      if (Node& node = some_node(); node.awake()) {
        world_->pause(node, dice_.index(kStages), dice_.between(50, 1500));
      }
      break;
    case Kind::stalling: stall(); break;
    case Kind::skewing: skew(); break;
    case Kind::doubling: double_record(); break;
    case Kind::poisoning: poison(); break;
    case Kind::stopping_all: stop_all(); break;
    case Kind::trimming: trim_inputs(); break;
    case Kind::count_: break;
  }
}

void Faults::revive() {
  for (Node& node : world_->nodes()) {
    if (!node.process && world_->now_ms() >= node.restart_ms) {
      world_->boot(node);
    }
  }
}

// Points that only a task on its way in or out comes to are brought about.
void Faults::set_trap(bool freezes) {
  Trap trap;
  trap.point = static_cast<Point>(dice_.below(static_cast<std::uint64_t>(Point::count_)));
  trap.stage = dice_.index(kStages);
  trap.freezes = freezes;
  trap.passes = static_cast<int>(dice_.below(3));
  if (dice_.one_in(10)) {
    trap.point = Point::within_rows;  // few checkpoints have so many rows
  }
  if (trap.point == Point::within_rows) {
    trap.passes = 0;
    trap.stage = dice_.one_in(2) ? kStages - 1 : trap.stage;
  }
  const bool follows = trap.point == Point::following || trap.point == Point::promoted;
  const bool in = trap.point == Point::promoted || trap.point == Point::restoring ||
                  trap.point == Point::after_open_marker || trap.point == Point::after_resume ||
                  trap.point == Point::before_output;
  const bool out = trap.point == Point::after_clean_marker;
  const Place place{trap.stage, static_cast<std::int32_t>(dice_.index(
                                    static_cast<std::size_t>(world_->setting().partitions)))};
  const std::size_t owner = group_->owner(place);
  const std::vector<std::size_t> ready =
      follows ? group_->followers(place) : std::vector<std::size_t>();
  if (trap.point == Point::following && !ready.empty()) {
    trap.passes = 0;
    world_->nodes()[dice_.pick(ready)].trap = trap;
  } else if (in || out) {
    trap.passes = 0;
    const std::vector<std::size_t> members = ready.empty() ? group_->members() : ready;
    const std::size_t to = members.empty() ? owner : dice_.pick(members);
    world_->nodes()[in ? to : owner].trap = trap;
    group_->move(place, to, in && dice_.one_in(2) ? Group::Style::lost : Group::Style::orderly);
  } else {
    world_->nodes()[owner].trap = trap;
  }
}

void Faults::rebalance() {
  const std::vector<std::size_t> members = group_->members();
  if (members.empty()) {
    return;
  }
  for (std::uint64_t moves = 1 + dice_.below(4); moves > 0; --moves) {
    const auto style = static_cast<Group::Style>(dice_.below(3));
    group_->move(dice_.pick(world_->places()), dice_.pick(members), style);
  }
}

// A host that is down finds its disk in another state when it is back.
void Faults::damage() {
  Node& node = some_node();
  if (node.process) {
    world_->kill(node);
  }
  if (dice_.one_in(8)) {
    world_->trace().line(node.name(), "loses its disk");
    node.disk->lose_all();
    return;
  }
  for (const Place& place : world_->places()) {
    const auto how = static_cast<Damage>(1 + dice_.below(5));
    Place other = dice_.pick(world_->places());
    if (dice_.one_in(2)) {
      other.stage = place.stage;
    }
    if (dice_.one_in(2) && node.disk->damage(place, how, other)) {
      world_->trace().line(node.name(), "state file of ", to_string(place), " ", to_string(how));
      world_->coverage().count(std::string("files_") + (how == Damage::torn ? "torn" : "hurt"));
    }
  }
}

void Faults::stall() {
  const auto topic = static_cast<stream::TopicIndex>(dice_.index(world_->topics().size()));
  const auto partition = static_cast<std::int32_t>(
      dice_.index(static_cast<std::size_t>(world_->setting().partitions)));
  const std::int64_t ms = dice_.between(20, 800);
  world_->trace().line("broker", world_->topics().name(topic), "/", partition, " stalls for ", ms,
                       " ms");
  world_->stall(topic, partition, ms);
}

void Faults::skew() {
  if (world_->skew_ms() != 0) {
    world_->set_skew(0);
  } else {
    world_->set_skew(dice_.pick(std::vector<std::int64_t>{
        core::kHourMs, 2 * core::kHourMs, 20 * core::kMinuteMs, -10 * core::kMinuteMs}));
  }
}

stream::TopicIndex Faults::some_internal_topic() {
  return world_->topics().index_of(dice_.one_in(2) ? stages::kTopicInflight
                                                   : stages::kTopicComplete);
}

void Faults::hit_readers(Line line, stream::TopicIndex topic) {
  for (std::size_t stage = 0; stage < kStages; ++stage) {
    if (world_->topics().index_of(world_->specs()[stage].input) == topic) {
      world_->coverage().hit(line, stage);
    }
  }
}

// A record stands in the log a second time.
void Faults::double_record() {
  const stream::TopicIndex topic =
      dice_.one_in(3) ? world_->topics().index_of(stages::kTopicIncoming) : some_internal_topic();
  const auto partition = static_cast<std::int32_t>(
      dice_.index(static_cast<std::size_t>(world_->setting().partitions)));
  const stream::LogBounds bounds = world_->log().bounds(topic, partition);
  if (bounds.end == bounds.begin) {
    return;
  }
  const std::int64_t offset = dice_.between(bounds.begin, bounds.end - 1);
  if (world_->is_forged(topic, partition, offset)) {
    return;
  }
  const stream::LogRecord record = *world_->log().read(topic, partition, offset).value();
  const Bytes key = to_bytes(record.key);
  const Bytes value = to_bytes(record.value);
  world_->append(topic, partition, key, value);
  hit_readers(Line::record_doubled, topic);
}

// Frames that no stage may have written (R8, R24): of another lineage, or of an unknown sender.
void Faults::poison() {
  const stream::TopicIndex topic = some_internal_topic();
  const auto partition = static_cast<std::int32_t>(
      dice_.index(static_cast<std::size_t>(world_->setting().partitions)));
  stream::FrameBuilder builder;
  stream::Sequence sequence;
  stream::EventHeader header;
  header.payload_bytes = 3;
  header.time = world_->client_time();
  builder.add(header, as_bytes("bad"), sequence);
  const bool foreign = dice_.one_in(2);
  const Uuid lineage = foreign ? Uuid{} : world_->chain({0, 0}).genesis().identity.lineage;
  const stream::SenderId sender{
      foreign ? stages::kIntake : static_cast<std::uint16_t>(dice_.one_in(2) ? 77 : 78), 0};
  world_->append(topic, partition, {}, builder.cut(lineage, sender, {}, 0));
}

// Everything is off, perhaps for longer than time may jump, or ids live: stopped, or without power.
void Faults::stop_all() {
  const std::int64_t ms = dice_.one_in(3)
                              ? dice_.pick(std::vector<std::int64_t>{
                                    core::kHourMs, 13 * core::kHourMs, 25 * core::kHourMs})
                              : dice_.between(1000, 60'000);
  if (!dice_.one_in(4)) {
    return;  // seldom: it ends everything else that goes wrong
  }
  const bool power = dice_.one_in(2);
  for (Node& node : world_->nodes()) {
    if (power) {
      world_->cut_power(node);
    } else if (node.process) {
      world_->kill(node);
    }
  }
  world_->trace().line("world", "everything is off for ", ms, " ms");
  for (std::size_t stage = 0; stage < kStages; ++stage) {
    world_->coverage().hit(Line::all_stopped, stage);
  }
  world_->tick(ms);
  if (dice_.one_in(2)) {
    for (const Place& place : world_->places()) {  // whoever comes back begins there
      world_->trim_input(world_->topics().index_of(world_->specs()[place.stage].input),
                         place.partition);
    }
  }
}

// As `kpayctl topics trim` does it, or segments go by themselves up to where it allowed.
void Faults::trim_inputs() {
  const std::vector<const char*> inputs{stages::kTopicIncoming, stages::kTopicInflight,
                                        stages::kTopicComplete};
  for (std::int32_t p = 0; p < world_->setting().partitions; ++p) {
    world_->trim_input(world_->topics().index_of(dice_.pick(inputs)), p);
  }
}

void Faults::end() {
  world_->be_calm();
  if (world_->skew_ms() != 0) {
    world_->set_skew(0);
  }
  for (Node& node : world_->nodes()) {
    node.trap.reset();
    node.restart_ms = 0;
    node.wake_ms = 0;
    for (const Place& place : world_->places()) {
      node.disk->fail_commits(place, 0);
    }
  }
  revive();
}

}  // namespace kpay::sim
