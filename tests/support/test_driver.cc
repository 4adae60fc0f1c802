#include "support/test_driver.h"

#include <algorithm>

#include "base/check.h"
#include "store/state_file.h"

namespace kpay::test {

namespace {

constexpr std::int64_t kLogBeginsMs = 1'700'000'000'000;
constexpr int kIdleRounds = 3;
constexpr int kRoundsMax = 200'000;

Uuid numbered_uuid(std::uint64_t number, std::uint8_t kind) {
  Uuid uuid;
  uuid.bytes[0] = kind;
  for (std::size_t i = 0; i < 8; ++i) {
    uuid.bytes[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  }
  return uuid;
}

const Uuid kLineage = numbered_uuid(77, 0xAA);

void take_frame(const stream::Frame& frame, std::int32_t partition, std::int64_t offset,
                ReceivedTopic& topic) {
  stream::Sequence& seen = topic.seen[{partition, frame.sender}];
  ++topic.frames;
  if (frame.first > seen.last + 1) {
    topic.early += frame.events.size();
    return;
  }
  Hash128 hash = frame.before;
  std::uint64_t number = frame.first;
  for (const stream::Frame::Item& item : frame.events) {
    if (number == seen.last + 1) {
      topic.diverged += hash == seen.hash ? 0U : 1U;
      hash = stream::chain_event(hash, item.header_bytes, item.payload);
      seen = {number, hash};
      topic.events.push_back({partition, offset, frame.sender, number, item.header.time,
                              std::string(as_text(item.payload))});
    } else {
      hash = stream::chain_event(hash, item.header_bytes, item.payload);
      ++topic.repeats;
    }
    ++number;
  }
}

}  // namespace

std::vector<std::string> ReceivedTopic::texts() const {
  std::vector<std::string> texts;
  for (const Received& event : events) {
    texts.push_back(event.text);
  }
  return texts;
}

std::vector<std::string> ReceivedTopic::sorted_texts() const {
  std::vector<std::string> sorted = texts();
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

// A store that outlives its process; only one task may have it open.
class TestDriver::Handle final : public store::StateStore {
 public:
  explicit Handle(std::shared_ptr<Disk> disk) : disk_(std::move(disk)) { disk_->open = true; }
  ~Handle() override { disk_->open = false; }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  Result<std::optional<Bytes>> marker() override { return disk_->store.marker(); }
  Result<void> load(const std::function<Result<void>(const store::StoredRow&)>& sink) override {
    return disk_->store.load(sink);
  }
  Result<void> commit(std::vector<store::StoredRow>& rows, ByteView marker, bool replace) override {
    return disk_->store.commit(rows, marker, replace);
  }
  Result<std::vector<store::KeyValue>> range(std::uint16_t table, ByteView from, ByteView to,
                                             std::size_t limit) override {
    return disk_->store.range(table, from, to, limit);
  }
  Result<void> set_aside(const std::string& why) override { return disk_->store.set_aside(why); }

 private:
  std::shared_ptr<Disk> disk_;
};

TestDriver::TestDriver(Options options)
    : options_(std::move(options)),
      topics_("", stream::topics_of(options_.specs)),
      log_(Timestamp{kLogBeginsMs + now_ms_}) {
  if (options_.task.owner.empty()) {
    options_.task.owner = "toy";
    options_.task.build = "test";
  }
  stream::make_topics(log_, topics_,
                      options_.write_genesis ? options_.specs : std::vector<stream::StageSpec>{},
                      options_.cluster_id, kLineage, options_.partitions);
}

TestDriver::~TestDriver() = default;

stream::OpenMarker TestDriver::genesis(const std::string& stage) const {
  stream::OpenMarker genesis;
  genesis.kind = stream::OpenMarker::Kind::genesis;
  genesis.identity = topics_.identity_for(spec(stage), options_.cluster_id, options_.partitions);
  genesis.identity.lineage = kLineage;
  genesis.logic = spec(stage).logic;
  return genesis;
}

// ---- processes

std::size_t TestDriver::spec_index(const std::string& stage) const {
  const auto found =
      std::find_if(options_.specs.begin(), options_.specs.end(),
                   [&](const stream::StageSpec& spec) { return spec.name == stage; });
  check(found != options_.specs.end(), "a stage that a test names is in its topology");
  return static_cast<std::size_t>(found - options_.specs.begin());
}

const stream::StageSpec& TestDriver::spec(const std::string& stage) const {
  return options_.specs[spec_index(stage)];
}

TestDriver::ProcessId TestDriver::start_idle(const std::string& disk) {
  const ProcessId id = processes_.size();
  auto specs = std::make_unique<const std::vector<stream::StageSpec>>(options_.specs);
  stream::MemoryProcess::Parts parts;
  parts.specs = specs.get();
  parts.topics = &topics_;
  parts.log = &log_;
  parts.cluster_id = options_.cluster_id;
  parts.partitions = options_.partitions;
  parts.options = options_.task;
  parts.make_store = [this, disk](const stream::StageSpec& spec, std::int32_t partition,
                                  const stream::Identity& identity) {
    return open_store(disk, spec, partition, identity);
  };
  parts.make_nonce = [this] { return numbered_uuid(++nonces_, 0xBB); };
  parts.notice = [this, id](const stream::StageSpec& spec, std::int32_t partition,
                            const stream::TaskNotice& notice) {
    notices_.push_back({id, spec.name, partition, notice});
  };
  parts.random_seed = options_.seed + id;
  processes_.push_back(
      {std::move(specs), std::make_unique<stream::MemoryProcess>(std::move(parts)), disk});
  process(id).set_filter([this, id](stream::TopicIndex, std::int32_t, ByteView) {
    Process& self = processes_[id];
    if (self.appends_left == 0) {
      self.dying = true;
      return false;
    }
    self.appends_left -= self.appends_left > 0 ? 1 : 0;
    return true;
  });
  return id;
}

TestDriver::ProcessId TestDriver::start_standby(const std::string& disk, const std::string& stage) {
  const ProcessId id = start_idle(disk);
  std::vector<std::int32_t> partitions;
  for (std::int32_t p = 0; p < options_.partitions; ++p) {
    partitions.push_back(p);
  }
  process(id).host().set_standbys(spec_index(stage), partitions, now_ms_);
  return id;
}

void TestDriver::assign(ProcessId id, const std::string& stage) {
  for (std::int32_t p = 0; p < options_.partitions; ++p) {
    process(id).host().assign(spec_index(stage), p, now_ms_);
  }
}

TestDriver::ProcessId TestDriver::start(const std::string& disk,
                                        const std::vector<std::string>& stages) {
  const ProcessId id = start_idle(disk);
  for (std::size_t i = 0; i < options_.specs.size(); ++i) {
    const bool wanted = stages.empty() || std::find(stages.begin(), stages.end(),
                                                    options_.specs[i].name) != stages.end();
    for (std::int32_t p = 0; wanted && p < options_.partitions; ++p) {
      process(id).host().assign(i, p, now_ms_);
    }
  }
  return id;
}

void TestDriver::kill(ProcessId id) { processes_.at(id).process.reset(); }

bool TestDriver::stop(ProcessId id) {
  process(id).host().release_all();
  run_until_idle();
  const bool released = alive(id) && process(id).host().all_released();
  kill(id);
  return released;
}

void TestDriver::freeze(ProcessId id, bool frozen) { processes_.at(id).frozen = frozen; }

void TestDriver::kill_at_step(ProcessId id, std::int64_t steps) {
  processes_.at(id).steps_left = steps;
}

void TestDriver::freeze_at_step(ProcessId id, std::int64_t steps) {
  processes_.at(id).steps_to_freeze = steps;
}

void TestDriver::kill_at_append(ProcessId id, std::int64_t appends) {
  processes_.at(id).appends_left = appends;
}

std::shared_ptr<stream::Task> TestDriver::task(ProcessId id, const std::string& stage,
                                               std::int32_t partition) {
  return process(id).host().find(spec_index(stage), partition);
}

stream::TaskStatus TestDriver::standby_status(ProcessId id, const std::string& stage,
                                              std::int32_t partition) {
  for (const std::shared_ptr<stream::Task>& each : process(id).host().standbys()) {
    if (each->spec().name == stage && each->partition() == partition) {
      return each->status();
    }
  }
  return {};
}

stream::TaskStatus TestDriver::status(ProcessId id, const std::string& stage,
                                      std::int32_t partition) {
  const std::shared_ptr<stream::Task> found = task(id, stage, partition);
  check(found != nullptr, "a task whose status a test reads is there");
  return found->status();
}

// ---- time

bool TestDriver::step(ProcessId id) {
  Process& self = processes_[id];
  if (!self.process || self.frozen) {
    return false;
  }
  if (self.steps_left == 0) {
    kill(id);
    return true;
  }
  self.steps_left -= self.steps_left > 0 ? 1 : 0;
  if (self.steps_to_freeze == 0) {
    self.frozen = true;
    self.steps_to_freeze = -1;
    return true;
  }
  self.steps_to_freeze -= self.steps_to_freeze > 0 ? 1 : 0;
  const bool busy = self.process->step(now_ms_);
  if (processes_[id].dying) {
    kill(id);
    return true;
  }
  return busy;
}

bool TestDriver::step() {
  bool busy = false;
  for (ProcessId id = 0; id < processes_.size(); ++id) {
    busy = step(id) || busy;
  }
  return busy;
}

void TestDriver::run_until_idle() {
  int idle = 0;
  for (int round = 0; idle < kIdleRounds; ++round) {
    check(round < kRoundsMax, "the tasks come to rest");
    idle = step() ? 0 : idle + 1;
  }
}

void TestDriver::advance(std::int64_t ms) {
  const std::int64_t until = now_ms_ + ms;
  run_until_idle();
  while (now_ms_ < until) {
    set_time(std::min(now_ms_ + options_.slice_ms, until));
    run_until_idle();
  }
}

void TestDriver::set_time(std::int64_t now_ms) {
  now_ms_ = now_ms;
  log_.set_now({kLogBeginsMs + now_ms_ + broker_skew_ms_});
}

void TestDriver::set_broker_skew(std::int64_t ms) {
  broker_skew_ms_ = ms;
  set_time(now_ms_);
}

// ---- the log

std::int64_t TestDriver::pipe(const std::string& topic, std::int32_t partition,
                              std::string_view key, std::string_view text) {
  return log_.append(topics_.index_of(topic), partition, as_bytes(key), as_bytes(text));
}

std::int64_t TestDriver::append(const std::string& topic, std::int32_t partition, ByteView value) {
  return log_.append(topics_.index_of(topic), partition, {}, value);
}

std::vector<Bytes> TestDriver::records(const std::string& topic, std::int32_t partition) const {
  std::vector<Bytes> records;
  const stream::TopicIndex index = topics_.index_of(topic);
  const stream::LogBounds bounds = log_.bounds(index, partition);
  for (std::int64_t offset = bounds.begin; offset < bounds.end; ++offset) {
    records.push_back(to_bytes(log_.read(index, partition, offset).value()->value));
  }
  return records;
}

ReceivedTopic TestDriver::received(const std::string& topic) const {
  ReceivedTopic all;
  stream::Frame frame;
  for (std::int32_t partition = 0; partition < options_.partitions; ++partition) {
    std::int64_t offset = 0;
    for (const Bytes& record : records(topic, partition)) {
      if (stream::read_frame(record, frame)) {
        take_frame(frame, partition, offset, all);
      }
      ++offset;
    }
  }
  return all;
}

std::vector<Single> TestDriver::singles(const std::string& topic) const {
  std::vector<Single> singles;
  const stream::TopicIndex index = topics_.index_of(topic);
  for (std::int32_t partition = 0; partition < options_.partitions; ++partition) {
    const stream::LogBounds bounds = log_.bounds(index, partition);
    for (std::int64_t offset = bounds.begin; offset < bounds.end; ++offset) {
      const stream::LogRecord record = *log_.read(index, partition, offset).value();
      singles.push_back(
          {partition, std::string(as_text(record.key)), std::string(as_text(record.value))});
    }
  }
  return singles;
}

// ---- what is left behind

std::shared_ptr<TestDriver::Disk> TestDriver::disk(const std::string& disk,
                                                   const std::string& stage,
                                                   std::int32_t partition) {
  std::shared_ptr<Disk>& kept = disks_[{disk, stage, partition}];
  if (!kept) {
    kept = std::make_shared<Disk>();
  }
  return kept;
}

store::MemoryStore& TestDriver::store(const std::string& disk_name, const std::string& stage,
                                      std::int32_t partition) {
  return disk(disk_name, stage, partition)->store;
}

std::filesystem::path TestDriver::state_file(const std::string& disk, const std::string& stage,
                                             std::int32_t partition) const {
  return options_.state_dir / disk / (stage + "-" + std::to_string(partition) + ".db");
}

void TestDriver::lose_disk(const std::string& disk) {
  std::erase_if(disks_, [&](const auto& kept) { return std::get<0>(kept.first) == disk; });
  if (!options_.state_dir.empty()) {
    std::filesystem::remove_all(options_.state_dir / disk);
  }
}

Result<std::unique_ptr<store::StateStore>> TestDriver::open_store(
    const std::string& disk_name, const stream::StageSpec& spec, std::int32_t partition,
    const stream::Identity& identity) {
  if (options_.state_dir.empty()) {
    std::shared_ptr<Disk> kept = disk(disk_name, spec.name, partition);
    if (kept->open) {
      return Unexpected(ErrorCode::conflict, "another task has this store open");
    }
    return std::unique_ptr<store::StateStore>(std::make_unique<Handle>(std::move(kept)));
  }
  const std::filesystem::path path = state_file(disk_name, spec.name, partition);
  std::filesystem::create_directories(path.parent_path());
  stream::OpenMarker whose;
  whose.identity = identity;
  whose.owner = spec.name + "-" + std::to_string(partition);
  Result<std::unique_ptr<store::StateFile>> file =
      store::StateFile::open({path.string(), stream::encode(whose)});
  if (!file) {
    return Unexpected(file.error());
  }
  return std::unique_ptr<store::StateStore>(std::move(*file));
}

std::vector<std::string> TestDriver::rows(ProcessId id, const std::string& stage,
                                          std::int32_t partition) {
  std::vector<std::string> rows;
  const std::shared_ptr<stream::Task> found = task(id, stage, partition);
  check(found != nullptr, "a task whose rows a test reads is there");
  for (stream::TableBase* table : found->tables()) {
    check(table->changed() == 0, "rows are read after a checkpoint");
    table->base_begin();
    const auto sink = [&](ByteView key, std::optional<ByteView> value) {
      rows.push_back(table->name() + "/" + std::string(as_text(key)) + "=" + to_hex(*value));
    };
    while (table->base_slice(1000, sink)) {
    }
    table->base_end();
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

std::size_t TestDriver::count(stream::TaskNotice::Kind kind) const {
  return static_cast<std::size_t>(
      std::count_if(notices_.begin(), notices_.end(),
                    [&](const Noticed& noticed) { return noticed.notice.kind == kind; }));
}

}  // namespace kpay::test
