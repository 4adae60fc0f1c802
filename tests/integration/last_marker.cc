// last_marker: what a changelog says of its task's last checkpoint: for the integration tests.
//
//   last_marker BOOTSTRAP CHANGELOG PARTITION
// Prints {"number", "position", "hash", "clean"} of the partition's last marker.
#include <charconv>
#include <cstdio>
#include <cstring>

#include "kafka/topic_reader.h"
#include "stream/changelog.h"

int main(int argc, char** argv) {
  using namespace kpay;
  std::int32_t partition = -1;
  if (argc != 4 ||
      std::from_chars(argv[3], argv[3] + std::strlen(argv[3]), partition).ec != std::errc{}) {
    std::fprintf(stderr, "usage: last_marker BOOTSTRAP CHANGELOG PARTITION\n");
    return 2;
  }
  kafka::ClientOptions options;
  options.bootstrap_servers = argv[1];
  auto reader = std::move(kafka::TopicReader::connect(options).value());
  Result<stream::LogBounds> bounds = reader->admin().bounds(argv[2], partition, 10'000);
  if (!bounds) {
    std::fprintf(stderr, "%s\n", bounds.error().message.c_str());
    return 1;
  }
  stream::Marker last;
  Result<void> read =
      reader->read(argv[2], {{partition, bounds->begin, bounds->end}},
                   [&](std::int32_t, const stream::LogRecord& record) {
                     const auto decoded = stream::decode_changelog(record.value);
                     if (decoded && std::holds_alternative<stream::Marker>(*decoded)) {
                       last = std::get<stream::Marker>(*decoded);
                     }
                     return true;
                   });
  if (!read) {
    std::fprintf(stderr, "%s\n", read.error().message.c_str());
    return 1;
  }
  std::printf("{\"number\": %llu, \"position\": %lld, \"hash\": \"%s\", \"clean\": %s}\n",
              static_cast<unsigned long long>(last.number),
              static_cast<long long>(last.registers.position), to_string(last.state_hash).c_str(),
              last.clean ? "true" : "false");
  return 0;
}
