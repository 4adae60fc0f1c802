#include "daemons/tool/command_sender.h"

#include "base/hash.h"
#include "stages/specs.h"

namespace kpay::tool {

namespace {

constexpr std::uint64_t kPollEvery = 256;

}  // namespace

Result<std::unique_ptr<CommandSender>> CommandSender::connect(const Reached& reached,
                                                              int linger_ms) {
  std::unique_ptr<CommandSender> sender(new CommandSender());
  kafka::ClientOptions options = reached.connection.client;
  options.linger_ms = linger_ms;
  Result<std::unique_ptr<kafka::PlainProducer>> producer = kafka::PlainProducer::connect(options);
  if (!producer) {
    return Unexpected(producer.error());
  }
  sender->producer_ = std::move(*producer);
  sender->producer_->on_delivery([raw = sender.get()](std::uint64_t, const Result<void>& done) {
    if (!done && !raw->error_) {
      raw->error_ = done.error();
    }
  });
  sender->topic_ = reached.topic(stages::kTopicIncoming);
  sender->partitions_ = reached.partitions;
  return sender;
}

Result<void> CommandSender::send(const core::Command& command) {
  const ByteView key = core::key_of(command);
  Result<void> queued =
      producer_->send(topic_, partition_of(key, partitions_), key, codec_.encode(command));
  if (queued && ++sent_ % kPollEvery == 0) {
    poll();
  }
  return queued;
}

Result<void> CommandSender::flush(int timeout_ms) { return producer_->flush(timeout_ms); }

}  // namespace kpay::tool
