// passthrough: the log's own speed, as the measure of ours. Records of a payment's size go through
// four hops, each a consumer and an idempotent producer with our settings and no logic: one event
// per record, no state, no sequence, no checkpoint.
//
//   passthrough BOOTSTRAP PARTITIONS count N            preloads N records, prints records/s
//   passthrough BOOTSTRAP PARTITIONS rate R SECONDS     open loop, prints latency percentiles in ms
//
// Topics bench.hop.0 … bench.hop.4 are made if need be.
#include <hdr/hdr_histogram.h>

#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "kafka/admin.h"
#include "kafka/partition_reader.h"

namespace {

using namespace kpay;

constexpr int kHops = 4;
constexpr std::size_t kRecordBytes = 160;  // about what a leg takes in a frame
constexpr std::int64_t kWarmUpMs = 5000;

std::string topic_name(int hop) { return "bench.hop." + std::to_string(hop); }

std::int64_t now_us() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(since).count();
}

// An idempotent producer with the daemons' settings.
class Sender {
 public:
  Sender(const kafka::ClientOptions& options, const std::string& topic) {
    kafka::ClientBuilder builder(options);
    builder.set("enable.idempotence", "true").set("acks", "all").set("linger.ms", "0");
    builder.set("batch.size", "1000000").set("queue.buffering.max.messages", "1000000");
    client_ = std::move(builder.make(RD_KAFKA_PRODUCER).value());
    topic_.reset(rd_kafka_topic_new(client_.get(), topic.c_str(), nullptr));
  }
  void send(std::int32_t partition, ByteView value) {
    auto* payload = const_cast<std::byte*>(value.data());
    while (rd_kafka_produce(topic_.get(), partition, RD_KAFKA_MSG_F_COPY, payload, value.size(),
                            nullptr, 0, nullptr) != 0) {
      (void)rd_kafka_poll(client_.get(), 10);
    }
  }
  void poll() { (void)rd_kafka_poll(client_.get(), 0); }
  void flush() { (void)rd_kafka_flush(client_.get(), 60'000); }

 private:
  kafka::KafkaHandle client_;
  kafka::TopicHandle topic_;
};

// Reads all partitions of a topic from where they end at the start.
class Receiver {
 public:
  Receiver(const kafka::ClientOptions& options, kafka::Admin& admin, int hop,
           std::int32_t partitions, bool from_end)
      : client_(std::move(kafka::make_reading_client(options, events_, 65'536,
                                                     static_cast<std::size_t>(partitions))
                              .value())),
        topic_(rd_kafka_topic_new(client_.get(), topic_name(hop).c_str(), nullptr)) {
    for (std::int32_t p = 0; p < partitions; ++p) {
      const stream::LogBounds bounds = admin.bounds(topic_name(hop), p, 10'000).value();
      readers_.push_back(
          std::make_unique<kafka::PartitionReader>(client_.get(), topic_.get(), p, &wake_));
      (void)readers_.back()->start(from_end ? bounds.end : bounds.begin);
    }
  }
  // Gives what is there to `taker`; waits up to 20 ms when there is nothing.
  template <class Taker>
  void poll(Taker&& taker) {
    std::size_t taken = 0;
    for (std::size_t p = 0; p < readers_.size(); ++p) {
      taken += readers_[p]
                   ->poll(512, 0,
                          [&](const stream::LogRecord& record) {
                            taker(static_cast<std::int32_t>(p), record);
                            return true;
                          })
                   .value();
    }
    if (taken == 0) {
      wake_.wait(20);
    }
  }

 private:
  kafka::ClientEvents events_;
  kafka::Wake wake_;
  kafka::KafkaHandle client_;
  kafka::TopicHandle topic_;
  std::vector<std::unique_ptr<kafka::PartitionReader>> readers_;
};

struct Run {
  kafka::ClientOptions options;
  std::int32_t partitions = 0;
  std::unique_ptr<kafka::Admin> admin;
  std::atomic<bool> stopping = false;
  std::vector<std::thread> hops;

  void start_hops(bool from_end) {
    std::atomic<int> ready = 0;
    for (int hop = 0; hop < kHops; ++hop) {
      hops.emplace_back([this, hop, from_end, &ready] {
        Receiver receiver(options, *kafka::Admin::connect(options).value(), hop, partitions,
                          from_end);
        Sender sender(options, topic_name(hop + 1));
        ++ready;
        while (!stopping) {
          receiver.poll([&](std::int32_t p, const stream::LogRecord& record) {
            sender.send(p, record.value);
          });
          sender.poll();
        }
      });
    }
    while (ready < kHops) {
      std::this_thread::yield();
    }
  }
  void stop_hops() {
    stopping = true;
    for (std::thread& hop : hops) {
      hop.join();
    }
  }
};

void make_topics(Run& run) {
  std::vector<kafka::NewTopic> topics;
  for (int hop = 0; hop <= kHops; ++hop) {
    topics.push_back(
        {topic_name(hop), run.partitions, 1, {{"message.timestamp.type", "LogAppendTime"}}});
  }
  (void)run.admin->create(topics, 10'000).has_value();
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
}

int measure_count(Run& run, long count) {
  std::array<std::byte, kRecordBytes> value{};
  {
    Sender sender(run.options, topic_name(0));
    for (long i = 0; i < count; ++i) {
      sender.send(static_cast<std::int32_t>(i % run.partitions), value);
    }
    sender.flush();
  }
  Receiver receiver(run.options, *run.admin, kHops, run.partitions, true);
  const std::int64_t began = now_us();
  run.start_hops(false);
  long got = 0;
  while (got < count) {
    receiver.poll([&](std::int32_t, const stream::LogRecord&) { ++got; });
  }
  const double seconds = static_cast<double>(now_us() - began) / 1e6;
  run.stop_hops();
  std::printf("{\"records_per_s\": %.0f, \"seconds\": %.3f}\n",
              static_cast<double>(count) / seconds, seconds);
  return 0;
}

int measure_rate(Run& run, long rate, long seconds) {
  hdr_histogram* histogram = nullptr;
  hdr_init(1, 60'000'000, 3, &histogram);
  Receiver receiver(run.options, *run.admin, kHops, run.partitions, true);
  run.start_hops(true);
  const std::int64_t began = now_us();
  const std::int64_t counted_from = began + kWarmUpMs * 1000;
  const long count = rate * (seconds + kWarmUpMs / 1000);
  std::thread source([&] {
    Sender sender(run.options, topic_name(0));
    std::array<std::byte, kRecordBytes> value{};
    for (long i = 0; i < count; ++i) {
      const std::int64_t intended = began + i * 1'000'000 / rate;
      while (now_us() < intended) {
        sender.poll();
        std::this_thread::sleep_for(std::chrono::microseconds(
            std::min<std::int64_t>(500, std::max<std::int64_t>(1, intended - now_us()))));
      }
      std::memcpy(value.data(), &intended, sizeof intended);
      sender.send(static_cast<std::int32_t>(i % run.partitions), value);
    }
    sender.flush();
  });
  for (long got = 0; got < count;) {
    receiver.poll([&](std::int32_t, const stream::LogRecord& record) {
      std::int64_t intended = 0;
      std::memcpy(&intended, record.value.data(), sizeof intended);
      if (intended >= counted_from) {
        hdr_record_value(histogram, now_us() - intended);
      }
      ++got;
    });
  }
  source.join();
  run.stop_hops();
  const auto ms = [&](double percentile) {
    return static_cast<double>(hdr_value_at_percentile(histogram, percentile)) / 1000.0;
  };
  std::printf(
      "{\"p50_ms\": %.2f, \"p90_ms\": %.2f, \"p99_ms\": %.2f, \"p99_9_ms\": %.2f, \"max_ms\": "
      "%.2f}\n",
      ms(50), ms(90), ms(99), ms(99.9), ms(100));
  return 0;
}

long number(const char* text) {
  long value = 0;
  std::from_chars(text, text + std::strlen(text), value);
  return value;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 3 ? argv[3] : "";
  if (argc < 5 || (mode == "rate" && argc < 6)) {
    std::fprintf(stderr, "usage: passthrough BOOTSTRAP PARTITIONS count N | rate R SECONDS\n");
    return 2;
  }
  Run run;
  run.options.bootstrap_servers = argv[1];
  run.options.client_id = "passthrough";
  run.partitions = static_cast<std::int32_t>(number(argv[2]));
  run.admin = std::move(kafka::Admin::connect(run.options).value());
  make_topics(run);
  return mode == "count" ? measure_count(run, number(argv[4]))
                         : measure_rate(run, number(argv[4]), number(argv[5]));
}
