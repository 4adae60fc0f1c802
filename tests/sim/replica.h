// Replica: one task's state and events, made from its whole input by a second, simpler runtime:
// no checkpoints, no outbox, no restore. What the task says and keeps has to be the same (R2).
#pragma once

#include <memory>

#include "sim/parcel.h"
#include "stream/changelog.h"
#include "stream/dead_letter.h"
#include "stream/task.h"

namespace kpay::sim {

class Replica {
 public:
  Replica(const stream::StageSpec& spec, std::int32_t partition, stream::Identity identity);
  ~Replica();

  /// REQUIRES: every record of the input, in order.
  void take(const stream::LogRecord& record);

  /// The whole-state hash as a marker would have it here.
  [[nodiscard]] Hash128 state_hash();
  [[nodiscard]] const stream::Registers& registers() const noexcept { return registers_; }
  /// What it sent to one partition of one output (by place in the spec; ops.dlq is the last), in
  /// order: payload bytes.
  [[nodiscard]] const std::vector<Bytes>& sent(std::size_t output, std::int32_t partition) const;
  [[nodiscard]] const std::vector<stream::TableBase*>& tables() const noexcept { return tables_; }
  /// Events of this sender that a receiver could not take: always 0.
  [[nodiscard]] std::uint64_t untakable() const noexcept { return untakable_; }

 private:
  class Collector;

  void take_frame(const stream::LogRecord& record);
  void apply(const stream::Event& event);
  void bury(const stream::Event& event, stream::DeadLetterReason reason);
  void publish(std::size_t output, std::int32_t partition, const stream::Origin& cause,
               const stream::Outgoing& event);
  [[nodiscard]] stream::Origin origin_of(const stream::LogRecord& record,
                                         std::uint32_t index) const;
  [[nodiscard]] stream::Event whole(const stream::LogRecord& record) const;
  [[nodiscard]] bool may_send(const stream::SenderId& sender) const;

  stream::StageSpec spec_;
  std::int32_t partition_;
  stream::Identity identity_;
  std::unique_ptr<stream::Stage> stage_;
  stream::DeadLetters letters_{"dead_letters"};
  std::vector<stream::TableBase*> tables_;
  stream::Registers registers_;
  std::unique_ptr<Collector> collector_;
  std::map<std::pair<std::size_t, std::int32_t>, std::vector<Bytes>> sent_;
  std::uint64_t untakable_ = 0;
};

}  // namespace kpay::sim
