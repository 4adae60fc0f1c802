// CommandSender: puts commands of clients on payments.incoming (R10, R12).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "daemons/tool/connection.h"
#include "kafka/plain_producer.h"
#include "wire/codec.h"

namespace kpay::tool {

/// Threads: one.
class CommandSender {
 public:
  /// `linger_ms`: how long a record waits for company; 0 when latency is what matters.
  static Result<std::unique_ptr<CommandSender>> connect(const Reached& reached, int linger_ms);

  /// Queues the command in its own partition; waits while the queue is full.
  Result<void> send(const core::Command& command);
  /// Serves acknowledgements that are due, without waiting.
  void poll() { producer_->poll(); }
  /// Waits until all is acknowledged. Errors: unavailable (time), or the first delivery error.
  Result<void> flush(int timeout_ms = kFlushMs);
  /// Sent so far, and how much of it the cluster has acknowledged.
  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }
  [[nodiscard]] std::uint64_t acknowledged() const noexcept { return producer_->delivered(); }
  /// The first record that could not be delivered, if there is one.
  [[nodiscard]] const std::optional<Error>& delivery_error() const noexcept { return error_; }

 private:
  static constexpr int kFlushMs = 120'000;

  CommandSender() = default;

  std::string topic_;
  std::int32_t partitions_ = 0;
  std::uint64_t sent_ = 0;
  std::optional<Error> error_;
  wire::CommandCodec codec_;
  std::unique_ptr<kafka::PlainProducer> producer_;
};

}  // namespace kpay::tool
