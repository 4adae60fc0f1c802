// Flow: all five stages on every partition, joined by queues in memory. The tests' runtime: it
// numbers what goes to public topics, and applies events in the order in which they were sent.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/hash.h"
#include "core/commands.h"
#include "core/make.h"
#include "stages/specs.h"
#include "stream/table.h"
#include "wire/codec.h"

namespace kpay::testing {

/// One event as it was sent.
struct Sent {
  std::string topic;
  std::int32_t partition = 0;
  Uuid subject;
  Timestamp time;
  Timestamp appended;
  Bytes payload;

  friend bool operator==(const Sent&, const Sent&) = default;
};

/// An emitter that keeps what a stage sends.
class Keeper final : public stream::Emitter {
 public:
  Keeper(std::vector<stream::OutputSpec> outputs, std::int32_t partitions)
      : outputs_(std::move(outputs)), partitions_(partitions) {}

  void emit(std::size_t output, ByteView key, const stream::Outgoing& event) override {
    ASSERT_LT(output, outputs_.size());
    const std::int32_t partition = partition_of(key, partitions_);
    ++numbers_[{output, partition}];
    sent.push_back({outputs_[output].topic,
                    partition,
                    event.subject,
                    event.time,
                    {},
                    to_bytes(event.payload)});
  }
  std::uint64_t next_number(std::size_t output, ByteView key) const override {
    const auto number = numbers_.find({output, partition_of(key, partitions_)});
    return number == numbers_.end() ? 1 : number->second + 1;
  }

  std::vector<Sent> sent;

 private:
  std::vector<stream::OutputSpec> outputs_;
  std::int32_t partitions_;
  std::map<std::pair<std::size_t, std::int32_t>, std::uint64_t> numbers_;
};

/// A stage on one partition.
struct Task {
  Task(const stream::StageSpec& s, std::int32_t p, std::int32_t partitions)
      : spec(s), partition(p), stage(s.make(p, partitions)), out(s.outputs, partitions) {}

  std::optional<stream::DeadLetterReason> apply(const Sent& sent) {
    now = std::max(now, sent.time);
    return stage->apply({{}, sent.time, sent.appended, sent.subject, sent.payload}, now, out);
  }
  [[nodiscard]] stream::TableBase& table(const std::string& name) const {
    for (stream::TableBase* table : stage->tables()) {
      if (table->name() == name) {
        return *table;
      }
    }
    throw std::out_of_range("no table " + name);
  }

  stream::StageSpec spec;
  std::int32_t partition;
  std::unique_ptr<stream::Stage> stage;
  Keeper out;
  Timestamp now;
};

using FieldMap = std::map<std::string, std::string>;

/// The fields of a row, as text; empty if there is no such row.
inline FieldMap fields_of(const stream::TableBase& table, const std::string& key) {
  FieldMap map;
  const std::optional<Bytes> bytes = table.key_from_text(key);
  const std::optional<Bytes> value = bytes ? table.get(*bytes) : std::nullopt;
  if (value) {
    for (const stream::Field& field : table.fields(*value)) {
      map[field.name] = std::visit(
          [](const auto& v) {
            if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::string>) {
              return v;
            } else {
              return std::to_string(v);
            }
          },
          field.value);
    }
  }
  return map;
}

class Flow {
 public:
  explicit Flow(std::int32_t partitions) : partitions_(partitions) {
    for (const stream::StageSpec& spec : stages::all_specs()) {
      for (std::int32_t p = 0; p < partitions; ++p) {
        tasks_.push_back(std::make_unique<Task>(spec, p, partitions));
      }
    }
  }

  /// A command as a client writes it; its record is appended at `now`.
  void write(const core::Command& command) {
    queue_.push_back({stages::kTopicIncoming, partition_of(core::key_of(command), partitions_),
                      core::id_of(command), now, now, to_bytes(codec_.encode(command))});
  }

  /// Until nothing is under way.
  void run() {
    while (!queue_.empty()) {
      const Sent sent = std::move(queue_.front());
      queue_.pop_front();
      log.push_back(sent);
      for (const auto& task : tasks_) {
        if (task->spec.input == sent.topic && task->partition == sent.partition) {
          apply(*task, sent);
        }
      }
    }
  }
  void write_and_run(const core::Command& command) {
    write(command);
    run();
  }
  void tick() {
    for (const auto& task : tasks_) {
      task->now = std::max(task->now, now);
      task->stage->tick(task->now, task->out);
    }
  }

  [[nodiscard]] Task& task(const std::string& stage, std::int32_t partition) {
    for (const auto& task : tasks_) {
      if (task->spec.name == stage && task->partition == partition) {
        return *task;
      }
    }
    throw std::out_of_range("no stage " + stage);
  }
  /// The row's fields on whichever partition has it.
  [[nodiscard]] FieldMap row(const std::string& stage, const std::string& table,
                             const std::string& key) {
    for (std::int32_t p = 0; p < partitions_; ++p) {
      FieldMap map = fields_of(task(stage, p).table(table), key);
      if (!map.empty()) {
        return map;
      }
    }
    return {};
  }
  /// A number summed over all partitions, as a reader does.
  [[nodiscard]] std::int64_t sum(const std::string& stage, const std::string& table,
                                 const std::string& key, const std::string& field) {
    std::int64_t total = 0;
    for (std::int32_t p = 0; p < partitions_; ++p) {
      const FieldMap map = fields_of(task(stage, p).table(table), key);
      const auto at = map.find(field);
      total += at == map.end() ? 0 : std::stoll(at->second);
    }
    return total;
  }
  [[nodiscard]] std::vector<Sent> on(const std::string& topic) const {
    std::vector<Sent> found;
    for (const Sent& sent : log) {
      if (sent.topic == topic) {
        found.push_back(sent);
      }
    }
    return found;
  }
  [[nodiscard]] const std::vector<std::unique_ptr<Task>>& tasks() const { return tasks_; }

  Timestamp now = kNow;
  std::int64_t hop_ms = 5;  ///< how long an event takes to its topic
  std::vector<Sent> log;

 private:
  void apply(Task& task, const Sent& sent) {
    EXPECT_FALSE(task.apply(sent).has_value()) << task.spec.name;
    for (Sent& next : task.out.sent) {
      next.appended = {sent.appended.ms + hop_ms};
      queue_.push_back(std::move(next));
    }
    task.out.sent.clear();
  }

  std::int32_t partitions_;
  std::vector<std::unique_ptr<Task>> tasks_;
  std::deque<Sent> queue_;
  wire::CommandCodec codec_;
};

}  // namespace kpay::testing
