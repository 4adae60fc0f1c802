// Dead letters that were met once, as `kpayctl dlq export --as-test` wrote them down: each stage's
// task meets the event again, and what becomes of it is what the file expects: the reason for which
// it is put aside, or "applied".
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/dead_letter.h"
#include "recompute/replica.h"
#include "stages/specs.h"

namespace kpay::recompute {
namespace {

using Json = nlohmann::json;

// What the runtime puts aside without asking the stage, it puts aside whole.
bool is_whole_record(const std::string& expected) {
  return expected == stream::runtime_reason(stream::kReasonForeignLineage) ||
         expected == stream::runtime_reason(stream::kReasonUnknownSender) ||
         expected == stream::runtime_reason(stream::kReasonEmptyRecord);
}

Bytes record_of(const Json& json, const stream::StageSpec& spec, const stream::Identity& identity) {
  const Bytes bytes = from_hex(json.at("bytes").get<std::string>()).value();
  const std::string expected = json.at("expected").get<std::string>();
  if (spec.input_shape == stream::RecordShape::single || is_whole_record(expected)) {
    return bytes;
  }
  stream::FrameBuilder builder;
  stream::Sequence sequence;
  stream::EventHeader header;
  header.payload_bytes = static_cast<std::uint32_t>(bytes.size());
  header.time.ms = json.at("time_ms").get<std::int64_t>();
  header.subject = parse_uuid(json.at("subject").get<std::string>()).value();
  builder.add(header, bytes, sequence);
  return builder.cut(identity.lineage,
                     {json.at("sender_stage").get<std::uint16_t>(),
                      json.at("sender_partition").get<std::int32_t>()},
                     Uuid{}, 0);
}

// The reason of its dead letter, or "applied".
std::string becomes(const Json& json) {
  const std::string stage = json.at("stage").get<std::string>();
  for (const stream::StageSpec& spec : stages::all_specs()) {
    if (spec.name != stage) {
      continue;
    }
    stream::Identity identity;
    identity.cluster_id = "cluster";
    identity.partitions = json.at("partitions").get<std::int32_t>();
    identity.topic_ids.resize(spec.outputs.size() + 3);
    std::string found = "applied";
    Replica task(spec, json.at("partition").get<std::int32_t>(), identity,
                 [&](const SentEvent& event) {
                   const auto letter = stream::decode_dead_letter(event.payload);
                   if (event.output == spec.outputs.size() && letter) {
                     const std::string_view own = stream::runtime_reason(letter->reason);
                     found = own.empty() ? core::dead_letter_text(letter->reason) : own;
                   }
                 });
    EXPECT_TRUE(task.begin().has_value());
    const Bytes record = record_of(json, spec, identity);
    const Timestamp appended{json.at("time_ms").get<std::int64_t>()};
    EXPECT_TRUE(task.take({0, appended, {}, record}).has_value());
    EXPECT_TRUE(task.checkpoint().has_value());
    return found;
  }
  return "no stage is called " + stage;
}

TEST(LetterCases, R24EveryExportedDeadLetterBecomesWhatItsFileExpects) {
  int cases = 0;
  const std::filesystem::path folder =
      std::filesystem::path(KPAY_SOURCE_DIR) / "tests" / "golden" / "letters";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    SCOPED_TRACE(entry.path().filename().string());
    std::ifstream in(entry.path());
    const Json json = Json::parse(in);
    EXPECT_EQ(becomes(json), json.at("expected").get<std::string>());
    ++cases;
  }
  EXPECT_GE(cases, 2);
}

}  // namespace
}  // namespace kpay::recompute
