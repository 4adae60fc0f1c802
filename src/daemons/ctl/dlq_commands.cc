#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "daemons/ctl/dlq.h"
#include "daemons/ctl/dlq_export.h"
#include "daemons/ctl/letter_check.h"
#include "daemons/tool/duration.h"
#include "kafka/raw_record.h"

namespace kpay::ctl {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kBytesPerLine = 16;
constexpr std::size_t kBytesShown = 512;

struct DlqFlags {
  LetterFlags select;
  std::size_t limit = 50;
  bool show = false;
};

// "47 45 54  GET": what is printable as it is, a point for all else.
std::string dump(ByteView bytes, std::size_t most) {
  std::string text;
  for (std::size_t at = 0; at < std::min(bytes.size(), most); at += kBytesPerLine) {
    const ByteView line = bytes.subspan(at, std::min(kBytesPerLine, bytes.size() - at));
    std::string plain;
    text += "    ";
    for (const std::byte byte : line) {
      const auto c = static_cast<unsigned char>(byte);
      text += to_hex(ByteView(&byte, 1)) + " ";
      plain += c >= 0x20 && c < 0x7f ? static_cast<char>(c) : '.';
    }
    text += std::string((kBytesPerLine - line.size()) * 3 + 1, ' ') + plain + "\n";
  }
  return text;
}

Json origin_json(const stream::Origin& origin) {
  return {{"topic_id", to_string(origin.topic_id)},
          {"partition", origin.partition},
          {"offset", origin.offset},
          {"index", origin.index}};
}

Json to_json(const LetterAnswer& answer) {
  const stream::OperatorRecord& record = answer.answer.record;
  Json json{{"asked", verb_of(record)},
            {"verdict", to_string(answer.answer.verdict)},
            {"record_id", to_string(record.id)},
            {"author", record.author},
            {"reason", record.reason},
            {"at", origin_json(answer.answer.at)},
            {"at_ms", answer.at.ms}};
  if (answer.answer.verdict == stream::OperatorVerdict::failed_again) {
    json["failed"] = reason_text(answer.answer.reason);
  }
  if (const auto* moved = std::get_if<stream::MovedLetter>(&record.what)) {
    json["moved_to_partition"] = moved->partition;
  }
  return json;
}

// For a terminal: no control characters of somebody else's.
std::string printable(std::string text) {
  std::replace_if(
      text.begin(), text.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '.');
  return text;
}

std::string answer_text(const LetterAnswer& answer) {
  const stream::OperatorRecord& record = answer.answer.record;
  std::string text = to_rfc3339(answer.at) + " " + std::string(verb_of(record)) + " " +
                     std::string(to_string(answer.answer.verdict));
  if (answer.answer.verdict == stream::OperatorVerdict::failed_again) {
    text += " (" + reason_text(answer.answer.reason) + ")";
  }
  if (const auto* moved = std::get_if<stream::MovedLetter>(&record.what)) {
    text += " to partition " + std::to_string(moved->partition);
  }
  return text + ", by " + printable(record.author + ": " + record.reason) + " (record " +
         to_string(record.id) + ", at offset " + std::to_string(answer.answer.at.offset) + ")";
}

// Texts come from anybody: what is not UTF-8 must not end the answer.
std::string dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<std::vector<Letter>> find(const Session& session, const LetterFlags& flags) {
  Result<LetterFilter> filter = filter_in(flags);
  if (!filter) {
    return Unexpected(filter.error());
  }
  Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  return read_letters(*reached, *filter);
}

Result<Answer> list(const Session& session, const DlqFlags& flags) {
  Result<std::vector<Letter>> found = find(session, flags.select);
  if (!found) {
    return Unexpected(found.error());
  }
  const std::size_t total = found->size();
  if (total > flags.limit) {
    found->erase(found->begin(), found->end() - static_cast<std::ptrdiff_t>(flags.limit));
  }
  Json letters = Json::array();
  std::vector<std::string> lines;
  TextTable table({"CAME", "ID", "REASON", "STATE", "BYTES"});
  std::string dumps;
  for (const Letter& letter : *found) {
    letters.push_back(Json::parse(letter_json(letter)));
    if (flags.show) {
      letters.back()["bytes"] = to_hex(letter.letter.bytes);
      dumps += to_string(letter.id) + "\n" + dump(letter.letter.bytes, kBytesShown);
    }
    lines.push_back(dumped(letters.back()));
    table.add({to_rfc3339(letter.at), to_string(letter.id), letter.reason, to_string(letter.state),
               std::to_string(letter.letter.bytes_total)});
  }
  Answer answer{dumped(Json{{"total", total}, {"letters", std::move(letters)}}),
                table.text() + dumps};
  answer.lines = std::move(lines);
  if (total > found->size()) {
    answer.note =
        "the newest " + std::to_string(found->size()) + " of " + std::to_string(total) + "\n";
  }
  return answer;
}

// By stage and cause: how many, and in which state.
struct Cause {
  std::size_t counts[4] = {};
  Timestamp first;
  Timestamp last;
};

Result<Answer> stats(const Session& session, const DlqFlags& flags) {
  Result<std::vector<Letter>> found = find(session, flags.select);
  if (!found) {
    return Unexpected(found.error());
  }
  std::map<std::pair<std::string, std::string>, Cause> causes;
  for (const Letter& letter : *found) {
    Cause& cause = causes[{letter.sender.substr(0, letter.sender.find('/')), letter.reason}];
    ++cause.counts[static_cast<std::size_t>(letter.state)];
    cause.first = cause.first.ms == 0 ? letter.at : std::min(cause.first, letter.at);
    cause.last = std::max(cause.last, letter.at);
  }
  Json list = Json::array();
  std::size_t open = 0;
  std::vector<std::string> lines;
  TextTable table({"STAGE", "CAUSE", "OPEN", "REPLAYED", "MOVED", "DISCARDED", "FIRST", "LAST"});
  for (const auto& [name, cause] : causes) {
    const auto count = [&counts = cause.counts](LetterState state) {
      return counts[static_cast<std::size_t>(state)];
    };
    open += count(LetterState::open);
    list.push_back({{"stage", name.first},
                    {"cause", name.second},
                    {"open", count(LetterState::open)},
                    {"replayed", count(LetterState::replayed)},
                    {"moved", count(LetterState::moved)},
                    {"discarded", count(LetterState::discarded)},
                    {"first_ms", cause.first.ms},
                    {"last_ms", cause.last.ms}});
    lines.push_back(dumped(list.back()));
    table.add({name.first, name.second, std::to_string(count(LetterState::open)),
               std::to_string(count(LetterState::replayed)),
               std::to_string(count(LetterState::moved)),
               std::to_string(count(LetterState::discarded)), to_rfc3339(cause.first),
               to_rfc3339(cause.last)});
  }
  Answer answer{dumped(Json{{"total", found->size()}, {"open", open}, {"causes", std::move(list)}}),
                table.text()};
  answer.lines = std::move(lines);
  return answer;
}

// The record that the letter came from, with what clients put around it; null when it is trimmed.
Json record_json(const tool::Reached& reached, const Letter& letter) {
  Json json;
  Result<std::unique_ptr<kafka::RawReader>> reader =
      kafka::RawReader::connect(reached.connection.client);
  const stream::Origin& origin = letter.letter.origin;
  if (reader) {
    (void)(*reader)->read(
        letter.topic, origin.partition, {origin.offset}, tool::kAnswerMs,
        [&](std::int64_t, const kafka::RawRecord& record) {
          Json headers = Json::array();
          for (const auto& [name, value] : record.headers) {
            headers.push_back({{"name", name}, {"value", value ? Json(to_hex(*value)) : Json()}});
          }
          json = {{"appended_ms", record.appended.ms},
                  {"key", record.key ? Json(to_hex(*record.key)) : Json()},
                  {"value_bytes", record.value ? record.value->size() : 0},
                  {"headers", std::move(headers)}};
        });
  }
  return json;
}

std::string header_lines(const Json& record) {
  if (record.is_null()) {
    return "  record      not in the topic any more\n";
  }
  std::string text =
      "  key         " + (record["key"].is_null() ? "-" : record["key"].get<std::string>()) + "\n";
  for (const Json& header : record["headers"]) {
    text += "  header      " + printable(header["name"].get<std::string>()) + ": " +
            (header["value"].is_null() ? "-" : header["value"].get<std::string>()) + "\n";
  }
  return text;
}

std::string letter_text(const Letter& letter, const Json& record, const Json& decoded) {
  const stream::Origin& origin = letter.letter.origin;
  std::string text = to_string(letter.id) + "\n";
  text += "  state       " + std::string(to_string(letter.state)) + "\n";
  text += "  reason      " + letter.reason + " (" + std::to_string(letter.letter.reason) + ")\n";
  text += "  came        " + to_rfc3339(letter.at) + "\n";
  text += "  origin      " + letter.topic + "/" + std::to_string(origin.partition) + " offset " +
          std::to_string(origin.offset) + " index " + std::to_string(origin.index) + "\n";
  text += header_lines(record);
  text += "  bytes       " + std::to_string(letter.letter.bytes_total) + ", hash " +
          to_string(letter.letter.bytes_hash) + "\n";
  text += "  decoded     " + (decoded.is_null() ? "no: this build can't either" : dumped(decoded)) +
          "\n";
  for (const LetterAnswer& answer : letter.answers) {
    text += "  operator    " + answer_text(answer) + "\n";
  }
  return text + dump(letter.letter.bytes, letter.letter.bytes.size());
}

Result<Answer> show(const Session& session, const DlqFlags& flags) {
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
  const Json record = record_json(*reached, letter);
  const Json decoded = Json::parse(decoded_json(letter));
  Json json = Json::parse(letter_json(letter));
  json["record"] = record;
  json["decoded"] = decoded;
  json["bytes"] = to_hex(letter.letter.bytes);
  json["operators"] = Json::array();
  for (const LetterAnswer& answer : letter.answers) {
    json["operators"].push_back(to_json(answer));
  }
  return Answer{dumped(json), letter_text(letter, record, decoded)};
}

}  // namespace

std::string letter_json(const Letter& letter) {
  const stream::Origin& origin = letter.letter.origin;
  return Json{{"id", to_string(letter.id)},
              {"state", to_string(letter.state)},
              {"topic", letter.topic},
              {"partition", origin.partition},
              {"offset", origin.offset},
              {"index", origin.index},
              {"reason", letter.reason},
              {"reason_number", letter.letter.reason},
              {"bytes_total", letter.letter.bytes_total},
              {"bytes_hash", to_string(letter.letter.bytes_hash)},
              {"sender", letter.sender},
              {"at_ms", letter.at.ms}}
      .dump();
}

void add_letter_options(CLI::App& command, LetterFlags& flags) {
  command.add_option("--cause", flags.cause, "Of this reason, as undecodable");
  command.add_option("--stage", flags.stage, "Of this stage, as intake");
  command.add_option("--since", flags.since, "That came at this time or later, or in the last 2h");
  command.add_option("--until", flags.until, "That came before this time, or more than 2h ago");
}

Result<LetterFilter> filter_in(const LetterFlags& flags) {
  LetterFilter filter;
  for (const std::string& text : flags.ids) {
    const std::optional<LetterId> id = parse_letter_id(text);
    if (!id) {
      return Unexpected(ErrorCode::invalid, "\"" + text +
                                                "\" is no dead letter's id: as intake/3@128.0, "
                                                "from `kpayctl dlq list`");
    }
    filter.ids.push_back(*id);
  }
  filter.cause = flags.cause;
  filter.stage = flags.stage;
  filter.state = flags.state;
  const Timestamp now = wall_clock_now();
  for (const auto& [text, time] :
       {std::pair{&flags.since, &filter.since}, {&flags.until, &filter.until}}) {
    if (text->empty()) {
      continue;
    }
    Result<Timestamp> read = tool::time_point(*text, now);
    if (!read) {
      return Unexpected(read.error());
    }
    *time = *read;
  }
  return filter;
}

void add_dlq(CLI::App& app, Session& session) {
  CLI::App* dlq = app.add_subcommand("dlq", "Dead letters: list, show, replay, discard");
  dlq->require_subcommand(1);
  const auto flags = std::make_shared<DlqFlags>();
  CLI::App* command = dlq->add_subcommand("list", "The newest dead letters, oldest first");
  command->add_option("--limit", flags->limit, "How many [50]")->check(CLI::Range(1, 100'000));
  command->add_option("--state", flags->select.state, "open, replayed, moved or discarded")
      ->check(CLI::IsMember({"open", "replayed", "moved", "discarded"}));
  add_letter_options(*command, flags->select);
  add_jsonl(*command, session);
  command->add_flag("--show", flags->show, "With their bytes");
  command->callback(
      [&session, flags] { session.chosen = [&session, flags] { return list(session, *flags); }; });
  CLI::App* sums = dlq->add_subcommand("stats", "How many of each cause, and in which state");
  add_letter_options(*sums, flags->select);
  add_jsonl(*sums, session);
  sums->callback(
      [&session, flags] { session.chosen = [&session, flags] { return stats(session, *flags); }; });
  CLI::App* one = dlq->add_subcommand("show", "One dead letter: bytes, headers, what was done");
  one->add_option("ID", flags->select.ids, "Its id, as intake/3@128.0")->required()->expected(1);
  one->callback(
      [&session, flags] { session.chosen = [&session, flags] { return show(session, *flags); }; });
  add_dlq_export(*dlq, session);
  add_dlq_replay(*dlq, session);
  add_dlq_discard(*dlq, session);
}

}  // namespace kpay::ctl
