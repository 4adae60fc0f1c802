#include "daemons/gateway/submitter.h"

#include "base/hash.h"
#include "daemons/gateway/limits.h"
#include "stages/specs.h"
#include "wire/codec.h"

namespace kpay::gateway {

namespace {

constexpr std::chrono::milliseconds kDeliveryLook{1};
constexpr int kLastFlushMs = 2'000;

Unexpected late() {
  return Unexpected(ErrorCode::unavailable,
                    "the cluster has not acknowledged the command in time; send it again with "
                    "the same id");
}

}  // namespace

Result<std::unique_ptr<Submitter>> Submitter::start(const tool::Reached& reached) {
  std::unique_ptr<Submitter> submitter(new Submitter());
  submitter->topic_ = reached.topic(stages::kTopicIncoming);
  submitter->partitions_ = reached.partitions;
  Result<std::unique_ptr<kafka::PlainProducer>> producer =
      kafka::PlainProducer::connect(reached.connection.client);
  if (!producer) {
    return Unexpected(producer.error());
  }
  submitter->producer_ = std::move(*producer);
  submitter->producer_->on_delivery(
      [raw = submitter.get()](std::uint64_t tag, const Result<void>& delivered) {
        if (auto found = raw->sent_.extract(tag)) {
          found.mapped().set_value(delivered);
        }
      });
  submitter->thread_ = std::thread([raw = submitter.get()] { raw->run(); });
  return submitter;
}

Submitter::~Submitter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  more_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

std::future<Result<void>> Submitter::submit(const core::Command& command) {
  wire::CommandCodec codec;
  const ByteView key = core::key_of(command);
  Item item{partition_of(key, partitions_), to_bytes(key), to_bytes(codec.encode(command)), {}};
  std::future<Result<void>> done = item.done.get_future();
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || queue_.size() >= limits::queued_commands_max) {
      item.done.set_value(late());
      return done;
    }
    queue_.push_back(std::move(item));
  }
  more_.notify_one();
  return done;
}

std::vector<Result<void>> Submitter::submit_all(const std::vector<core::Command>& commands) {
  std::vector<std::future<Result<void>>> waiting;
  waiting.reserve(commands.size());
  for (const core::Command& command : commands) {
    waiting.push_back(submit(command));
  }
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(limits::acknowledge_ms_max);
  std::vector<Result<void>> results;
  results.reserve(commands.size());
  for (std::future<Result<void>>& each : waiting) {
    const bool ready = each.wait_until(deadline) == std::future_status::ready;
    results.push_back(ready ? each.get() : Result<void>(late()));
  }
  return results;
}

Result<void> Submitter::submit_and_wait(const core::Command& command) {
  return submit_all({command}).front();
}

void Submitter::send(Item item) {
  const std::uint64_t tag = next_tag_++;
  std::promise<Result<void>>& done = sent_[tag] = std::move(item.done);
  Result<void> queued = producer_->send(topic_, item.partition, item.key, item.value, tag);
  if (!queued) {
    done.set_value(queued);
    sent_.erase(tag);
  }
}

void Submitter::run() {
  for (;;) {
    std::vector<Item> taken;
    {
      std::unique_lock lock(mutex_);
      const auto wanted = [this] { return stopping_ || !queue_.empty(); };
      if (sent_.empty()) {
        more_.wait(lock, wanted);
      } else {
        more_.wait_for(lock, kDeliveryLook, wanted);
      }
      taken.swap(queue_);
      if (stopping_ && taken.empty()) {
        break;
      }
    }
    for (Item& item : taken) {
      send(std::move(item));
    }
    producer_->poll();
  }
  (void)producer_->flush(kLastFlushMs);
  for (auto& [tag, promise] : sent_) {
    promise.set_value(late());
  }
}

}  // namespace kpay::gateway
