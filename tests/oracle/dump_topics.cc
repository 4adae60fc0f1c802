// dump_topics: the raw records of all of kpay's topics, for the oracle, as kpay-sim --dump has
// them.
//
//   dump_topics BOOTSTRAP PREFIX PARTITIONS FOLDER
// Each partition becomes FOLDER/<topic without prefix>-<partition>.records: per record offset 8,
// append time 8, then key and value, each after its length 4; little-endian.
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include "kafka/topic_reader.h"
#include "stages/specs.h"
#include "stream/topics.h"

namespace {

using namespace kpay;

Result<void> dump(kafka::TopicReader& reader, const std::string& prefix, const std::string& topic,
                  std::int32_t partitions, const std::filesystem::path& folder) {
  const Result<std::vector<kafka::PartitionRange>> ranges =
      reader.ranges(prefix + topic, partitions);
  if (!ranges) {
    return Unexpected(ranges.error());
  }
  std::map<std::int32_t, Bytes> files;
  for (std::int32_t p = 0; p < partitions; ++p) {
    files[p];
  }
  Result<void> read = reader.read(prefix + topic, *ranges,
                                  [&](std::int32_t partition, const stream::LogRecord& record) {
                                    ByteWriter out(files[partition]);
                                    out.put(record.offset);
                                    out.put(record.appended.ms);
                                    out.sized(record.key);
                                    out.sized(record.value);
                                    return true;
                                  });
  for (const auto& [partition, bytes] : files) {
    std::ofstream file(folder / (topic + "-" + std::to_string(partition) + ".records"),
                       std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }
  return read;
}

}  // namespace

int main(int argc, char** argv) {
  std::int32_t partitions = 0;
  if (argc != 5 ||
      std::from_chars(argv[3], argv[3] + std::strlen(argv[3]), partitions).ec != std::errc{}) {
    std::fprintf(stderr, "usage: dump_topics BOOTSTRAP PREFIX PARTITIONS FOLDER\n");
    return 2;
  }
  kafka::ClientOptions options;
  options.bootstrap_servers = argv[1];
  const auto reader = std::move(kafka::TopicReader::connect(options).value());
  std::filesystem::create_directories(argv[4]);
  for (const std::string& topic : stream::topics_of(stages::all_specs())) {
    if (const Result<void> done = dump(*reader, argv[2], topic, partitions, argv[4]); !done) {
      std::fprintf(stderr, "%s: %s\n", topic.c_str(), done.error().message.c_str());
      return 1;
    }
  }
  return 0;
}
