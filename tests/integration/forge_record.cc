// forge_record: puts into an internal topic what its senders never wrote, or wrote once: for the
// integration tests. It takes the last frame of a stage on the partition as its pattern, and prints
// that frame's payment and the offset of what it wrote.
//
//   forge_record BOOTSTRAP TOPIC PARTITION STAGE again    the same bytes once more: a legal replay
//   forge_record BOOTSTRAP TOPIC PARTITION STAGE altered  the same numbers, a payload changed
//   forge_record BOOTSTRAP TOPIC PARTITION STAGE next     its first event under the next number,
//   with
//                                                         the right running hash
//   forge_record BOOTSTRAP TOPIC PARTITION STAGE wild     the same with a wrong one
//   forge_record BOOTSTRAP TOPIC PARTITION STAGE ahead    numbers that nobody has sent yet
#include <charconv>
#include <cstdio>
#include <map>
#include <string>

#include "kafka/plain_producer.h"
#include "kafka/topic_reader.h"
#include "stream/frame.h"

namespace {

using namespace kpay;

std::int64_t number(const std::string& text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

struct Pattern {
  Bytes record;
  stream::SenderId sender;
  std::map<stream::SenderId, stream::Sequence> seen;
  std::int64_t end = 0;
};

void take(Pattern& pattern, std::uint16_t stage, const stream::LogRecord& record) {
  stream::Frame frame;
  pattern.end = record.offset + 1;
  if (!stream::read_frame(record.value, frame)) {
    return;
  }
  stream::Sequence& seen = pattern.seen[frame.sender];
  if (frame.sender.stage == stage) {
    pattern.record = to_bytes(record.value);
    pattern.sender = frame.sender;
  }
  std::uint64_t at = frame.first;
  for (const stream::Frame::Item& item : frame.events) {
    if (at++ == seen.last + 1) {
      seen = {seen.last + 1, stream::chain_event(seen.hash, item.header_bytes, item.payload)};
    }
  }
}

Bytes forge(const Pattern& pattern, const std::string& how) {
  if (how == "again") {
    return pattern.record;
  }
  stream::Frame frame;
  (void)stream::read_frame(pattern.record, frame);
  stream::Sequence from = pattern.seen.at(pattern.sender);
  if (how == "altered") {
    from = {frame.first - 1, frame.before};
  } else if (how == "wild") {
    from.hash.low ^= 1U;
  } else if (how == "ahead") {
    from.last += 1000;
  }
  stream::FrameBuilder builder;
  for (const stream::Frame::Item& item : frame.events) {
    Bytes payload = to_bytes(item.payload);
    if (how == "altered") {
      payload.back() ^= std::byte{1};
    }
    builder.add(item.header, payload, from);
    if (how != "altered") {
      break;
    }
  }
  return builder.cut(frame.lineage, frame.sender, frame.cause_topic, frame.cause_partition);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: forge_record BOOTSTRAP TOPIC PARTITION STAGE again|altered|…\n");
    return 2;
  }
  kafka::ClientOptions options;
  options.bootstrap_servers = argv[1];
  const std::string topic = argv[2];
  const auto partition = static_cast<std::int32_t>(number(argv[3]));
  auto reader = std::move(kafka::TopicReader::connect(options).value());
  const auto bounds = reader->admin().bounds(topic, partition, 10'000).value();
  Pattern pattern;
  const Result<void> read =
      reader->read(topic, {{partition, bounds.begin, bounds.end}},
                   [&](std::int32_t, const stream::LogRecord& record) {
                     take(pattern, static_cast<std::uint16_t>(number(argv[4])), record);
                     return true;
                   });
  stream::Frame frame;
  if (!read || !stream::read_frame(pattern.record, frame)) {
    std::fprintf(stderr, "no frame of stage %s there\n", argv[4]);
    return 1;
  }
  auto producer = std::move(kafka::PlainProducer::connect(options).value());
  const Bytes record = forge(pattern, argv[5]);
  if (!producer->send(topic, partition, {}, ByteView(record)) || !producer->flush(10'000)) {
    return 1;
  }
  std::printf("%s %lld\n", to_string(frame.events.front().header.subject).c_str(),
              static_cast<long long>(bounds.end));
  return 0;
}
