#include "daemons/ctl/letter_close.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/hash.h"
#include "stages/specs.h"

namespace kpay::ctl {

namespace {

using Json = nlohmann::ordered_json;
using Verdict = LetterCheck::Verdict;
using stream::OperatorVerdict;

constexpr const char* kCannotKnow =
    "not known before it is done: whether the id was taken already (then nothing more happens), "
    "and what the account says; a daemon of another build may decide otherwise";

bool would_pass(const LetterItem& item) {
  return item.check.verdict == Verdict::passes || item.check.verdict == Verdict::moves;
}

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

// What clients put around the records that are sent again.
Result<void> fetch_headers(const tool::Reached& reached, std::vector<LetterItem>& items) {
  std::map<std::pair<std::string, std::int32_t>, std::map<std::int64_t, LetterItem*>> wanted;
  for (LetterItem& item : items) {
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
Result<void> send_one(OperatorChannel& channel, const LetterItem& item,
                      const CloseOptions& options) {
  const Letter& letter = item.letter;
  stream::OperatorRecord record =
      channel.record_for(letter.id.stage, letter.id.partition, item.id, options.reason);
  const Hash128& hash = letter.letter.bytes_hash;
  kafka::RecordHeaders headers = item.headers;
  if (options.discards) {
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

Result<void> send_all(OperatorChannel& channel, const std::vector<LetterItem>& items,
                      const CloseOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  std::int64_t sent = 0;
  for (const LetterItem& item : items) {
    if (!item.chosen) {
      continue;
    }
    std::this_thread::sleep_until(begin +
                                  std::chrono::microseconds(1'000'000 * sent / options.rate_max));
    if (Result<void> done = send_one(channel, item, options); !done) {
      return done;
    }
    ++sent;
  }
  return channel.flush();
}

std::string became(const LetterItem& item, const stream::OperatorAnswer& answer) {
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

Closing closing_of(const OpenLetters& letters, const OperatorChannel& channel) {
  Closing closing;
  std::size_t skipped = 0;
  bool changed = false;
  bool failed = false;
  Answer& answer = closing.answer;
  Json list = Json::array();
  for (const LetterItem& item : letters.items) {
    Json each{{"id", to_string(item.letter.id)}};
    const auto found = channel.answers().find(item.id);
    if (!item.chosen) {
      ++skipped;
      each["became"] = "not_sent";
      each["why"] = item.check.why;
    } else if (found == channel.answers().end()) {
      ++closing.unanswered;
      each["became"] = "unanswered";
    } else {
      const std::string what = became(item, found->second);
      ++closing.became[what];
      each["became"] = what;
      each["record_id"] = to_string(item.id);
      if (found->second.verdict == OperatorVerdict::failed_again) {
        each["why"] = reason_text(found->second.reason);
      }
      changed = changed || found->second.verdict == OperatorVerdict::done;
      failed = failed || (found->second.verdict != OperatorVerdict::done &&
                          found->second.verdict != OperatorVerdict::not_open);
    }
    answer.lines.push_back(each.dump());
    list.push_back(std::move(each));
  }
  Json json{{"changed", changed}};
  for (const auto& [what, count] : closing.became) {
    json[what] = count;
    answer.text += (answer.text.empty() ? "" : ", ") + what + " " + std::to_string(count);
  }
  json["not_sent"] = skipped;
  json["unanswered"] = closing.unanswered;
  json["closed_before"] = letters.closed_before;
  json["letters"] = std::move(list);
  answer.json = json.dump();
  answer.text += (answer.text.empty() ? "nothing was sent" : "") + std::string("; not sent ") +
                 std::to_string(skipped) + ", closed before " +
                 std::to_string(letters.closed_before) + "\n";
  if (skipped > 0) {
    answer.note += "what would fail was not sent (--dry-run says why, --force sends it)\n";
  }
  if (closing.became.contains("not_signed")) {
    answer.note += kNotSigned;
  }
  if (closing.unanswered > 0) {
    answer.note += std::to_string(closing.unanswered) +
                   " were sent and not answered in time: repeat the command, each has one effect\n";
  }
  answer.exit = closing.unanswered > 0  ? tool::Exit::timed_out
                : failed || skipped > 0 ? tool::Exit::partial
                                        : tool::Exit::ok;
  return closing;
}

}  // namespace

OpenLetters check_open(std::vector<Letter> letters, std::int32_t partitions, Timestamp now) {
  OpenLetters open;
  for (Letter& letter : letters) {
    if (letter.state != LetterState::open) {
      ++open.closed_before;
      continue;
    }
    LetterItem item;
    item.check = check_letter(letter, partitions, now);
    item.letter = std::move(letter);
    open.items.push_back(std::move(item));
  }
  return open;
}

Result<OpenLetters> open_letters(const tool::Reached& reached, const LetterFilter& filter) {
  Result<std::vector<Letter>> found = read_letters(reached, filter);
  if (!found) {
    return Unexpected(found.error());
  }
  for (const LetterId& id : filter.ids) {
    if (std::none_of(found->begin(), found->end(),
                     [&](const Letter& letter) { return letter.id == id; })) {
      return Unexpected(ErrorCode::not_found, "there is no dead letter " + to_string(id));
    }
  }
  return check_open(std::move(*found), reached.partitions, wall_clock_now());
}

const char* to_string(LetterCheck::Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::passes: return "passes";
    case Verdict::moves: return "moves";
    case Verdict::refused: return "refused";
    case Verdict::fails: return "fails";
  }
  return "unknown";
}

Answer dry_replay(const OpenLetters& letters) {
  std::map<std::string, std::size_t> why;
  std::size_t pass = 0;
  Json list = Json::array();
  Answer answer;
  for (const LetterItem& item : letters.items) {
    const bool passes = would_pass(item);
    pass += passes ? 1 : 0;
    Json each{{"id", to_string(item.letter.id)}, {"verdict", to_string(item.check.verdict)}};
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
  const std::size_t fail = letters.items.size() - pass;
  answer.json = Json{{"dry_run", true},    {"changed", pass > 0},
                     {"would_pass", pass}, {"would_fail", fail},
                     {"why", why},         {"closed_before", letters.closed_before},
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

std::size_t choose_for_replay(OpenLetters& letters, bool force) {
  std::size_t chosen = 0;
  for (LetterItem& item : letters.items) {
    const bool whole = item.letter.letter.bytes.size() == item.letter.letter.bytes_total;
    item.chosen = would_pass(item) || (force && whole);
    chosen += item.chosen ? 1 : 0;
  }
  return chosen;
}

Result<Closing> close_letters(const tool::Reached& reached, ChannelOptions channel,
                              OpenLetters& letters, const CloseOptions& options) {
  Result<void> headers = options.discards ? Result<void>() : fetch_headers(reached, letters.items);
  if (!headers) {
    return Unexpected(headers.error());
  }
  Result<std::unique_ptr<OperatorChannel>> opened =
      OperatorChannel::open(reached, std::move(channel));
  if (!opened) {
    return Unexpected(opened.error());
  }
  for (LetterItem& item : letters.items) {
    item.id = record_id(item.letter, options.discards ? "discard" : "replay");
  }
  if (Result<void> sent = send_all(**opened, letters.items, options); !sent) {
    return Unexpected(sent.error());
  }
  if (std::optional<Answer> proposed = (*opened)->proposed()) {
    return Closing{std::move(*proposed), {}, 0};
  }
  if (Result<bool> ended = (*opened)->wait(options.timeout_ms); !ended) {
    return Unexpected(ended.error());
  }
  return closing_of(letters, **opened);
}

}  // namespace kpay::ctl
