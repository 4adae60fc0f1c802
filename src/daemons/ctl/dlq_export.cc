#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "daemons/ctl/dlq.h"
#include "daemons/ctl/dlq_export.h"
#include "kafka/raw_record.h"
#include "stages/specs.h"

namespace kpay::ctl {

namespace {

using Json = nlohmann::ordered_json;

struct ExportFlags {
  LetterFlags select;
  bool as_test = false;
};

// What was around the event in its frame; of what is trimmed, what it is likely to have been.
struct Around {
  stream::SenderId sender;
  Timestamp time;
  Uuid subject;
};

const stream::StageSpec& spec_of(const std::vector<stream::StageSpec>& specs, std::uint16_t stage) {
  return *std::find_if(specs.begin(), specs.end(),
                       [stage](const stream::StageSpec& spec) { return spec.number == stage; });
}

Around around(const tool::Reached& reached, const Letter& letter, const stream::StageSpec& spec) {
  Around found;
  found.sender = {spec.senders.empty() ? std::uint16_t{0} : spec.senders.front(), 0};
  found.time = letter.at;
  Result<std::unique_ptr<kafka::RawReader>> reader =
      kafka::RawReader::connect(reached.connection.client);
  if (!reader) {
    return found;
  }
  const stream::Origin& origin = letter.letter.origin;
  stream::Frame frame;
  (void)(*reader)->read(letter.topic, origin.partition, {origin.offset}, tool::kAnswerMs,
                        [&](std::int64_t, const kafka::RawRecord& record) {
                          found.time = record.appended;
                          if (record.value && stream::read_frame(*record.value, frame) &&
                              origin.index < frame.events.size()) {
                            found.sender = frame.sender;
                            found.time = frame.events[origin.index].header.time;
                            found.subject = frame.events[origin.index].header.subject;
                          }
                        });
  return found;
}

// A case of tests/golden/letters: how the stage's task meets the event, and what becomes of it.
Json case_json(const Letter& letter, const Around& around, const stream::StageSpec& spec,
               std::int32_t partitions) {
  return {{"letter", to_string(letter.id)},      {"stage", spec.name},
          {"partition", letter.id.partition},    {"partitions", partitions},
          {"sender_stage", around.sender.stage}, {"sender_partition", around.sender.partition},
          {"time_ms", around.time.ms},           {"subject", to_string(around.subject)},
          {"expected", letter.reason},           {"bytes", to_hex(letter.letter.bytes)}};
}

Result<Answer> export_letter(const Session& session, const ExportFlags& flags) {
  if (!flags.as_test) {
    return failed(tool::Exit::usage, "usage", "say what it is exported as: --as-test");
  }
  Result<LetterFilter> filter = filter_in(flags.select);
  if (!filter) {
    return Unexpected(filter.error());
  }
  Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  Result<std::vector<Letter>> found = read_letters(*reached, *filter);
  if (!found) {
    return Unexpected(found.error());
  }
  if (found->empty()) {
    return Unexpected(ErrorCode::not_found, "there is no dead letter " + flags.select.ids.front());
  }
  const Letter& letter = found->front();
  if (letter.letter.bytes.size() < letter.letter.bytes_total) {
    return Unexpected(ErrorCode::conflict,
                      "ops.dlq has " + std::to_string(letter.letter.bytes.size()) + " of its " +
                          std::to_string(letter.letter.bytes_total) + " bytes: no case of it");
  }
  const std::vector<stream::StageSpec> specs = stages::all_specs();
  const stream::StageSpec& spec = spec_of(specs, letter.id.stage);
  const Json json = case_json(letter, around(*reached, letter, spec), spec, reached->partitions);
  return Answer{json.dump(), json.dump(2) + "\n"};
}

}  // namespace

void add_dlq_export(CLI::App& dlq, Session& session) {
  const auto flags = std::make_shared<ExportFlags>();
  CLI::App* command = dlq.add_subcommand("export", "A dead letter as a file, on standard output");
  command->add_option("ID", flags->select.ids, "Its id, as intake/3@128.0")
      ->required()
      ->expected(1);
  command->add_flag("--as-test", flags->as_test,
                    "As a case of tests/golden/letters, which the unit tests run from then on");
  command->callback([&session, flags] {
    session.chosen = [&session, flags] { return export_letter(session, *flags); };
  });
}

}  // namespace kpay::ctl
