// Feeder: takes what the auditor sees, and has a thread of its own write it to the index.
//
// The auditor's thread copies an event into a batch and goes on. It waits only when
// limits::batches_max batches are ahead of the writer: then the disk is slower than the log.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "audit/witness.h"
#include "query/index.h"

namespace kpay::query {

struct Progress {
  std::int64_t as_of_ms = 0;         ///< everything is in that stood in the log then; 0: not yet
  std::int64_t kept_from_ms = 0;     ///< what is older was deleted
  std::uint64_t waiting_events = 0;  ///< seen, and not written yet
  std::uint64_t waited_ms = 0;       ///< that the auditor's thread has waited for the writer
  std::uint64_t written_ms = 0;      ///< that the writer has been at work
  IndexCounts counts;
};

class Feeder final : public audit::Witness {
 public:
  /// `failed` is called on the writer's thread when nothing more can be written; a damaged file is
  /// set aside before, so that a new start begins a new one.
  Feeder(std::unique_ptr<Index> index, std::function<void(const Error&)> failed);
  /// What was handed over is written first.
  ~Feeder() override;
  Feeder(const Feeder&) = delete;
  Feeder& operator=(const Feeder&) = delete;

  // On the auditor's thread.
  void command(const audit::Place& place, Timestamp appended, ByteView value) override;
  void event(const audit::Place& place, Timestamp appended, const audit::Cause& cause,
             const stream::EventHeader& header, ByteView payload) override;
  void result(const audit::Place& place, Timestamp appended, ByteView value) override;
  void posted(const audit::Place& place, const audit::Entry& entry, const core::AccountId& account,
              const core::Sum& balance) override;
  void carried(std::int32_t partition, const core::AccountId& account, core::Currency currency,
               const core::Sum& balance) override;
  void opened(std::uint16_t stage, std::int32_t partition, std::int64_t offset, Timestamp appended,
              const stream::OpenMarker& open) override;
  /// What was seen up to now goes to the writer, when it is old enough. `as_of_ms`: the auditor's.
  void tick(std::int64_t as_of_ms, std::int64_t now_ms);
  /// Waits until all that was seen is written, and on the disk, with the offsets that are `next`:
  /// for a kept state of the auditor, which must not be beyond it.
  Result<void> flush(std::int64_t as_of_ms, audit::Offsets next);

  /// Threads: any.
  [[nodiscard]] Progress progress() const;
  [[nodiscard]] const std::string& path() const noexcept { return index_->path(); }
  /// Of the index, as its file was found. REQUIRES: nothing was told yet.
  [[nodiscard]] bool fresh() const { return index_->fresh(); }
  [[nodiscard]] bool reaches(const audit::Offsets& next) const { return index_->reaches(next); }

 private:
  Item& add(Item::Kind kind, const audit::Place& place, Timestamp appended, ByteView payload);
  void hand_over();
  void run();
  void write(const std::vector<Batch>& batches);

  std::unique_ptr<Index> index_;
  std::function<void(const Error&)> failed_;
  Batch filling_;  // the auditor's thread's
  std::int64_t handed_over_ms_ = 0;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<Batch> queue_;
  bool writing_ = false;
  bool stopping_ = false;
  std::optional<Error> error_;
  Progress progress_;
  std::thread thread_;
};

}  // namespace kpay::query
