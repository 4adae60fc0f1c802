#include "daemons/ctl/command_sender.h"

#include "base/hash.h"
#include "stages/specs.h"

namespace kpay::ctl {

Result<std::unique_ptr<CommandSender>> CommandSender::connect(const Connection& connection,
                                                              std::int32_t partitions,
                                                              int linger_ms) {
  std::unique_ptr<CommandSender> sender(new CommandSender());
  kafka::ClientOptions options = connection.client;
  options.linger_ms = linger_ms;
  Result<std::unique_ptr<kafka::PlainProducer>> producer = kafka::PlainProducer::connect(options);
  if (!producer) {
    return Unexpected(producer.error());
  }
  sender->producer_ = std::move(*producer);
  sender->topic_ = connection.topic(stages::kTopicIncoming);
  sender->partitions_ = partitions;
  return sender;
}

Result<void> CommandSender::send(const core::Command& command, std::uint64_t tag) {
  const ByteView key = core::key_of(command);
  return producer_->send(topic_, partition_of(key, partitions_), key, codec_.encode(command), tag);
}

Result<void> CommandSender::send_raw(ByteView key, ByteView bytes) {
  return producer_->send(topic_, partition_of(key, partitions_), key, bytes);
}

}  // namespace kpay::ctl
