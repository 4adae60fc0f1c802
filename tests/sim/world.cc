#include "sim/world.h"

#include <unistd.h>

#include <algorithm>

namespace kpay::sim {

namespace {

// Every so many seeds have their state in real SQLite files, which take longer.
constexpr std::uint64_t kSeedsPerFileSeed = 20;
constexpr std::int64_t kLogBeginsMs = 1'790'000'000'000;

Uuid numbered_uuid(std::uint64_t number, std::uint8_t kind) {
  Uuid uuid;
  uuid.bytes[0] = kind;
  for (std::size_t i = 0; i < 8; ++i) {
    uuid.bytes[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  }
  return uuid;
}

}  // namespace

Setting setting_of(std::uint64_t seed) {
  Dice dice(seed, 1);
  Setting setting;
  setting.seed = seed;
  setting.partitions = static_cast<std::int32_t>(dice.between(1, 3));
  setting.hosts = static_cast<std::size_t>(dice.between(2, 4));
  setting.latency_ms_max = dice.pick(std::vector<std::int64_t>{1, 5, 10, 40});
  setting.commands = static_cast<int>(dice.between(60, 220));
  setting.faults_ms = dice.between(3000, 9000);
  stream::TaskOptions& task = setting.task;
  task.build = "simulated";
  task.checkpoint_interval_ms = dice.between(80, 500);
  task.idle_checkpoint_interval_ms = task.checkpoint_interval_ms * 2;
  task.dirty_rows_max = static_cast<std::size_t>(dice.pick(std::vector<int>{20, 200, 10'000}));
  task.base_every = static_cast<std::uint32_t>(dice.between(2, 8));
  task.base_slice_rows = static_cast<std::size_t>(dice.between(2, 40));
  task.frame_bytes_max = static_cast<std::size_t>(dice.pick(std::vector<int>{60, 200, 600, 4000}));
  task.unacknowledged_bytes_max =
      static_cast<std::size_t>(dice.pick(std::vector<int>{4000, 1 << 20}));
  if (seed % kSeedsPerFileSeed == 7) {
    const std::filesystem::path memory = "/dev/shm";
    setting.files =
        (std::filesystem::exists(memory) ? memory : std::filesystem::temp_directory_path()) /
        ("kpay-sim-" + std::to_string(::getpid()) + "-" + std::to_string(seed));
  }
  task.tick_after_ms = dice.one_in(2) ? 1000 : std::int64_t{1} << 40U;
  setting.standbys = dice.pick(std::vector<std::size_t>{0, 1, 1, 2});
  task.standby_store_ms = dice.between(50, 2000);
  setting.orders = dice.one_in(2) ? static_cast<int>(dice.between(10, 60)) : 0;
  return setting;
}

World::World(const Setting& setting, Trace& trace)
    : setting_(setting),
      trace_(&trace),
      dice_(setting.seed, 2),
      specs_(stages::all_specs()),
      topics_("kpay.", stream::topics_of(specs_)),
      log_(Timestamp{kLogBeginsMs + now_ms_}) {
  stream::make_topics(log_, topics_, specs_, "simulated", numbered_uuid(setting.seed, 0xAA),
                      setting.partitions);
  for (std::size_t stage = 0; stage < specs_.size(); ++stage) {
    const stream::TopicIndex changelog = topics_.index_of(specs_[stage].changelog());
    changelog_stage_[changelog] = stage;
    for (std::int32_t p = 0; p < setting.partitions; ++p) {
      places_.push_back({stage, p});
      inputs_[{topics_.index_of(specs_[stage].input), p}] = {};
      observe({stage, p}, 0, log_.read(changelog, p, 0).value()->value);
    }
  }
  for (std::size_t i = 0; i < setting.hosts; ++i) {
    nodes_.emplace_back();
    nodes_.back().number = i;
    nodes_.back().disk = std::make_unique<Disk>(
        dice_, setting.files.empty() ? setting.files : setting.files / nodes_.back().name());
  }
}

World::~World() {
  for (Node& node : nodes_) {
    node.dying = true;  // what its end still tells is nobody's business
    node.process.reset();
  }
  if (!setting_.files.empty()) {
    std::error_code ignored;
    std::filesystem::remove_all(setting_.files, ignored);
  }
}

void World::fail(Checker checker, const std::string& what) {
  trace_->line("FAULT", what);
  if (fault_.empty()) {
    fault_ = verdict(checker, what);
  }
}

// ---- time

Timestamp World::client_time() const { return {kLogBeginsMs + now_ms_}; }

void World::set_skew(std::int64_t ms) {
  trace_->line("broker", "its clock goes ", ms, " ms ahead");
  skew_ms_ = ms;
  log_.set_now({kLogBeginsMs + now_ms_ + skew_ms_});
}

std::int64_t World::latency() { return dice_.between(0, setting_.latency_ms_max); }

void World::tick(std::int64_t ms) {
  now_ms_ += ms;
  trace_->set_time(now_ms_);
  log_.set_now({kLogBeginsMs + now_ms_ + skew_ms_});
  for (Node& node : nodes_) {
    if (node.link) {
      node.link->deliver(now_ms_, node.process.get());
    }
  }
  for (const std::shared_ptr<Link>& link : old_links_) {
    link->deliver(now_ms_, nullptr);
  }
  std::erase_if(old_links_, [](const std::shared_ptr<Link>& link) { return link->idle(); });
  const std::size_t first = dice_.index(nodes_.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    Node& node = nodes_[(first + i) % nodes_.size()];
    if (node.frozen && now_ms_ >= node.wake_ms) {
      wake(node);
    }
    if (node.awake() && (calm_ || !dice_.one_in(8))) {
      step(node);
    }
  }
}

void World::step(Node& node) {
  node.last_seen_ms = now_ms_;
  spring_standing(node);
  if (!node.dying && !node.frozen) {
    node.process->hold_background(!calm_ && dice_.one_in(4));
    node.process->set_records_per_pump(static_cast<int>(dice_.between(1, 24)));
    if (!jumps_.empty() && (calm_ || dice_.one_in(40))) {
      for (const std::shared_ptr<stream::Task>& task : node.process->host().tasks()) {
        task->acknowledge_time();
      }
    }
    resume(node);
    node.process->step(now_ms_);
  }
  if (node.dying) {
    kill(node);
  }
}

void World::pause(Node& node, std::size_t stage, std::int64_t ms) {
  trace_->line(node.name(), kStageNames[stage], " is paused for ", ms, " ms");
  node.paused[stage] = now_ms_ + ms;
  node.process->host().set_paused(stage, true);
  coverage_.count("stages_paused");
}

void World::resume(Node& node) {
  std::erase_if(node.paused, [&](const auto& paused) {
    const bool over = calm_ || now_ms_ >= paused.second;
    if (over) {
      node.process->host().set_paused(paused.first, false);
    }
    return over;
  });
}

// ---- hosts

void World::boot(Node& node) {
  check(node.process == nullptr, "a host has one process at a time");
  ++node.boots;
  node.dying = false;
  node.frozen = false;
  node.steps = {};
  node.stopped_in.reset();
  node.promoted.clear();
  node.file_markers.clear();
  node.paused.clear();
  node.last_seen_ms = now_ms_;
  node.link = std::make_shared<Link>(*this, node.number);
  stream::MemoryProcess::Parts parts;
  parts.specs = &specs_;
  parts.topics = &topics_;
  parts.log = &log_;
  parts.network = node.link.get();
  parts.cluster_id = "simulated";
  parts.partitions = setting_.partitions;
  parts.options = setting_.task;
  parts.options.owner = node.owner();
  parts.make_store = [this, &node](const stream::StageSpec& spec, std::int32_t partition,
                                   const stream::Identity& identity) {
    const Place place{spec.number - 1U, partition};
    stream::OpenMarker whose;
    whose.identity = identity;
    whose.owner = to_string(place);
    auto opened = node.disk->open(
        place, stream::encode(whose), [this, &node](const Place& done, bool before) {
          if (!node.dying) {
            spring(node, before ? Point::before_commit : Point::after_commit, done);
          }
          return !node.dying;
        });
    if (opened) {
      note_file(node, place, **opened);
    }
    return opened;
  };
  parts.make_nonce = [this] { return numbered_uuid(++nonces_, 0xBB); };
  parts.notice = [this, &node](const stream::StageSpec& spec, std::int32_t partition,
                               const stream::TaskNotice& notice) {
    if (!node.dying) {
      on_notice(node, {spec.number - 1U, partition}, notice);
    }
  };
  parts.random_seed = setting_.seed + nonces_;
  node.process = std::make_unique<stream::MemoryProcess>(std::move(parts));
  trace_->line(node.name(), "boots");
}

void World::kill(Node& node) {
  trace_->line(node.name(), "dies");
  coverage_.count("crashes");
  for (const auto& [place, chain] : chains_) {
    owner_deaths_[place] += chain.owner() == node.owner() ? 1 : 0;
  }
  node.dying = true;
  node.disk->crash([&] { node.process.reset(); });
  node.dying = false;
  node.frozen = false;
  node.link->cut(now_ms_);
  old_links_.push_back(std::move(node.link));
  node.link = nullptr;
  node.restart_ms = now_ms_ + dice_.between(20, 1200);
}

int World::owner_deaths(const Place& place) const {
  const auto found = owner_deaths_.find(place);
  return found == owner_deaths_.end() ? 0 : found->second;
}

void World::cut_power(Node& node) {
  trace_->line(node.name(), "loses its power");
  coverage_.count("power_cuts");
  if (node.process) {
    kill(node);
  }
  for (const Place& place : node.disk->lose_unsynced()) {
    trace_->line(node.name(), "state file of ", to_string(place), " ", to_string(Damage::unsynced));
  }
}

void World::freeze(Node& node, std::int64_t ms) {
  trace_->line(node.name(), "is stopped for ", ms, " ms");
  coverage_.count("pauses");
  node.frozen = true;
  node.wake_ms = now_ms_ + ms;
  node.link->hold();
}

void World::wake(Node& node) {
  trace_->line(node.name(), "wakes up");
  node.frozen = false;
  node.link->wake(now_ms_);
  if (node.stopped_in) {
    const Stop stop = *node.stopped_in;
    node.stopped_in.reset();
    const Chain& chain = chains_.at(stop.place);
    if (chain.epoch() != stop.epoch && !chain.owner().starts_with(node.name() + ".")) {
      coverage_.hit(stop.line, stop.place.stage);
      coverage_.count(stop.line == Line::standby_stopped ? "standbys_stopped" : "zombies");
    }
  }
}

bool World::spring(Node& node, Point point, const Place& place) {
  if (!node.trap || calm_ || node.trap->point != point || node.trap->stage != place.stage ||
      node.trap->passes-- > 0) {
    return false;
  }
  const Trap trap = *node.trap;
  node.trap.reset();
  trace_->line(node.name(), trap.freezes ? "stops " : "dies ", to_string(point), " of ",
               to_string(place));
  if (trap.freezes) {
    if (const std::optional<Line> line = stopped_at(point)) {
      node.stopped_in = Stop{*line, place, chains_.at(place).epoch()};
    }
    freeze(node, dice_.between(200, 2500));
  } else {
    if (const std::optional<Line> line = dying_at(point)) {
      coverage_.hit(*line, place.stage);
    }
    node.dying = true;
  }
  return true;
}

// ---- the log

std::optional<Place> World::changelog_place(stream::TopicIndex topic,
                                            std::int32_t partition) const {
  const auto found = changelog_stage_.find(topic);
  return found == changelog_stage_.end() ? std::nullopt
                                         : std::optional(Place{found->second, partition});
}

std::int64_t World::append(stream::TopicIndex topic, std::int32_t partition, ByteView key,
                           ByteView value) {
  const std::int64_t offset = log_.append(topic, partition, key, value);
  if (const auto input = inputs_.find({topic, partition}); input != inputs_.end()) {
    input->second.push_back({now_ms_, log_.now(), to_bytes(key), to_bytes(value)});
  }
  if (const std::optional<Place> place = changelog_place(topic, partition)) {
    observe(*place, offset, value);
  }
  return offset;
}

void World::observe(const Place& place, std::int64_t offset, ByteView record) {
  Chain& chain = chains_[place];
  const std::uint32_t rows_open = chain.pending_rows();
  switch (chain.take(offset, record)) {
    case Chain::Step::takeover:
      coverage_.count("takeovers");
      note_race(place);
      note_takeover(place, rows_open);
      trace_->line(to_string(place), "epoch ", offset, " of ", chain.owner());
      break;
    case Chain::Step::late_renewal:
      coverage_.hit(Line::zombie_renewal, place.stage);
      trace_->line(to_string(place), "a late renewal at ", offset);
      break;
    case Chain::Step::marker:
      coverage_.count("checkpoints");
      trace_->line(to_string(place), "marker ", chain.markers().back().number, " at ", offset,
                   ", input position ", chain.markers().back().registers.position,
                   chain.markers().back().clean ? ", clean" : "");
      break;
    case Chain::Step::base: coverage_.count("bases"); break;
    case Chain::Step::stale: coverage_.count("records_of_former_owners"); break;
    default: break;
  }
}

void World::note_race(const Place& place) {
  int restoring = 0;
  for (const Node& node : nodes_) {
    const std::shared_ptr<stream::Task> task =
        node.process ? node.process->host().find(place.stage, place.partition) : nullptr;
    restoring += task && task->phase() == stream::Phase::restoring ? 1 : 0;
  }
  if (restoring > 1) {
    coverage_.hit(Line::takeovers_race, place.stage);
  }
}

void World::stall(stream::TopicIndex topic, std::int32_t partition, std::int64_t ms) {
  stalls_[{topic, partition}] = now_ms_ + ms;
}

std::int64_t World::stalled_until(stream::TopicIndex topic, std::int32_t partition) const {
  const auto found = stalls_.find({topic, partition});
  return found == stalls_.end() || calm_ ? 0 : found->second;
}

std::int64_t World::epoch_of(stream::TopicIndex topic, std::int32_t partition) const {
  const std::optional<Place> place = changelog_place(topic, partition);
  return place ? chains_.at(*place).epoch() : -1;
}

bool World::links_idle() const {
  return old_links_.empty() && std::all_of(nodes_.begin(), nodes_.end(), [](const Node& node) {
           return !node.link || node.link->idle();
         });
}

// ---- parcels

bool World::before_parcel(std::size_t number, const Parcel& parcel) {
  Node& node = nodes_[number];
  if (node.dying) {
    return false;
  }
  if (parcel.task && is_standby(node, *parcel.task)) {
    fail(Checker::hash_chain, node.name() + " only follows " + to_string(*parcel.task) +
                                  " and appends " + to_string(parcel.what));
  }
  const std::optional<Point> point = node.steps.before(parcel);
  if (point) {
    spring(node, *point, *parcel.task);
  }
  return !node.dying;
}

void World::after_parcel(std::size_t number, const Parcel& parcel) {
  const std::optional<Point> point = Steps::after(parcel);
  if (point && parcel.task) {
    spring(nodes_[number], *point, *parcel.task);
  }
}

void World::arrive(const Parcel& parcel, bool sender_is_gone) {
  if (sender_is_gone && parcel.what == What::takeover) {
    coverage_.hit(Line::late_takeover, parcel.task->stage);
  }
  if (!accepts_.empty() && parcel.what == What::output) {
    forge_before(parcel);
  }
  const auto stall = stalls_.find({parcel.topic, parcel.partition});
  if (stall != stalls_.end() && parcel.task && parcel.due_ms < stall->second) {
    coverage_.hit(Line::failover, parcel.task->stage);
  }
  append(parcel.topic, parcel.partition, parcel.key, parcel.value);
}

void World::lose_queue(const Parcel& first) {
  if (first.task) {
    coverage_.hit(Line::queue_lost, first.task->stage);
  }
}

// Of the producer of a process; it comes again with the same record.
bool World::queue_is_full() {
  if (calm_ || !dice_.one_in(60)) {
    return false;
  }
  coverage_.count("full_queues");
  return true;
}

bool World::refuses_first(const Parcel& parcel) {
  if (calm_ || !parcel.task || !dice_.one_in(12)) {
    return false;
  }
  coverage_.hit(Line::first_refused, parcel.task->stage);
  return true;
}

}  // namespace kpay::sim
