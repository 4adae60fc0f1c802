// MemoryDriver: runs the tasks of some stages on a MemoryLog, with neither broker nor thread nor
// clock of its own. The same Task code as over Kafka: for tests, simulation and the embedded demo.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "store/state_store.h"
#include "stream/host.h"
#include "stream/memory_log.h"

namespace kpay::stream {

/// What lies between a process and the log where that is not nothing: a simulated network, whose
/// records are late, lost, or delivered after their sender died.
class MemoryNetwork {
 public:
  virtual ~MemoryNetwork() = default;
  /// Takes a record on its way; MemoryProcess::acknowledge(cookie) tells that it is in the log.
  /// False: its queue is full.
  virtual bool carry(TopicIndex topic, std::int32_t partition, ByteView key, ByteView value,
                     std::uint64_t cookie) = 0;
  virtual void delete_before(TopicIndex topic, std::int32_t partition, std::int64_t offset) = 0;
};

/// One process: a host over the shared log. Several may share a log, as several daemons do.
class MemoryProcess final : public RecordProducer {
 public:
  struct Parts {
    const std::vector<StageSpec>* specs = nullptr;
    const TopicTable* topics = nullptr;
    MemoryLog* log = nullptr;
    MemoryNetwork* network = nullptr;  ///< outlives the process; null: records arrive at once
    std::string cluster_id;
    std::int32_t partitions = 0;
    TaskOptions options;
    Host::StoreMaker make_store;
    std::function<Uuid()> make_nonce;
    Host::NoticeSink notice;
    std::uint64_t random_seed = 1;
  };

  explicit MemoryProcess(Parts parts);
  ~MemoryProcess() override;

  [[nodiscard]] Host& host() noexcept { return *host_; }
  /// One round: acknowledgements, records, finished work, timers. True when there was any.
  bool step(std::int64_t now_ms);

  /// What stands between a produced record and its acknowledgement: nothing, while false.
  void hold_acknowledgements(bool hold) noexcept { holding_ = hold; }
  /// Asked for each record before it is appended; false: lost on its way, and never acknowledged.
  void set_filter(std::function<bool(TopicIndex, std::int32_t, ByteView)> filter) {
    filter_ = std::move(filter);
  }
  /// A record that the network took is in the log.
  void acknowledge(std::uint64_t cookie) { delivered_.push_back(cookie); }
  /// While true, background work is not begun.
  void hold_background(bool hold) noexcept { holding_background_ = hold; }

  /// How many records of each log a task gets in a step.
  void set_records_per_pump(int records) noexcept { records_per_pump_ = records; }
  [[nodiscard]] const Outbox& outbox() const noexcept { return outbox_; }

  bool produce(TopicIndex topic, std::int32_t partition, ByteView key, ByteView value,
               std::uint64_t cookie) override;

 private:
  class Port;
  friend class Port;

  Parts parts_;
  Outbox outbox_;
  std::vector<std::uint64_t> delivered_;
  std::vector<std::pair<std::function<void()>, std::function<void()>>> background_;
  int records_per_pump_ = 64;
  bool holding_ = false;
  bool holding_background_ = false;
  std::function<bool(TopicIndex, std::int32_t, ByteView)> filter_;
  std::unique_ptr<Host> host_;
};

/// Makes the topics of `table` on the log, with ids made from their places, and writes genesis to
/// each stage's changelog, as `kpayctl topics apply` does on a cluster.
void make_topics(MemoryLog& log, TopicTable& table, const std::vector<StageSpec>& specs,
                 const std::string& cluster_id, const Uuid& lineage, std::int32_t partitions);

}  // namespace kpay::stream
