#include "stream/memory_driver.h"

#include <optional>

namespace kpay::stream {

// Reads straight from the log; answers wait for the next pump, as they would over a network.
class MemoryProcess::Port final : public TaskPort {
 public:
  Port(MemoryProcess& process, const TaskTopics& topics, std::int32_t partition)
      : process_(&process), topics_(topics), partition_(partition) {}

  void read_input(std::int64_t offset) override { input_ = offset; }
  void stop_input() override { input_.reset(); }
  void read_changelog(std::int64_t offset) override { changelog_ = offset; }
  void stop_changelog() override { changelog_.reset(); }
  void query_changelog() override { asked_ = true; }
  void trim_changelog(std::int64_t offset) override {
    if (MemoryNetwork* network = process_->parts_.network) {
      network->delete_before(topics_.changelog, partition_, offset);
    } else {
      process_->parts_.log->delete_before(topics_.changelog, partition_, offset);
    }
  }
  void query_outputs(const StageSpec& spec, const Uuid& lineage, std::int64_t) override {
    scan_.emplace(spec, partition_, lineage);
    for (std::size_t output = 0; output < topics_.outputs.size(); ++output) {
      for (std::int32_t to = 0; to < process_->parts_.partitions; ++to) {
        scan(output, to);
      }
    }
  }
  void background(std::function<void()> work, std::function<void()> done) override {
    process_->background_.emplace_back(std::move(work), std::move(done));
  }

  bool pump(Task& task) override {
    bool any = false;
    if (asked_) {
      asked_ = false;
      any = true;
      task.on_changelog_bounds(process_->parts_.log->bounds(topics_.changelog, partition_));
    }
    if (scan_) {
      const SentNumbers found = scan_->found();
      scan_.reset();
      any = true;
      task.on_outputs(found);
    }
    for (int i = 0; i < process_->records_per_pump_ && changelog_; ++i) {
      if (!give(task, topics_.changelog, changelog_, &Task::on_changelog,
                &Task::on_changelog_read_error)) {
        break;
      }
      any = true;
    }
    for (int i = 0; i < process_->records_per_pump_ && input_ && task.wants_input(); ++i) {
      if (!give(task, topics_.input, input_, &Task::on_input, &Task::on_read_error)) {
        break;
      }
      any = true;
    }
    return any;
  }

 private:
  void scan(std::size_t output, std::int32_t to) {
    const TopicIndex topic = topics_.outputs[output];
    const MemoryLog& log = *process_->parts_.log;
    const LogBounds bounds = log.bounds(topic, to);
    for (std::int64_t offset = bounds.begin; offset < bounds.end; ++offset) {
      scan_->take(output, to, (**log.read(topic, to, offset)).value);
    }
  }

  bool give(Task& task, TopicIndex topic, std::optional<std::int64_t>& next,
            void (Task::*taker)(const LogRecord&), void (Task::*fault)(const std::string&)) {
    Result<std::optional<LogRecord>> record = process_->parts_.log->read(topic, partition_, *next);
    if (!record) {
      next.reset();
      (task.*fault)(record.error().message);
      return true;
    }
    if (!*record) {
      return false;
    }
    ++*next;
    (task.*taker)(**record);
    return true;
  }

  MemoryProcess* process_;
  TaskTopics topics_;
  std::int32_t partition_;
  std::optional<std::int64_t> input_;
  std::optional<std::int64_t> changelog_;
  bool asked_ = false;
  std::optional<OutputScan> scan_;
};

MemoryProcess::MemoryProcess(Parts parts) : parts_(std::move(parts)), outbox_(*this) {
  Host::Parts host;
  host.specs = parts_.specs;
  host.topics = parts_.topics;
  host.cluster_id = parts_.cluster_id;
  host.partitions = parts_.partitions;
  host.options = parts_.options;
  host.outbox = &outbox_;
  host.make_port = [this](const StageSpec& spec, std::int32_t partition) {
    return std::make_unique<Port>(*this, parts_.topics->topics_for(spec), partition);
  };
  host.make_store = parts_.make_store;
  host.make_nonce = parts_.make_nonce;
  host.notice = parts_.notice;
  host.random_seed = parts_.random_seed;
  host_ = std::make_unique<Host>(std::move(host));
}

MemoryProcess::~MemoryProcess() {
  host_.reset();
  background_.clear();
}

bool MemoryProcess::produce(TopicIndex topic, std::int32_t partition, ByteView key, ByteView value,
                            std::uint64_t cookie) {
  if (filter_ && !filter_(topic, partition, value)) {
    return true;
  }
  if (parts_.network != nullptr) {
    return parts_.network->carry(topic, partition, key, value, cookie);
  }
  parts_.log->append(topic, partition, key, value);
  delivered_.push_back(cookie);
  return true;
}

bool MemoryProcess::step(std::int64_t now_ms) {
  bool busy = false;
  if (!holding_) {
    std::vector<std::uint64_t> delivered;
    delivered.swap(delivered_);
    busy = !delivered.empty();
    for (const std::uint64_t cookie : delivered) {
      outbox_.on_delivered(cookie);
    }
  }
  if (!holding_background_) {
    auto background = std::move(background_);
    background_.clear();
    busy = busy || !background.empty();
    for (auto& [work, done] : background) {
      work();
      done();
    }
  }
  return host_->turn(now_ms) || busy;
}

void make_topics(MemoryLog& log, TopicTable& table, const std::vector<StageSpec>& specs,
                 const std::string& cluster_id, const Uuid& lineage, std::int32_t partitions) {
  for (std::size_t i = 0; i < table.size(); ++i) {
    Uuid id;
    id.bytes[15] = static_cast<std::uint8_t>(i + 1);
    const TopicIndex topic = log.create(partitions, id);
    table.set_id(topic, id);
  }
  for (const StageSpec& spec : specs) {
    OpenMarker genesis;
    genesis.kind = OpenMarker::Kind::genesis;
    genesis.identity = table.identity_for(spec, cluster_id, partitions);
    genesis.identity.lineage = lineage;
    genesis.logic = spec.logic;
    const Bytes record = encode(genesis);
    for (std::int32_t partition = 0; partition < partitions; ++partition) {
      log.append(table.index_of(spec.changelog()), partition, {}, record);
    }
  }
}

}  // namespace kpay::stream
