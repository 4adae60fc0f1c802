#include "sim/run.h"

#include <filesystem>
#include <fstream>

#include "sim/clients.h"
#include "sim/faults.h"
#include "sim/operators.h"
#include "sim/verdict.h"

namespace kpay::sim {

namespace {

constexpr std::int64_t kRestMs = 300'000;  // longer than every pause that a host makes, many times
constexpr std::int64_t kLookMs = 150;

Setting setting_for(const RunOptions& options) {
  Setting setting = setting_of(options.seed);
  setting.orders = options.operators ? setting.orders : 0;
  return setting;
}

class Run {
 public:
  explicit Run(const RunOptions& options)
      : options_(options),
        trace_(options.trace),
        world_(setting_for(options), trace_),
        group_(world_),
        clients_(world_),
        operators_(world_),
        faults_(world_, group_),
        dice_(options.seed, 6) {}

  RunResult run() {
    RunResult result;
    result.wrong = story();
    if (!options_.dump.empty()) {
      dump(world_, options_.dump);
    }
    note_combination();
    result.coverage = world_.coverage();
    return result;
  }

 private:
  std::string story();
  void with_faults();
  std::string come_to_rest();
  std::string let_go();
  std::string restore_anew();
  void tick(std::int64_t ms);
  void send();
  void operate();
  void note_combination();
  [[nodiscard]] bool is_at_rest();
  [[nodiscard]] std::shared_ptr<stream::Task> task_of(const Place& place);
  [[nodiscard]] std::string who_is_late(const std::string& when);

  RunOptions options_;
  Trace trace_;
  World world_;
  Group group_;
  Clients clients_;
  Operators operators_;
  Faults faults_;
  Dice dice_;
  std::vector<std::unique_ptr<Replica>> replicas_;
};

std::string Run::story() {
  for (Node& node : world_.nodes()) {
    world_.boot(node);
  }
  with_faults();
  if (!world_.fault().empty()) {
    return world_.fault();
  }
  faults_.end();
  if (std::string wrong = come_to_rest(); !wrong.empty()) {
    return wrong;
  }
  if (std::string wrong = judge_standbys(world_); !wrong.empty()) {
    return wrong;
  }
  if (std::string wrong = let_go(); !wrong.empty()) {
    return wrong;
  }
  if (std::string wrong = judge_tasks(world_, replicas_); !wrong.empty()) {
    return wrong;
  }
  for (const auto& judge : {judge_books, judge_ids, judge_letters, judge_operators}) {
    if (std::string wrong = judge(world_, replicas_); !wrong.empty()) {
      return wrong;
    }
  }
  return restore_anew();
}

void Run::tick(std::int64_t ms) {
  world_.tick(ms);
  group_.reconcile();
}

void Run::send() {
  if (clients_.left() > 0) {
    clients_.send();
  }
}

void Run::operate() {
  if (operators_.left() > 0) {
    operators_.act();
  }
}

void Run::with_faults() {
  const Setting& setting = world_.setting();
  const auto order_every =
      static_cast<std::uint64_t>(setting.faults_ms / (setting.orders + 1) / 6 + 1);
  const auto every = static_cast<std::uint64_t>(setting.faults_ms / setting.commands / 4 + 1);
  for (std::int64_t ms = 0; ms < setting.faults_ms && world_.fault().empty();) {
    const std::int64_t step = dice_.between(1, 10);
    ms += step;
    tick(step);
    faults_.strike();
    if (dice_.one_in(order_every)) {
      operate();
    }
    if (dice_.one_in(every)) {
      for (std::uint64_t burst = dice_.one_in(10) ? dice_.below(20) : 1; burst > 0; --burst) {
        send();
      }
    }
  }
}

std::shared_ptr<stream::Task> Run::task_of(const Place& place) {
  const Node& node = world_.nodes()[group_.owner(place)];
  return node.awake() ? node.process->host().find(place.stage, place.partition) : nullptr;
}

bool Run::is_at_rest() {
  if (!world_.links_idle()) {
    return false;
  }
  for (const Place& place : world_.places()) {
    const std::shared_ptr<stream::Task> task = task_of(place);
    if (!task || task->phase() != stream::Phase::running) {
      return false;
    }
    const stream::TopicIndex input = world_.topics().index_of(world_.specs()[place.stage].input);
    if (task->status().position != world_.log().bounds(input, place.partition).end) {
      return false;
    }
  }
  if (!who_lags(world_).empty()) {
    return false;
  }
  for (const Node& node : world_.nodes()) {
    if (node.process->outbox().in_flight() > 0 || node.process->outbox().waiting() > 0) {
      return false;
    }
  }
  return true;
}

// A task that doesn't run hasn't recovered; one that runs, and doesn't come to its end, is stuck.
std::string Run::who_is_late(const std::string& when) {
  for (const Place& place : world_.places()) {
    const std::shared_ptr<stream::Task> task = task_of(place);
    if (!task) {
      return verdict(Checker::bounded_recovery, when + to_string(place) + " has no owner");
    }
    const stream::TaskStatus status = task->status();
    const stream::TopicIndex input = world_.topics().index_of(world_.specs()[place.stage].input);
    if (status.phase != stream::Phase::running ||
        status.position != world_.log().bounds(input, place.partition).end) {
      return verdict(
          status.phase == stream::Phase::running ? Checker::stuck : Checker::bounded_recovery,
          when + to_string(place) + " is " + stream::to_string(status.phase) + " at " +
              std::to_string(status.position) + " of " +
              std::to_string(world_.log().bounds(input, place.partition).end) + " " +
              status.reason);
    }
  }
  const std::string lagging = who_lags(world_);
  return lagging.empty() ? verdict(Checker::stuck, when + "something is still on its way")
                         : verdict(Checker::bounded_recovery, when + lagging);
}

// The faults are over: everything that was begun is finished, in bounded time.
std::string Run::come_to_rest() {
  trace_.line("world", "the faults are over");
  const std::int64_t until = world_.now_ms() + kRestMs;
  std::int64_t look = 0;
  while (world_.now_ms() < until) {
    const std::int64_t step = dice_.between(2, 25);
    tick(step);
    send();
    operate();
    if (!world_.fault().empty()) {
      return world_.fault();
    }
    look += step;
    if (look >= kLookMs && clients_.left() == 0 && operators_.left() == 0) {
      look = 0;
      if (is_at_rest()) {
        return {};
      }
    }
  }
  return who_is_late("after " + std::to_string(kRestMs) + " ms without faults ");
}

// Every task is released: its clean marker is the end of its changelog.
std::string Run::let_go() {
  trace_.line("world", "everything is released");
  for (Node& node : world_.nodes()) {
    node.process->host().release_all();
  }
  for (int i = 0; i < 4000; ++i) {
    world_.tick(5);
    bool done = world_.links_idle();
    for (const Node& node : world_.nodes()) {
      done = done && node.process->host().size() == 0;
    }
    if (done) {
      return world_.fault();
    }
  }
  return verdict(Checker::stuck, "a task can't be released");
}

// All hosts are gone: the log alone gives every state back; or what is left on the disks does.
std::string Run::restore_anew() {
  const bool disks_too = dice_.one_in(2);
  for (Node& node : world_.nodes()) {
    world_.kill(node);
    if (disks_too) {
      node.disk->lose_all();
    }
    node.restart_ms = 0;
    world_.boot(node);
  }
  for (int i = 0; i < 4000; ++i) {
    tick(5);
    if (!world_.fault().empty()) {
      return world_.fault();
    }
    std::size_t same = 0;
    for (std::size_t at = 0; at < world_.places().size(); ++at) {
      const std::shared_ptr<stream::Task> task = task_of(world_.places()[at]);
      if (!task || task->phase() != stream::Phase::running) {
        continue;
      }
      const stream::Marker& last = world_.chain(world_.places()[at]).markers().back();
      if (task->status().state_hash != last.state_hash) {
        return verdict(Checker::state_is_replay,
                       to_string(world_.places()[at]) + " came back with another state");
      }
      ++same;
    }
    if (same == world_.places().size()) {
      return {};
    }
  }
  return who_is_late("after everything was gone ");
}

void Run::note_combination() {
  Coverage& coverage = world_.coverage();
  coverage.count("seeds");
  coverage.count("simulated_seconds", static_cast<std::uint64_t>(world_.now_ms() / 1000));
  if (coverage.counted("rebalances") > 0 && coverage.counted("files_torn") > 0 &&
      coverage.counted("zombies") > 0) {
    coverage.count("seeds_with_three_at_once");
  }
}

}  // namespace

RunResult run(const RunOptions& options) { return Run(options).run(); }

void dump(World& world, const std::string& folder) {
  std::filesystem::create_directories(folder);
  for (std::size_t i = 0; i < world.topics().size(); ++i) {
    const auto topic = static_cast<stream::TopicIndex>(i);
    for (std::int32_t p = 0; p < world.setting().partitions; ++p) {
      const stream::LogBounds bounds = world.readable(topic, p);
      Bytes bytes;
      ByteWriter out(bytes);
      for (std::int64_t offset = bounds.begin; offset < bounds.end; ++offset) {
        const stream::LogRecord record = world.record(topic, p, offset);
        out.put(offset);
        out.put(record.appended.ms);
        out.sized(record.key);
        out.sized(record.value);
      }
      std::ofstream file(
          folder + "/" + world.topics().name(topic) + "-" + std::to_string(p) + ".records",
          std::ios::binary);
      file.write(reinterpret_cast<const char*>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()));
    }
  }
}

}  // namespace kpay::sim
