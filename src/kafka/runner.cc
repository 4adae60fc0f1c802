#include "kafka/runner.h"

#include <algorithm>
#include <chrono>

#include "base/check.h"
#include "base/failpoint.h"

namespace kpay::kafka {

namespace {

constexpr int kAnswerMs = 5000;
constexpr std::int64_t kWatchMs = 1000;
constexpr auto kAskTime = std::chrono::milliseconds(2000);

void sleep_ms(std::int64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

}  // namespace

Runner::Runner(RunnerOptions options)
    : options_(std::move(options)),
      topics_(options_.topic_prefix, stream::topics_of(options_.specs)),
      settled_(options_.specs.size()) {
  events_.on_fatal = [this](const std::string& text) {
    const bool fenced = text.find("as instance") != std::string::npos;
    fatal(fenced ? ErrorCode::fenced : ErrorCode::unavailable, text);
  };
  events_.on_reachable = [this](bool reachable, const std::string& text) {
    if (!reachable) {
      say("no broker can be reached: " + text);
    }
  };
}

Runner::~Runner() { (void)stop(0); }

void Runner::say(const std::string& text) const {
  if (options_.on_state) {
    options_.on_state(text);
  }
}

void Runner::fatal(ErrorCode code, const std::string& text) {
  if (!fatal_told_.exchange(true) && options_.on_fatal) {
    options_.on_fatal({code, text});
  }
}

std::optional<std::size_t> Runner::spec_of(const std::string& stage) const {
  for (std::size_t i = 0; i < options_.specs.size(); ++i) {
    if (options_.specs[i].name == stage) {
      return i;
    }
  }
  return std::nullopt;
}

Worker& Runner::worker_of(std::size_t spec, std::int32_t partition) {
  return *workers_[(spec + static_cast<std::size_t>(partition)) % workers_.size()];
}

// ---- starting

Result<void> Runner::start() {
  Result<std::unique_ptr<Admin>> admin = Admin::connect(options_.client);
  if (!admin) {
    return Unexpected(admin.error());
  }
  admin_ = std::move(*admin);
  if (Result<void> connected = connect(); !connected) {
    return connected;
  }
  for (std::size_t i = 0; i < options_.workers; ++i) {
    Worker::Parts parts;
    parts.specs = &options_.specs;
    parts.topics = &topics_;
    parts.client = options_.client;
    parts.events = &events_;
    parts.cluster_id = cluster_id_;
    parts.partitions = options_.partitions;
    parts.task = options_.task;
    parts.make_store = options_.make_store;
    parts.notice = options_.notice;
    parts.records_per_turn = options_.records_per_turn;
    Result<std::unique_ptr<Worker>> worker = Worker::start(std::move(parts));
    if (!worker) {
      return Unexpected(worker.error());
    }
    workers_.push_back(std::move(*worker));
  }
  {
    const std::lock_guard lock(paused_mutex_);
    running_ = true;
    for (const auto& [spec, paused] : paused_) {
      tell_paused(spec, paused);
    }
    for (const auto& [spec, partition, answer] : overrides_) {
      tell_override(spec, partition, answer);
    }
  }
  if (Result<void> joined = join_groups(); !joined) {
    return joined;
  }
  group_thread_ = std::thread([this] { group_loop(); });
  watch_thread_ = std::thread([this] { watch_loop(); });
  return {};
}

Result<void> Runner::join_groups() {
  for (std::size_t i = 0; i < options_.specs.size(); ++i) {
    Membership::Parts parts;
    parts.client = options_.client;
    parts.group = options_.topic_prefix + options_.specs[i].name;
    parts.instance = options_.instance;
    parts.topic = options_.topic_prefix + options_.specs[i].input;
    parts.events = &events_;
    parts.on_assigned = [this, i](std::int32_t partition) { assign(i, partition); };
    parts.on_revoked = [this, i](const std::vector<std::int32_t>& partitions) {
      release(i, partitions);
    };
    parts.on_lost = [this, i](const std::vector<std::int32_t>& partitions) { lose(i, partitions); };
    parts.on_settled = [this, i](std::optional<std::size_t> count) {
      const std::lock_guard lock(settled_mutex_);
      settled_[i] = count;
    };
    Result<std::unique_ptr<Membership>> membership = Membership::join(std::move(parts));
    if (!membership) {
      return Unexpected(membership.error());
    }
    memberships_.push_back(std::move(*membership));
  }
  return {};
}

// Waits for brokers and topics: a start before them is an order, not an error.
Result<void> Runner::connect() {
  while (!stopping_) {
    Result<std::string> id = admin_->cluster_id(kAnswerMs);
    if (id) {
      cluster_id_ = std::move(*id);
      Result<void> checked = check_topics(true);
      if (checked || (checked.error().code != ErrorCode::not_found &&
                      checked.error().code != ErrorCode::unavailable)) {
        return checked;
      }
      say("waiting: " + checked.error().message);
    } else {
      say("waiting for a broker of " + options_.client.bootstrap_servers + ": " +
          id.error().message);
    }
    sleep_ms(kWatchMs / 2);
  }
  return Unexpected(ErrorCode::unavailable, "stopped while waiting for the cluster");
}

// R10, R19: the topics are there, with our count of partitions, and are the ones they were.
Result<void> Runner::check_topics(bool first) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < topics_.size(); ++i) {
    names.push_back(topics_.full_name(static_cast<stream::TopicIndex>(i)));
  }
  Result<std::vector<TopicInfo>> infos = admin_->describe(names, kAnswerMs);
  if (!infos) {
    return Unexpected(infos.error());
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto topic = static_cast<stream::TopicIndex>(i);
    const TopicInfo* info = nullptr;
    for (const TopicInfo& each : *infos) {
      info = each.name == names[i] ? &each : info;
    }
    if (info == nullptr) {
      return Unexpected(ErrorCode::not_found,
                        "topic " + names[i] + " doesn't exist (`kpayctl topics apply` makes it)");
    }
    if (info->partitions != options_.partitions) {
      return Unexpected(ErrorCode::invalid, "topic " + names[i] + " has " +
                                                std::to_string(info->partitions) +
                                                " partitions, kafka.partitions says " +
                                                std::to_string(options_.partitions) +
                                                "; the count is fixed for a generation of topics");
    }
    if (first) {
      if (Result<void> right = check_settings(*info); !right) {
        return right;
      }
      topics_.set_id(topic, info->id);
    } else if (topics_.id(topic) != info->id) {
      return Unexpected(ErrorCode::invalid,
                        "topic " + names[i] + " was made anew under its old name");
    }
  }
  return {};
}

// R3, R20: a topic that misdates or deletes records is refused, not waited for: it can't mend
// itself.
Result<void> Runner::check_settings(const TopicInfo& info) {
  if (!options_.topic_fault) {
    return {};
  }
  Result<std::map<std::string, std::string>> settings = admin_->settings(info.name, kAnswerMs);
  if (!settings) {
    return Unexpected(settings.error());
  }
  const std::string name = info.name.substr(options_.topic_prefix.size());
  const std::string fault = options_.topic_fault(name, info, *settings);
  return fault.empty() ? Result<void>() : Unexpected(ErrorCode::invalid, fault);
}

// ---- groups

void Runner::assign(std::size_t spec, std::int32_t partition) {
  worker_of(spec, partition).post([spec, partition](stream::Host& host) {
    host.assign(spec, partition, monotonic_ms());
  });
}

void Runner::lose(std::size_t spec, const std::vector<std::int32_t>& partitions) {
  for (const std::int32_t partition : partitions) {
    worker_of(spec, partition).post([spec, partition](stream::Host& host) {
      host.lose(spec, partition);
    });
  }
}

// R28: finished before it is given back, or dropped.
void Runner::release(std::size_t spec, const std::vector<std::int32_t>& partitions) {
  for (const std::int32_t partition : partitions) {
    worker_of(spec, partition).post([spec, partition](stream::Host& host) {
      host.release(spec, partition);
    });
  }
  KPAY_FAILPOINT(revoke_begun);
  const std::int64_t usual = monotonic_ms() + options_.release_ms_max;
  const auto in_time = [this, usual] {
    const std::int64_t end = release_by_ms_;  // a stop may shorten what a drain was given
    return monotonic_ms() < (end >= 0 ? end : usual);
  };
  for (const std::int32_t partition : partitions) {
    bool there = true;
    for (bool first = true; there && (first || in_time()); first = false) {
      std::future<bool> answer =
          worker_of(spec, partition).ask<bool>([spec, partition](stream::Host& host) {
            return host.find(spec, partition) != nullptr;
          });
      there = answer.wait_for(kAskTime) != std::future_status::ready || answer.get();
      if (there) {
        sleep_ms(5);
      }
    }
    dropped_some_ = dropped_some_ || there;
  }
  KPAY_FAILPOINT(revoke_finished);
  lose(spec, partitions);
}

void Runner::group_loop() {
  std::int64_t committed_ms = monotonic_ms();
  while (!stopping_) {
    if (away_wanted_ != away_) {
      away_wanted_ ? leave_groups() : come_back();
    }
    if (away_) {
      sleep_ms(20);
    }
    for (const std::unique_ptr<Membership>& membership : memberships_) {
      membership->poll(20);
    }
    if (monotonic_ms() - committed_ms > 5 * kWatchMs) {
      committed_ms = monotonic_ms();
      commit_positions();
    }
  }
  release_all();
  for (const std::unique_ptr<Membership>& membership : memberships_) {
    membership->close();
  }
}

// All at once: the groups, closed one after the other, then find their tasks released.
void Runner::release_all() {
  for (const std::unique_ptr<Worker>& worker : workers_) {
    worker->post([](stream::Host& host) { host.release_all(); });
  }
}

void Runner::leave_groups() {
  release_all();
  for (const std::unique_ptr<Membership>& membership : memberships_) {
    membership->leave();
  }
  memberships_.clear();
  away_ = true;
}

void Runner::come_back() {
  release_by_ms_ = -1;
  if (Result<void> joined = join_groups(); !joined) {
    fatal(joined.error().code, joined.error().message);
  }
  away_ = false;
}

void Runner::commit_positions() {
  std::vector<std::vector<std::pair<std::int32_t, std::int64_t>>> positions(memberships_.size());
  for (const RunnerTask& task : tasks()) {
    if (const std::optional<std::size_t> spec = spec_of(task.status.stage);
        spec && task.status.phase == stream::Phase::running) {
      positions[*spec].emplace_back(task.status.partition, task.status.checkpoint_position);
    }
  }
  for (std::size_t i = 0; i < memberships_.size(); ++i) {
    memberships_[i]->commit(positions[i]);
  }
}

void Runner::watch_loop() {
  while (!stopping_) {
    if (Result<void> checked = check_topics(false); !checked) {
      if (checked.error().code == ErrorCode::unavailable) {
        say("no broker answers: " + checked.error().message);
      } else {
        fatal(checked.error().code, checked.error().message);
      }
    } else {
      refresh_ends();
      if (options_.standbys) {
        place_standbys();
      }
    }
    for (std::int64_t waited = 0; waited < kWatchMs && !stopping_; waited += 50) {
      sleep_ms(50);
    }
  }
}

void Runner::refresh_ends() {
  for (std::size_t spec = 0; spec < options_.specs.size() && !stopping_; ++spec) {
    const std::string name = options_.topic_prefix + options_.specs[spec].input;
    Result<std::vector<stream::LogBounds>> bounds =
        admin_->bounds_of_all(name, options_.partitions, kAnswerMs);
    const std::lock_guard lock(ends_mutex_);
    for (std::size_t p = 0; bounds && p < bounds->size(); ++p) {
      ends_[{spec, static_cast<std::int32_t>(p)}] = (*bounds)[p].end;
    }
  }
}

// While a group isn't settled, what is followed stays as it is.
void Runner::place_standbys() {
  for (std::size_t spec = 0; spec < options_.specs.size(); ++spec) {
    const std::string prefix = options_.topic_prefix;
    const Result<std::vector<GroupMember>> members = admin_->members(
        prefix + options_.specs[spec].name, prefix + options_.specs[spec].input, kAnswerMs);
    if (!members || members->empty() || away_wanted_ || away_ || stopping_) {
      continue;
    }
    const std::vector<std::int32_t> all =
        standby_partitions(*members, options_.instance, options_.partitions);
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      std::vector<std::int32_t> of_worker;
      for (const std::int32_t partition : all) {
        if (&worker_of(spec, partition) == workers_[i].get()) {
          of_worker.push_back(partition);
        }
      }
      workers_[i]->post([spec, partitions = std::move(of_worker)](stream::Host& host) {
        host.set_standbys(spec, partitions, monotonic_ms());
      });
    }
  }
}

// ---- stopping

bool Runner::stop(std::int64_t deadline_ms) {
  if (!stopping_) {
    dropped_some_ = false;
    release_by_ms_ = monotonic_ms() + deadline_ms;
    stopping_ = true;
  }
  if (group_thread_.joinable()) {
    group_thread_.join();  // closing the groups revokes, which releases every task
  }
  if (watch_thread_.joinable()) {
    watch_thread_.join();
  }
  return !dropped_some_;
}

bool Runner::drain(std::int64_t deadline_ms) {
  dropped_some_ = false;
  release_by_ms_ = monotonic_ms() + deadline_ms;
  away_wanted_ = true;
  while (!away_ && !stopping_) {
    sleep_ms(5);
  }
  return away_ && !dropped_some_;
}

// ---- asking

std::vector<stream::TaskStatus> Runner::statuses(Pick pick) {
  {
    const std::lock_guard lock(paused_mutex_);
    if (!running_) {
      return {};
    }
  }
  std::vector<std::future<std::vector<stream::TaskStatus>>> answers;
  for (const std::unique_ptr<Worker>& worker : workers_) {
    answers.push_back(worker->ask<std::vector<stream::TaskStatus>>([pick](stream::Host& host) {
      std::vector<stream::TaskStatus> statuses;
      for (const std::shared_ptr<stream::Task>& task : (host.*pick)()) {
        statuses.push_back(task->status());
      }
      return statuses;
    }));
  }
  std::vector<stream::TaskStatus> all;
  for (auto& answer : answers) {
    if (answer.wait_for(kAskTime) != std::future_status::ready) {
      continue;
    }
    for (stream::TaskStatus& status : answer.get()) {
      all.push_back(std::move(status));
    }
  }
  return all;
}

std::vector<stream::TaskStatus> Runner::standbys() { return statuses(&stream::Host::standbys); }

std::vector<RunnerTask> Runner::tasks() {
  std::vector<RunnerTask> tasks;
  for (stream::TaskStatus& status : statuses(&stream::Host::tasks)) {
    tasks.push_back({std::move(status), -1});
  }
  const std::lock_guard lock(ends_mutex_);
  for (RunnerTask& task : tasks) {
    const auto end = ends_.find({spec_of(task.status.stage).value_or(0), task.status.partition});
    task.end = end == ends_.end() ? -1 : std::max(end->second, task.status.position);
  }
  return tasks;
}

bool Runner::ready() {
  std::size_t ours = 0;
  {
    const std::lock_guard lock(settled_mutex_);
    for (const std::optional<std::size_t>& count : settled_) {
      if (!count) {
        return false;
      }
      ours += *count;
    }
  }
  const std::vector<RunnerTask> all = tasks();
  return all.size() == ours && std::all_of(all.begin(), all.end(), [](const RunnerTask& task) {
           const stream::Phase phase = task.status.phase;
           return phase == stream::Phase::running || phase == stream::Phase::switched ||
                  phase == stream::Phase::held;
         });
}

std::vector<std::uint64_t> Runner::turns() {
  const std::lock_guard lock(paused_mutex_);
  std::vector<std::uint64_t> turns;
  for (std::size_t i = 0; running_ && i < workers_.size(); ++i) {
    turns.push_back(workers_[i]->turns());
  }
  return turns;
}

}  // namespace kpay::kafka
