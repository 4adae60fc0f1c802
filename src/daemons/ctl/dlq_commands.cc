#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "daemons/ctl/cli.h"
#include "daemons/ctl/letters.h"

namespace kpay::ctl {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kBytesPerLine = 16;
constexpr std::size_t kBytesShown = 512;

struct DlqFlags {
  std::size_t limit = 50;
  bool show = false;
};

// "47 45 54  GET": what is printable as it is, a point for all else.
std::string dump(ByteView bytes) {
  std::string text;
  for (std::size_t at = 0; at < std::min(bytes.size(), kBytesShown); at += kBytesPerLine) {
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

std::string place_text(const Letter& letter) {
  const stream::Origin& origin = letter.letter.origin;
  return letter.topic + "/" + std::to_string(origin.partition) + "@" +
         std::to_string(origin.offset) + "." + std::to_string(origin.index);
}

Json to_json(const Letter& letter, bool bytes) {
  const stream::Origin& origin = letter.letter.origin;
  Json json{{"topic", letter.topic},
            {"partition", origin.partition},
            {"offset", origin.offset},
            {"index", origin.index},
            {"reason", letter.reason},
            {"reason_number", letter.letter.reason},
            {"bytes_total", letter.letter.bytes_total},
            {"bytes_hash", to_string(letter.letter.bytes_hash)},
            {"sender", letter.sender},
            {"at_ms", letter.at.ms}};
  if (bytes) {
    json["bytes"] = to_hex(letter.letter.bytes);
  }
  return json;
}

Result<Answer> list(const Session& session, const DlqFlags& flags) {
  Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  Result<Letters> found = read_letters(*reached, flags.limit);
  if (!found) {
    return Unexpected(found.error());
  }
  Json letters = Json::array();
  std::vector<std::string> lines;
  TextTable table({"CAME", "REASON", "ORIGIN", "BYTES", "SENDER"});
  std::string dumps;
  for (const Letter& letter : found->letters) {
    letters.push_back(to_json(letter, flags.show));
    lines.push_back(letters.back().dump());
    table.add({to_rfc3339(letter.at), letter.reason, place_text(letter),
               std::to_string(letter.letter.bytes_total), letter.sender});
    if (flags.show) {
      dumps += place_text(letter) + "\n" + dump(letter.letter.bytes);
    }
  }
  Answer answer{Json{{"total", found->total}, {"letters", std::move(letters)}}.dump(),
                table.text() + dumps};
  answer.lines = std::move(lines);
  if (found->total > found->letters.size()) {
    answer.note = "the newest " + std::to_string(found->letters.size()) + " of " +
                  std::to_string(found->total) + "\n";
  }
  return answer;
}

}  // namespace

void add_dlq(CLI::App& app, Session& session) {
  CLI::App* dlq = app.add_subcommand("dlq", "Look at dead letters");
  dlq->require_subcommand(1);
  const auto flags = std::make_shared<DlqFlags>();
  CLI::App* command = dlq->add_subcommand("list", "The newest dead letters, oldest first");
  command->add_option("--limit", flags->limit, "How many [50]")->check(CLI::Range(1, 100'000));
  add_jsonl(*command, session);
  command->add_flag("--show", flags->show, "With their bytes");
  command->callback(
      [&session, flags] { session.chosen = [&session, flags] { return list(session, *flags); }; });
}

}  // namespace kpay::ctl
