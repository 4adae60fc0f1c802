// CommandSender: puts commands of clients on payments.incoming (R10, R12).
#pragma once

#include <memory>
#include <string>

#include "daemons/ctl/connection.h"
#include "kafka/plain_producer.h"
#include "wire/codec.h"

namespace kpay::ctl {

/// Threads: one.
class CommandSender {
 public:
  /// `linger_ms`: how long a record waits for company; 0 for a single command.
  static Result<std::unique_ptr<CommandSender>> connect(const Connection& connection,
                                                        std::int32_t partitions, int linger_ms);

  /// Queues the command in its own partition; waits while the queue is full.
  Result<void> send(const core::Command& command, std::uint64_t tag = 0);
  /// Queues bytes that may be no command at all: for tests of what intake does with them.
  Result<void> send_raw(ByteView key, ByteView bytes);
  Result<void> flush(int timeout_ms) { return producer_->flush(timeout_ms); }
  [[nodiscard]] kafka::PlainProducer& producer() noexcept { return *producer_; }
  [[nodiscard]] std::int32_t partitions() const noexcept { return partitions_; }

 private:
  CommandSender() = default;

  std::string topic_;
  std::int32_t partitions_ = 0;
  std::unique_ptr<kafka::PlainProducer> producer_;
  wire::CommandCodec codec_;
};

}  // namespace kpay::ctl
