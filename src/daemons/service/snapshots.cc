#include "daemons/service/snapshots.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>

namespace kpay::daemons {

namespace {

namespace fs = std::filesystem;

// A new instance has something to lose soon; its first snapshot doesn't wait for a day.
constexpr std::int64_t kFirstAfterMs = 10LL * 60 * 1000;
constexpr std::int64_t kAgainAfterMs = 60'000;
constexpr auto kLookEvery = std::chrono::seconds(1);

std::string task_of(const std::string& stage, std::int32_t partition) {
  return stage + "/" + std::to_string(partition);
}
std::string task_of(const stream::SnapshotManifest& manifest) {
  return task_of(manifest.stage, manifest.partition);
}

// What a process that died was making.
void remove_unfinished(const std::string& folder) {
  std::error_code none;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, none)) {
    if (entry.path().filename().string().starts_with(".making-")) {
      fs::remove_all(entry.path(), none);
    }
  }
}

}  // namespace

Snapshots::Snapshots(const config::DaemonConfig& config, std::string build, kafka::Runner& runner,
                     telemetry::Telemetry& telemetry)
    : config_(config.snapshots),
      instance_(config.instance_id),
      build_(std::move(build)),
      runner_(&runner),
      telemetry_(&telemetry),
      started_ms_(wall_clock_now().ms) {
  remove_unfinished(folder());
  read_kept();
}

Snapshots::~Snapshots() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  condition_.notify_one();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Snapshots::start() {
  if (config_.every.count() > 0) {
    thread_ = std::thread([this] { run(); });
  }
}

void Snapshots::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    take_due();
    lock.lock();
    condition_.wait_for(lock, kLookEvery, [this] { return stopping_; });
  }
}

// By the manifests' own times, so that a restart neither repeats nor forgets one.
void Snapshots::take_due() {
  const std::int64_t now = wall_clock_now().ms;
  const std::int64_t every = config_.every.count();
  struct Newest {
    std::int64_t taken_ms = 0;
    std::uint64_t marker = 0;
  };
  std::map<std::string, Newest> newest;
  {
    const std::lock_guard lock(mutex_);
    for (const stream::Snapshot& each : kept_) {
      newest[task_of(each.manifest)] = {each.manifest.taken.ms, each.manifest.marker.number};
    }
  }
  bool any = false;
  const std::vector<kafka::SnapshotTask> running = runner_->snapshot_tasks();
  for (const kafka::SnapshotTask& task : running) {
    const std::string name = task_of(task.stage, task.partition);
    const auto found = newest.find(name);
    const std::int64_t due = found == newest.end() ? started_ms_ + std::min(every, kFirstAfterMs)
                                                   : found->second.taken_ms + every;
    const bool same = found != newest.end() && found->second.marker == task.checkpoint;
    if (now < due || same || now < failed_ms_[name] + kAgainAfterMs) {
      continue;
    }
    const std::lock_guard taking(taking_mutex_);
    if (!take_one(task, folder())) {
      failed_ms_[name] = now;
    }
    any = true;
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      return;
    }
  }
  if (any) {
    prune(running);
  }
}

Result<std::vector<stream::Snapshot>> Snapshots::take(const std::string& folder) {
  const std::string where = folder.empty() ? this->folder() : folder;
  std::error_code none;
  if (!where.starts_with('/') || (!folder.empty() && !fs::is_directory(folder, none))) {
    return Unexpected(ErrorCode::invalid,
                      "path=" + where + ": the absolute path of a folder that is there is right");
  }
  const std::lock_guard taking(taking_mutex_);
  const std::vector<kafka::SnapshotTask> running = runner_->snapshot_tasks();
  if (running.empty()) {
    return Unexpected(ErrorCode::conflict, "no task that has a checkpoint runs here");
  }
  std::vector<stream::Snapshot> taken;
  for (const kafka::SnapshotTask& task : running) {
    Result<stream::Snapshot> one = take_one(task, where);
    if (!one) {
      return Unexpected(one.error());
    }
    taken.push_back(std::move(*one));
  }
  if (folder.empty()) {
    prune(running);
  }
  return taken;
}

Result<stream::Snapshot> Snapshots::take_one(const kafka::SnapshotTask& task,
                                             const std::string& folder) {
  const std::string making =
      folder + "/.making-" + task.stage + "-" + std::to_string(task.partition);
  const std::int64_t begin_ms = monotonic_ms();
  kafka::CopyTimes times;
  const auto make = [&]() -> Result<stream::Snapshot> {
    std::error_code error;
    fs::remove_all(making, error);
    fs::create_directories(making, error);
    if (error) {
      return Unexpected(ErrorCode::io, making + ": " + error.message());
    }
    Result<kafka::CopyTimes> copied = runner_->copy_state(
        task.stage, task.partition, making + "/" + std::string(stream::kSnapshotFile));
    if (!copied) {
      return Unexpected(copied.error());
    }
    times = *copied;
    stream::SnapshotManifest manifest;
    manifest.stage = task.stage;
    manifest.partition = task.partition;
    manifest.identity = task.identity;
    manifest.taken = wall_clock_now();
    manifest.instance = instance_;
    manifest.build = build_;
    return stream::finish_snapshot(making, folder, std::move(manifest));
  };
  Result<stream::Snapshot> made = make();
  if (!made) {
    std::error_code none;
    fs::remove_all(making, none);
    telemetry_->emit(telemetry::SnapshotFailed{
        .stage = task.stage, .partition = task.partition, .error = made.error().message});
    return made;
  }
  const stream::SnapshotManifest& manifest = made->manifest;
  telemetry_->emit(telemetry::SnapshotTaken{.stage = task.stage,
                                            .partition = task.partition,
                                            .path = made->folder,
                                            .position = manifest.marker.registers.position,
                                            .checkpoint = manifest.marker.number,
                                            .bytes = manifest.file.bytes,
                                            .took_ms = monotonic_ms() - begin_ms,
                                            .commit_waited_ms_max = times.piece_ms_max});
  read_kept();
  return made;
}

// The newest of each task stay. Of a task that has moved on, the others' ages say the same: what
// would be the oldest of `keep` goes, so that it holds no topic up for ever.
void Snapshots::prune(const std::vector<kafka::SnapshotTask>& running) {
  const std::int64_t oldest =
      wall_clock_now().ms - config_.every.count() * static_cast<std::int64_t>(config_.keep);
  std::map<std::string, std::size_t> newer;
  std::vector<stream::Snapshot> kept;
  {
    const std::lock_guard lock(mutex_);
    kept = kept_;
  }
  for (auto each = kept.rbegin(); each != kept.rend(); ++each) {
    const std::string name = task_of(each->manifest);
    const bool here = std::any_of(running.begin(), running.end(), [&](const auto& task) {
      return task_of(task.stage, task.partition) == name;
    });
    const bool gone = !here && config_.every.count() > 0 && each->manifest.taken.ms < oldest;
    if (++newer[name] <= config_.keep && !gone) {
      continue;
    }
    // Without its manifest it is none any more, whatever happens next.
    std::error_code none;
    fs::remove(each->folder + "/" + std::string(stream::kManifestFile), none);
    fs::remove_all(each->folder, none);
  }
  read_kept();
}

Result<stream::Snapshot> Snapshots::re_emit(const std::string& stage, std::int32_t partition,
                                            std::int64_t from) {
  const std::string name = task_of(stage, partition);
  const std::vector<kafka::SnapshotTask> running = runner_->snapshot_tasks();
  const auto task = std::find_if(running.begin(), running.end(), [&](const auto& each) {
    return task_of(each.stage, each.partition) == name;
  });
  if (task == running.end()) {
    return Unexpected(ErrorCode::conflict, name + " doesn't run here, or has no checkpoint");
  }
  std::optional<stream::Snapshot> newest;
  std::string oldest = "none is kept";
  {
    const std::lock_guard lock(mutex_);
    for (auto each = kept_.rbegin(); each != kept_.rend(); ++each) {
      const stream::SnapshotManifest& manifest = each->manifest;
      if (task_of(manifest) != name || manifest.identity != task->identity) {
        continue;
      }
      oldest = "the oldest is of " + std::to_string(manifest.marker.registers.position);
      if (!newest && manifest.marker.registers.position <= from) {
        newest = *each;
      }
    }
  }
  if (!newest) {
    return Unexpected(ErrorCode::not_found, "no snapshot of " + name + " at or before position " +
                                                std::to_string(from) + ": " + oldest);
  }
  if (Result<void> whole = stream::check_snapshot(*newest); !whole) {
    return Unexpected(whole.error());
  }
  auto state = std::make_shared<stream::ReEmission>();
  state->marker = newest->manifest.marker;
  state->rows = [snapshot = *newest](const stream::ReEmission::RowSink& sink) {
    return stream::check_snapshot(snapshot, sink);
  };
  if (!runner_->re_emit(stage, partition, std::move(state))) {
    return Unexpected(ErrorCode::conflict, name + " doesn't run here any more");
  }
  return *newest;
}

void Snapshots::read_kept() {
  std::vector<stream::Snapshot> found =
      stream::list_snapshots(folder(), [this](const std::string& path, const Error& error) {
        telemetry_->emit(telemetry::SnapshotFailed{.error = path + ": " + error.message});
      });
  const std::lock_guard lock(mutex_);
  kept_ = std::move(found);
}

std::vector<KeptSnapshots> Snapshots::kept() {
  const std::lock_guard lock(mutex_);
  std::vector<KeptSnapshots> tasks;
  for (const stream::Snapshot& each : kept_) {  // by task, the oldest first
    if (tasks.empty() || task_of(tasks.back().oldest) != task_of(each.manifest)) {
      tasks.push_back({each.manifest.stage, each.manifest.partition, 0, each.manifest, {}});
    }
    ++tasks.back().count;
    tasks.back().newest = each.manifest;
  }
  return tasks;
}

}  // namespace kpay::daemons
