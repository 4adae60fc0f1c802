#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>
#include <thread>

#include "daemons/ctl/change.h"
#include "daemons/ctl/dlq.h"
#include "daemons/ctl/letter_check.h"
#include "daemons/ctl/operator_channel.h"
#include "stages/specs.h"

namespace kpay::ctl {

namespace {

using Json = nlohmann::ordered_json;
using Verdict = LetterCheck::Verdict;
using stream::OperatorVerdict;

constexpr const char* kCannotKnow =
    "not known before it is done: whether the id was taken already (then nothing more happens), "
    "and what the account says; a daemon of another build may decide otherwise";

struct CloseFlags {
  LetterFlags select;
  bool all = false;
  bool force = false;
  std::string reason;
  int rate = 100;
  int timeout_s = 60;
};

/// A letter, and what is to be done about it.
struct Item {
  Letter letter;
  LetterCheck check;
  Uuid id;
  kafka::RecordHeaders headers;  ///< those that its client gave it
  bool chosen = false;
};

// The same for every repeat of the same attempt: so it is found out who closed a letter.
Uuid record_id(const Letter& letter, std::string_view verb) {
  Bytes seed = to_bytes(as_bytes(verb));
  ByteWriter out(seed);
  out.raw(letter.letter.origin.topic_id.view());
  out.put(letter.id.stage);
  out.put(letter.id.partition);
  out.put(letter.id.key.offset);
  out.put(letter.id.key.index);
  out.put(std::uint64_t{letter.answers.size()});
  const Hash128 hash = hash128(seed);
  std::array<std::uint8_t, 10> entropy{};
  std::memcpy(entropy.data(), &hash, entropy.size());
  return make_uuid_v7(letter.at, entropy);
}

bool says_which(const CloseFlags& flags) {
  return flags.all || !flags.select.ids.empty() || !flags.select.cause.empty() ||
         !flags.select.stage.empty() || !flags.select.since.empty() || !flags.select.until.empty();
}

// The open ones of those that are meant. Errors: not_found, when an id names none at all.
Result<std::vector<Item>> open_items(const tool::Reached& reached, const CloseFlags& flags,
                                     std::size_t& closed_before) {
  Result<LetterFilter> filter = filter_in(flags.select);
  if (!filter) {
    return Unexpected(filter.error());
  }
  Result<std::vector<Letter>> found = read_letters(reached, *filter);
  if (!found) {
    return Unexpected(found.error());
  }
  for (const LetterId& id : filter->ids) {
    if (std::none_of(found->begin(), found->end(),
                     [&](const Letter& letter) { return letter.id == id; })) {
      return Unexpected(ErrorCode::not_found, "there is no dead letter " + to_string(id));
    }
  }
  std::vector<Item> items;
  const Timestamp now = wall_clock_now();
  for (Letter& letter : *found) {
    if (letter.state != LetterState::open) {
      ++closed_before;
      continue;
    }
    Item item;
    item.check = check_letter(letter, reached.partitions, now);
    item.letter = std::move(letter);
    items.push_back(std::move(item));
  }
  return items;
}

const char* word(Verdict verdict) {
  switch (verdict) {
    case Verdict::passes: return "passes";
    case Verdict::moves: return "moves";
    case Verdict::refused: return "refused";
    case Verdict::fails: return "fails";
  }
  return "unknown";
}

Answer dry_replay(const std::vector<Item>& items, std::size_t closed_before) {
  std::map<std::string, std::size_t> why;
  std::size_t pass = 0;
  Json list = Json::array();
  Answer answer;
  for (const Item& item : items) {
    const bool passes =
        item.check.verdict == Verdict::passes || item.check.verdict == Verdict::moves;
    pass += passes ? 1 : 0;
    Json each{{"id", to_string(item.letter.id)}, {"verdict", word(item.check.verdict)}};
    if (item.check.verdict == Verdict::moves) {
      each["to_partition"] = item.check.partition;
    }
    if (!passes) {
      each["why"] = item.check.why;
      ++why[std::string(item.check.verdict == Verdict::refused ? "refused: " : "") +
            item.check.why];
    }
    answer.lines.push_back(each.dump());
    list.push_back(std::move(each));
  }
  const std::size_t fail = items.size() - pass;
  answer.json = Json{{"dry_run", true},    {"changed", pass > 0},
                     {"would_pass", pass}, {"would_fail", fail},
                     {"why", why},         {"closed_before", closed_before},
                     {"letters", list},    {"cannot_know", kCannotKnow}}
                    .dump();
  answer.text = std::to_string(pass) + " would pass, " + std::to_string(fail) + " still fail";
  const char* between = ": ";
  for (const auto& [reason, count] : why) {
    answer.text += between + std::to_string(count) + " " + reason;
    between = ", ";
  }
  answer.text += "\n";
  answer.note = std::string(kCannotKnow) + "\n";
  return answer;
}

// What clients put around the records that are sent again.
Result<void> fetch_headers(const tool::Reached& reached, std::vector<Item>& items) {
  std::map<std::pair<std::string, std::int32_t>, std::map<std::int64_t, Item*>> wanted;
  for (Item& item : items) {
    if (item.chosen && item.letter.id.stage == stages::kIntake) {
      wanted[{item.letter.topic, item.letter.id.partition}][item.letter.id.key.offset] = &item;
    }
  }
  if (wanted.empty()) {
    return {};
  }
  Result<std::unique_ptr<kafka::RawReader>> reader =
      kafka::RawReader::connect(reached.connection.client);
  if (!reader) {
    return Unexpected(reader.error());
  }
  for (auto& [place, by_offset] : wanted) {
    std::vector<std::int64_t> offsets;
    for (const auto& [offset, item] : by_offset) {
      offsets.push_back(offset);
    }
    Result<void> read =
        (*reader)->read(place.first, place.second, offsets, tool::kAnswerMs,
                        [&, &found = by_offset](std::int64_t offset, kafka::RawRecord record) {
                          found[offset]->headers = std::move(record.headers);
                        });
    if (!read) {
      return read;
    }
  }
  return {};
}

// Of a letter that moves, first its bytes to where they belong; BEFORE that is acknowledged the
// letter isn't closed, so that whoever is killed in between leaves something to repeat.
Result<void> send_one(OperatorChannel& channel, const Item& item, const CloseFlags& flags,
                      bool discards) {
  const Letter& letter = item.letter;
  stream::OperatorRecord record =
      channel.record_for(letter.id.stage, letter.id.partition, item.id, flags.reason);
  const Hash128& hash = letter.letter.bytes_hash;
  kafka::RecordHeaders headers = item.headers;
  if (discards) {
    record.what = stream::DiscardLetter{letter.id.key, hash};
    headers.clear();
  } else if (item.check.verdict == Verdict::moves) {
    Result<void> sent = channel.send_client_record(item.check.partition, item.check.key,
                                                   letter.letter.bytes, item.headers);
    if (!sent) {
      return sent;
    }
    record.what = stream::MovedLetter{letter.id.key, hash, item.check.partition};
    headers.clear();
  } else {
    record.what = stream::ReplayLetter{letter.id.key, letter.letter.bytes};
  }
  return channel.send(record, letter.id.partition, headers);
}

Result<void> send_all(OperatorChannel& channel, const std::vector<Item>& items,
                      const CloseFlags& flags, bool discards) {
  const auto begin = std::chrono::steady_clock::now();
  std::int64_t sent = 0;
  for (const Item& item : items) {
    if (!item.chosen) {
      continue;
    }
    std::this_thread::sleep_until(begin + std::chrono::microseconds(1'000'000 * sent / flags.rate));
    if (Result<void> done = send_one(channel, item, flags, discards); !done) {
      return done;
    }
    ++sent;
  }
  return channel.flush();
}

struct Counts {
  std::map<std::string, std::size_t> by;  ///< what became of how many
  std::size_t unanswered = 0;
};

std::string became(const Item& item, const stream::OperatorAnswer& answer) {
  switch (answer.verdict) {
    case OperatorVerdict::done:
      if (std::holds_alternative<stream::DiscardLetter>(answer.record.what)) {
        return "discarded";
      }
      return item.check.verdict == Verdict::moves ? "moved" : "replayed";
    case OperatorVerdict::failed_again: return "failed_again";
    case OperatorVerdict::not_open: return "closed_meanwhile";
    default: return std::string(to_string(answer.verdict));
  }
}

Answer closed_answer(const std::vector<Item>& items, const OperatorChannel& channel,
                     std::size_t closed_before) {
  Counts counts;
  std::size_t skipped = 0;
  bool failed = false;
  Answer answer;
  Json list = Json::array();
  for (const Item& item : items) {
    Json each{{"id", to_string(item.letter.id)}};
    const auto found = channel.answers().find(item.id);
    if (!item.chosen) {
      ++skipped;
      each["became"] = "not_sent";
      each["why"] = item.check.why;
    } else if (found == channel.answers().end()) {
      ++counts.unanswered;
      each["became"] = "unanswered";
    } else {
      const std::string what = became(item, found->second);
      ++counts.by[what];
      each["became"] = what;
      each["record_id"] = to_string(item.id);
      if (found->second.verdict == OperatorVerdict::failed_again) {
        each["why"] = reason_text(found->second.reason);
      }
      failed = failed || (found->second.verdict != OperatorVerdict::done &&
                          found->second.verdict != OperatorVerdict::not_open);
    }
    answer.lines.push_back(each.dump());
    list.push_back(std::move(each));
  }
  Json json{{"changed", !counts.by.empty()}};
  for (const auto& [what, count] : counts.by) {
    json[what] = count;
    answer.text += (answer.text.empty() ? "" : ", ") + what + " " + std::to_string(count);
  }
  json["not_sent"] = skipped;
  json["unanswered"] = counts.unanswered;
  json["closed_before"] = closed_before;
  json["letters"] = std::move(list);
  answer.json = json.dump();
  answer.text += (answer.text.empty() ? "nothing was sent" : "") + std::string("; not sent ") +
                 std::to_string(skipped) + ", closed before " + std::to_string(closed_before) +
                 "\n";
  if (skipped > 0) {
    answer.note += "what would fail was not sent (--dry-run says why, --force sends it)\n";
  }
  if (counts.by.contains("not_signed")) {
    answer.note += kNotSigned;
  }
  if (counts.unanswered > 0) {
    answer.note += std::to_string(counts.unanswered) +
                   " were sent and not answered in time: repeat the command, each has one effect\n";
  }
  answer.exit = counts.unanswered > 0   ? tool::Exit::timed_out
                : failed || skipped > 0 ? tool::Exit::partial
                                        : tool::Exit::ok;
  return answer;
}

Result<Answer> carry_out(const Session& session, const tool::Reached& reached,
                         const CloseFlags& flags, std::vector<Item>& items,
                         std::size_t closed_before, bool discards) {
  Result<void> headers = discards ? Result<void>() : fetch_headers(reached, items);
  if (!headers) {
    return Unexpected(headers.error());
  }
  Result<std::unique_ptr<OperatorChannel>> channel =
      OperatorChannel::open(reached, session.signing);
  if (!channel) {
    return Unexpected(channel.error());
  }
  for (Item& item : items) {
    item.id = record_id(item.letter, discards ? "discard" : "replay");
  }
  if (Result<void> sent = send_all(**channel, items, flags, discards); !sent) {
    return Unexpected(sent.error());
  }
  if (std::optional<Answer> proposed = (*channel)->proposed()) {
    return *proposed;
  }
  if (Result<bool> ended = (*channel)->wait(flags.timeout_s * 1000); !ended) {
    return Unexpected(ended.error());
  }
  return closed_answer(items, **channel, closed_before);
}

Result<Answer> replay(const Session& session, const CloseFlags& flags) {
  Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  std::size_t closed_before = 0;
  Result<std::vector<Item>> items = open_items(*reached, flags, closed_before);
  if (!items) {
    return Unexpected(items.error());
  }
  if (session.dry_run) {
    return dry_replay(*items, closed_before);
  }
  std::size_t chosen = 0;
  for (Item& item : *items) {
    const bool whole = item.letter.letter.bytes.size() == item.letter.letter.bytes_total;
    item.chosen = item.check.verdict == Verdict::passes || item.check.verdict == Verdict::moves ||
                  (flags.force && whole);
    chosen += item.chosen ? 1 : 0;
  }
  if (chosen > 0) {
    if (std::optional<Answer> stop =
            ask(session, reached->connection,
                "replay " + std::to_string(chosen) + " dead letters: payments may follow")) {
      return *stop;
    }
  }
  return carry_out(session, *reached, flags, *items, closed_before, false);
}

Answer dry_discard(const std::vector<Item>& items, std::size_t closed_before) {
  Answer answer;
  Json list = Json::array();
  for (const Item& item : items) {
    list.push_back(to_string(item.letter.id));
    answer.lines.push_back(letter_json(item.letter));
    answer.text += to_string(item.letter.id) + " " + item.letter.reason + "\n";
  }
  answer.json = Json{
      {"dry_run", true},
      {"changed", !items.empty()},
      {"would_discard", items.size()},
      {"closed_before", closed_before},
      {"letters",
       list}}.dump();
  answer.text += std::to_string(items.size()) + " would be discarded\n";
  return answer;
}

Result<Answer> discard(const Session& session, const CloseFlags& flags) {
  Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  std::size_t closed_before = 0;
  Result<std::vector<Item>> items = open_items(*reached, flags, closed_before);
  if (!items) {
    return Unexpected(items.error());
  }
  if (session.dry_run) {
    return dry_discard(*items, closed_before);
  }
  for (Item& item : *items) {
    item.chosen = true;
  }
  if (!items->empty()) {
    const std::string count = std::to_string(items->size());
    if (std::optional<Answer> stop =
            ask_typed(session, reached->connection,
                      "discard " + count + " dead letters for good: nothing will come of them",
                      "discard " + count)) {
      return *stop;
    }
  }
  return carry_out(session, *reached, flags, *items, closed_before, true);
}

using Flags = std::shared_ptr<CloseFlags>;

void add_common(CLI::App& command, Session& session, const Flags& flags,
                Result<Answer> (*what)(const Session&, const CloseFlags&)) {
  command.add_option("ID", flags->select.ids, "Which, as intake/3@128.0");
  add_letter_options(command, flags->select);
  command.add_flag("--all", flags->all, "Every one that is open");
  command.add_option("--reason", flags->reason, "Why; everybody can read it");
  command.add_option("--rate", flags->rate, "At most so many a second [100]")
      ->check(CLI::Range(1, 100'000));
  command.add_option("--timeout", flags->timeout_s, "Seconds to wait for the tasks' answers [60]")
      ->check(CLI::Range(1, 86'400));
  add_danger_options(command, session);
  add_signing_options(command, session);
  add_jsonl(command, session);
  command.callback([&session, flags, what, name = command.get_name()] {
    if (!says_which(*flags)) {
      throw CLI::ValidationError("dlq " + name,
                                 "say which: ids, --cause, --stage, --since, --until or --all");
    }
    if (!session.dry_run && flags->reason.empty()) {
      throw CLI::ValidationError("dlq " + name, "--reason is required");
    }
    session.chosen = [&session, flags, what] { return what(session, *flags); };
  });
}

}  // namespace

void add_dlq_replay(CLI::App& dlq, Session& session) {
  const auto flags = std::make_shared<CloseFlags>();
  CLI::App* command = dlq.add_subcommand("replay", "Apply open dead letters again, each once");
  command->add_flag("--force", flags->force, "Also what would fail by this build's rules");
  add_common(*command, session, flags, replay);
}

void add_dlq_discard(CLI::App& dlq, Session& session) {
  const auto flags = std::make_shared<CloseFlags>();
  CLI::App* command = dlq.add_subcommand("discard", "Close open dead letters for good");
  add_common(*command, session, flags, discard);
}

}  // namespace kpay::ctl
