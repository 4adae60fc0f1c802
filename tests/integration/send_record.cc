// send_record: puts into a topic what no client of ours would: for the integration tests.
//
//   send_record BOOTSTRAP TOPIC PARTITION raw HEXKEY HEXVALUE      the bytes as they are
//   send_record BOOTSTRAP TOPIC PARTITION zeros SIZE               a record of that many zero bytes
//   send_record BOOTSTRAP TOPIC PARTITION frame LINEAGE STAGE SENDER_PARTITION FIRST HEXPAYLOAD
//                                                                  a readable frame of one event
//   send_record BOOTSTRAP TOPIC PARTITION lines -                  records from standard input,
//   each
//                                                                  "HEXKEY HEXVALUE [NAME=HEX]…"
// An empty HEXVALUE is a record without a value; "-" stands for empty.
#include <charconv>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <sstream>
#include <string>

#include "kafka/plain_producer.h"
#include "stream/frame.h"

namespace {

using namespace kpay;

// "-" is nothing.
Bytes bytes_of(const std::string& text) {
  return text == "-" ? Bytes{} : from_hex(text).value_or(Bytes{});
}

std::int64_t number(const std::string& text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

Bytes forged_frame(char** argv) {
  stream::Sequence sequence;
  sequence.last = static_cast<std::uint64_t>(number(argv[3])) - 1;
  const Bytes payload = bytes_of(argv[4]);
  stream::FrameBuilder builder;
  builder.add({static_cast<std::uint32_t>(payload.size()), 0, 0, wall_clock_now(), {}}, payload,
              sequence);
  const stream::SenderId sender{static_cast<std::uint16_t>(number(argv[1])),
                                static_cast<std::int32_t>(number(argv[2]))};
  return builder.cut(parse_uuid(argv[0]).value_or(Uuid{}), sender, {}, 0);
}

bool send_lines(kafka::PlainProducer& producer, const std::string& topic, std::int32_t partition) {
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream words(line);
    std::string key;
    std::string value;
    std::string header;
    words >> key >> value;
    kafka::RecordHeaders headers;
    while (words >> header) {
      const std::size_t equals = header.find('=');
      headers.emplace_back(header.substr(0, equals), bytes_of(header.substr(equals + 1)));
    }
    if (!producer.send(topic, partition, bytes_of(key), ByteView(bytes_of(value)), headers)) {
      return false;
    }
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) {
    std::fprintf(stderr, "usage: send_record BOOTSTRAP TOPIC PARTITION raw|zeros|frame|lines …\n");
    return 2;
  }
  const std::string mode = argv[4];
  Bytes key;
  Bytes value;
  if (mode == "raw" && argc == 7) {
    key = bytes_of(argv[5]);
    value = bytes_of(argv[6]);
  } else if (mode == "zeros") {
    value.resize(static_cast<std::size_t>(number(argv[5])));
  } else if (mode == "frame" && argc == 10) {
    value = forged_frame(argv + 5);
  }
  kafka::ClientOptions options;
  options.bootstrap_servers = argv[1];
  auto producer = std::move(kafka::PlainProducer::connect(options).value());
  const auto partition = static_cast<std::int32_t>(number(argv[3]));
  if (mode == "lines") {
    return send_lines(*producer, argv[2], partition) && producer->flush(30'000) ? 0 : 1;
  }
  Result<void> sent =
      producer->send(argv[2], partition, key,
                     value.empty() ? std::optional<ByteView>() : std::optional<ByteView>(value));
  if (sent) {
    sent = producer->flush(10'000);
  }
  if (!sent) {
    std::fprintf(stderr, "%s\n", sent.error().message.c_str());
    return 1;
  }
  return 0;
}
