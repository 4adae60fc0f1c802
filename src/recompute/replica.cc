#include "recompute/replica.h"

#include <limits>
#include <map>
#include <utility>

#include "store/state_store.h"

namespace kpay::recompute {

namespace {

constexpr stream::TopicIndex kInput = 0;
constexpr stream::TopicIndex kChangelog = 1;
constexpr stream::TopicIndex kFirstOutput = 2;

// The rows are in the tables, and nobody asks for them after the run.
class NoStore final : public store::StateStore {
 public:
  Result<std::optional<Bytes>> marker() override { return std::optional<Bytes>(); }
  Result<void> load(const std::function<Result<void>(const store::StoredRow&)>&) override {
    return {};
  }
  Result<void> commit(std::vector<store::StoredRow>&, ByteView, bool) override { return {}; }
  Result<std::vector<store::KeyValue>> range(std::uint16_t, ByteView, ByteView,
                                             std::size_t) override {
    return std::vector<store::KeyValue>();
  }
  Result<void> set_aside(const std::string&) override { return {}; }
};

stream::TaskOptions options_of_replica() {
  constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max() / 4;
  stream::TaskOptions options;
  options.owner = "recomputation";
  // A checkpoint at each turn that has something to close, and a turn when the caller wants one.
  options.checkpoint_interval_ms = 0;
  options.idle_checkpoint_interval_ms = 0;
  options.base_every = std::numeric_limits<std::uint32_t>::max();
  options.tick_after_ms = kNever;
  options.time_jump_ms_max = kNever;  // what was acknowledged then is so now
  return options;
}

}  // namespace

std::uint64_t event_hash(ByteView header_or_key, ByteView payload) noexcept {
  return chain(chain({}, header_or_key), payload).low;
}

// Where a task's records go: events to the sink, its changelog back to itself.
class Replica::Tap final : public stream::RecordProducer {
 public:
  Tap(const stream::StageSpec& spec, Sink sent) : spec_(&spec), sent_(std::move(sent)) {}

  bool produce(stream::TopicIndex topic, std::int32_t partition, ByteView key, ByteView value,
               std::uint64_t cookie) override {
    delivered.push_back(cookie);
    if (topic == kChangelog) {
      changelog.emplace_back(changelog_end++, to_bytes(value));
      take_changelog(value);
    } else if (topic != kInput) {
      take_output(static_cast<std::size_t>(topic - kFirstOutput), partition, key, value);
    }
    return true;
  }

  std::vector<std::uint64_t> delivered;
  std::deque<std::pair<std::int64_t, Bytes>> changelog;  // not yet read back
  std::int64_t changelog_end = 0;
  std::int64_t cause_offset = 0;  // the record in hand
  Bytes rows;
  std::optional<Checkpoint> closed;
  std::map<std::pair<std::uint16_t, std::int32_t>, std::uint64_t> numbers;

 private:
  void take_changelog(ByteView record) {
    std::optional<stream::ChangelogRecord> decoded = stream::decode_changelog(record);
    check(decoded.has_value(), "a task reads what it writes");
    if (const auto* frame = std::get_if<stream::RowFrame>(&*decoded)) {
      rows.insert(rows.end(), frame->body.begin(), frame->body.end());
    } else if (auto* marker = std::get_if<stream::Marker>(&*decoded)) {
      closed = Checkpoint{std::move(*marker), std::exchange(rows, {})};
    }
  }

  void take_output(std::size_t output, std::int32_t partition, ByteView key, ByteView value) {
    std::uint64_t& number = numbers[{static_cast<std::uint16_t>(output), partition}];
    const bool single = output < spec_->outputs.size() &&
                        spec_->outputs[output].shape == stream::RecordShape::single;
    if (single) {
      sent_({output, partition, ++number, cause_offset, 0, event_hash(key, value), value});
      return;
    }
    check(stream::read_frame(value, frame_), "a task writes frames that can be read");
    number = frame_.first;
    for (const stream::Frame::Item& item : frame_.events) {
      sent_({output, partition, number++, item.header.cause_offset, item.header.cause_index,
             event_hash(item.header_bytes, item.payload), item.payload});
    }
    --number;
  }

  const stream::StageSpec* spec_;
  Sink sent_;
  stream::Frame frame_;
};

// What the task asks of its log: answers wait until the replica hands them over.
class Replica::Port final : public stream::TaskPort {
 public:
  explicit Port(Tap& tap) : tap_(&tap) {}

  void read_input(std::int64_t offset) override { input = offset; }
  void stop_input() override {}
  void read_changelog(std::int64_t offset) override { changelog = offset; }
  void stop_changelog() override {}
  void query_changelog() override { asked_ = true; }
  void trim_changelog(std::int64_t) override {}
  // Nobody asks a replica for an override: admit() gives it those that its changelog has admitted.
  void query_outputs(const stream::StageSpec&, const Uuid&, std::int64_t) override {}
  void background(std::function<void()> work, std::function<void()> done) override {
    background_.emplace_back(std::move(work), std::move(done));
  }
  // Once the piece of the real changelog was read, what the task itself has appended behind it.
  bool pump(stream::Task& task) override {
    bool busy = !background_.empty();
    auto background = std::exchange(background_, {});
    for (auto& [work, done] : background) {
      work();
      done();
    }
    if (std::exchange(asked_, false)) {
      busy = true;
      task.on_changelog_bounds(stream::LogBounds{begin, tap_->changelog_end});
    }
    while (!withheld && changelog && !tap_->changelog.empty()) {
      busy = true;
      const auto [offset, bytes] = std::move(tap_->changelog.front());
      tap_->changelog.pop_front();
      task.on_changelog({offset, {}, {}, bytes});
    }
    return busy;
  }

  std::int64_t begin = 0;
  bool withheld = false;
  std::optional<std::int64_t> input;
  std::optional<std::int64_t> changelog;

 private:
  Tap* tap_;
  bool asked_ = false;
  std::vector<std::pair<std::function<void()>, std::function<void()>>> background_;
};

Replica::Replica(const stream::StageSpec& spec, std::int32_t partition,
                 const stream::Identity& identity, Sink sent)
    : spec_(spec), partition_(partition), identity_(identity) {
  tap_ = std::make_unique<Tap>(spec_, std::move(sent));
  outbox_ = std::make_unique<stream::Outbox>(*tap_);
  auto port = std::make_unique<Port>(*tap_);
  port_ = port.get();
  stream::Task::Parts parts;
  parts.spec = spec_;
  parts.partition = partition;
  parts.identity = identity;
  parts.topics.input = kInput;
  parts.topics.changelog = kChangelog;
  for (std::size_t i = 0; i <= spec_.outputs.size(); ++i) {
    parts.topics.outputs.push_back(static_cast<stream::TopicIndex>(kFirstOutput + i));
  }
  parts.options = options_of_replica();
  parts.outbox = outbox_.get();
  parts.port = std::move(port);
  parts.open_store = [] {
    return Result<std::unique_ptr<store::StateStore>>(std::make_unique<NoStore>());
  };
  parts.make_nonce = [] {
    Uuid nonce;
    nonce.bytes.fill(0x5c);
    return nonce;
  };
  task_ = std::make_shared<stream::Task>(std::move(parts));
}

Replica::~Replica() = default;

std::span<stream::TableBase* const> Replica::tables() const noexcept { return task_->tables(); }

std::uint64_t Replica::sent(std::size_t output, std::int32_t partition) const {
  const auto found = tap_->numbers.find({static_cast<std::uint16_t>(output), partition});
  return found == tap_->numbers.end() ? 0 : found->second;
}

// Until nothing is left to do: every record is in the log as soon as it is sent.
void Replica::run() {
  bool busy = true;
  while (busy) {
    outbox_->turn(clock_ms_);
    const std::vector<std::uint64_t> delivered = std::exchange(tap_->delivered, {});
    for (const std::uint64_t cookie : delivered) {
      outbox_->on_delivered(cookie);
    }
    busy = port_->pump(*task_) || !delivered.empty();
  }
}

// At a switch record a task ends with a clean marker, which is still to be compared (R21).
Result<void> Replica::running() const {
  const stream::Phase phase = task_->phase();
  if (phase == stream::Phase::running || phase == stream::Phase::stopping ||
      phase == stream::Phase::switched) {
    return {};
  }
  return Unexpected(ErrorCode::refused, task_->status().reason);
}

Result<void> Replica::begin() {
  stream::OpenMarker genesis;
  genesis.kind = stream::OpenMarker::Kind::genesis;
  genesis.identity = identity_;
  genesis.logic = spec_.logic;
  tap_->changelog.emplace_back(tap_->changelog_end++, encode(genesis));
  task_->start(clock_ms_);
  run();
  return running();
}

void Replica::begin_restoring(const stream::LogBounds& piece, const stream::Registers& at_its_end) {
  for (const auto& [lane, sequence] : at_its_end.outputs) {
    tap_->numbers[lane] = sequence.last;
  }
  position_ = at_its_end.position;
  port_->begin = piece.begin;
  port_->withheld = true;
  tap_->changelog_end = piece.end;
  task_->start(clock_ms_);
  run();
}

void Replica::take_changelog(const stream::LogRecord& record) {
  task_->on_changelog(record);
  run();
}

Result<void> Replica::restored() {
  port_->withheld = false;
  run();
  return running();
}

void Replica::admit(const stream::OpenMarker& marker) {
  task_->take_over_overrides(marker.overrides);
}

Result<void> Replica::take(const stream::LogRecord& record) {
  if (task_->phase() == stream::Phase::stopping) {
    return Unexpected(ErrorCode::refused, "the task ends here: another logic goes on");
  }
  if (task_->phase() != stream::Phase::running) {
    return Unexpected(ErrorCode::refused, task_->status().reason);
  }
  tap_->cause_offset = record.offset;
  task_->on_input(record);
  if (outbox_->waiting() > 0) {
    run();
  }
  if (Result<void> runs = running(); !runs) {
    return runs;
  }
  position_ = record.offset + 1;
  return {};
}

Result<const Checkpoint*> Replica::checkpoint() {
  task_->turn(++clock_ms_);
  run();
  task_->turn(++clock_ms_);
  run();
  if (Result<void> runs = running(); !runs) {
    return Unexpected(runs.error());
  }
  if (tap_->closed) {
    checkpoint_ = *std::exchange(tap_->closed, std::nullopt);
  }
  return &checkpoint_;
}

}  // namespace kpay::recompute
