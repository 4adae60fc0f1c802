// Runner: copying the state files of the tasks that run here.
#include <algorithm>

#include "kafka/runner.h"

namespace kpay::kafka {

namespace {

// 2 MiB of 8 KiB pages: some ms, so that no commit behind it waits longer.
constexpr int kPagesAtOnce = 256;

// One copy, on its way between the worker's thread, which knows whether the task still has its
// store, and the store's thread, which works on it.
struct Copying : std::enable_shared_from_this<Copying> {
  Worker* worker = nullptr;
  std::shared_ptr<stream::Task> task;
  store::StateStore* store = nullptr;
  std::string path;
  bool begun = false;
  std::int64_t begin_ms = monotonic_ms();
  CopyTimes times;
  std::promise<Result<CopyTimes>> done;

  // On the worker's thread: what is queued here comes before whatever closes the store.
  void go_on() {
    if (task->store() != store) {
      done.set_value(Unexpected(ErrorCode::not_found, "the task was let go while it was copied"));
      return;
    }
    worker->store_thread().add([self = shared_from_this()] { self->piece(); });
  }

  void piece() {
    const std::int64_t from = monotonic_ms();
    Result<bool> whole = false;
    if (!begun) {
      begun = true;
      if (Result<void> made = store->begin_copy(path); !made) {
        whole = Unexpected(made.error());
      }
    }
    if (whole) {
      whole = store->copy_more(kPagesAtOnce);
    }
    const std::int64_t to = monotonic_ms();
    times.piece_ms_max = std::max(times.piece_ms_max, to - from);
    times.total_ms = to - begin_ms;
    if (!whole) {
      done.set_value(Unexpected(whole.error()));
    } else if (*whole) {
      done.set_value(times);
    } else {
      worker->post([self = shared_from_this()](stream::Host&) { self->go_on(); });
    }
  }
};

}  // namespace

std::vector<SnapshotTask> Runner::snapshot_tasks() {
  {
    const std::lock_guard lock(paused_mutex_);
    if (!running_) {
      return {};
    }
  }
  std::vector<SnapshotTask> found;
  for (const std::unique_ptr<Worker>& worker : workers_) {
    auto answer = worker->ask<std::vector<SnapshotTask>>([](stream::Host& host) {
      std::vector<SnapshotTask> here;
      for (const std::shared_ptr<stream::Task>& task : host.tasks()) {
        const std::uint64_t checkpoint = task->status().checkpoint;
        if (task->phase() == stream::Phase::running && checkpoint > 0) {
          here.push_back({task->spec().name, task->partition(), task->identity(), checkpoint});
        }
      }
      return here;
    });
    for (SnapshotTask& each : answer.get()) {
      found.push_back(std::move(each));
    }
  }
  return found;
}

Result<CopyTimes> Runner::copy_state(const std::string& stage, std::int32_t partition,
                                     const std::string& path) {
  const std::optional<std::size_t> spec = spec_of(stage);
  if (!spec) {
    return Unexpected(ErrorCode::not_found, "no task of stage " + stage + " runs here");
  }
  Worker& worker = worker_of(*spec, partition);
  auto copying = std::make_shared<Copying>();
  copying->worker = &worker;
  copying->path = path;
  std::future<Result<CopyTimes>> copied = copying->done.get_future();
  worker.post([copying, spec = *spec, partition](stream::Host& host) {
    copying->task = host.find(spec, partition);
    copying->store = copying->task ? copying->task->store() : nullptr;
    if (copying->store == nullptr) {
      copying->done.set_value(Unexpected(ErrorCode::not_found, "the task doesn't run here"));
    } else {
      copying->go_on();
    }
  });
  copying.reset();  // a worker that ends drops its part, and the promise with it
  try {
    return copied.get();
  } catch (const std::future_error&) {
    return Unexpected(ErrorCode::unavailable, "the process stops");
  }
}

}  // namespace kpay::kafka
