#include "daemons/ctl/letters.h"

#include <algorithm>
#include <charconv>

#include "core/dead_letter.h"
#include "daemons/ctl/receiver.h"
#include "daemons/tool/sweep.h"
#include "stages/specs.h"
#include "stream/topics.h"

namespace kpay::ctl {

namespace {

Result<std::vector<tool::SweepPart>> parts_of(const tool::Reached& reached,
                                              const std::string& topic) {
  std::vector<tool::SweepPart> parts;
  Result<std::vector<kafka::PartitionRange>> ranges =
      reached.reader->ranges(topic, reached.partitions);
  if (!ranges) {
    return Unexpected(ranges.error());
  }
  for (const kafka::PartitionRange& range : *ranges) {
    parts.push_back({topic, range.partition, range.begin, range.end});
  }
  return parts;
}

Result<std::map<Uuid, std::string>> names_by_id(const tool::Reached& reached) {
  std::vector<std::string> names;
  for (const std::string& name : stream::topics_of(stages::all_specs())) {
    names.push_back(reached.connection.topic(name));
  }
  Result<std::vector<kafka::TopicInfo>> infos =
      reached.reader->admin().describe(names, tool::kAnswerMs);
  if (!infos) {
    return Unexpected(infos.error());
  }
  std::map<Uuid, std::string> by_id;
  for (const kafka::TopicInfo& info : *infos) {
    by_id[info.id] = info.name;
  }
  return by_id;
}

LetterState closed_by(const stream::OperatorRecord& record) {
  if (std::holds_alternative<stream::ReplayLetter>(record.what)) {
    return LetterState::replayed;
  }
  return std::holds_alternative<stream::DiscardLetter>(record.what) ? LetterState::discarded
                                                                    : LetterState::moved;
}

template <class T>
bool read_number(std::string_view text, T& number) {
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  return read.ec == std::errc() && read.ptr == end && number >= 0;
}

}  // namespace

std::string to_string(const LetterId& id) {
  return task_text({id.stage, id.partition}) + "@" + stream::LetterCodec::key_text(id.key);
}

std::optional<LetterId> parse_letter_id(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::size_t at = text.find('@');
  if (slash == std::string_view::npos || at == std::string_view::npos || at < slash) {
    return std::nullopt;
  }
  LetterId id;
  for (const stream::StageSpec& spec : stages::all_specs()) {
    id.stage = spec.name == text.substr(0, slash) ? spec.number : id.stage;
  }
  const std::optional<stream::LetterKey> key =
      stream::LetterCodec::key_from_text(text.substr(at + 1));
  if (id.stage == 0 || !key || !read_number(text.substr(slash + 1, at - slash - 1), id.partition)) {
    return std::nullopt;
  }
  id.key = *key;
  return id;
}

const char* to_string(LetterState state) noexcept {
  switch (state) {
    case LetterState::open: return "open";
    case LetterState::replayed: return "replayed";
    case LetterState::discarded: return "discarded";
    case LetterState::moved: return "moved";
  }
  return "unknown";
}

bool LetterFilter::takes(const Letter& letter) const {
  const std::string task_stage = letter.sender.substr(0, letter.sender.find('/'));
  return (ids.empty() || std::find(ids.begin(), ids.end(), letter.id) != ids.end()) &&
         (cause.empty() || letter.reason == cause) && (stage.empty() || task_stage == stage) &&
         (state.empty() || to_string(letter.state) == state) && (!since || letter.at >= *since) &&
         (!until || letter.at < *until);
}

std::string reason_text(stream::DeadLetterReason reason) {
  const std::string_view own = stream::runtime_reason(reason);
  return std::string(own.empty() ? core::dead_letter_text(reason) : own);
}

std::string task_text(stream::SenderId sender) {
  for (const stream::StageSpec& spec : stages::all_specs()) {
    if (spec.number == sender.stage) {
      return spec.name + "/" + std::to_string(sender.partition);
    }
  }
  return std::to_string(sender.stage) + "/" + std::to_string(sender.partition);
}

bool LetterBook::take(stream::SenderId sender, ByteView payload, Timestamp at,
                      const Uuid& lineage) {
  if (std::optional<stream::DeadLetter> letter = stream::decode_dead_letter(payload)) {
    const stream::Origin& origin = letter->origin;
    const LetterId id{sender.stage, origin.partition, {origin.offset, origin.index}};
    const auto name = names_.find(origin.topic_id);
    Letter made;
    made.id = id;
    made.topic = name == names_.end() ? to_string(origin.topic_id) : name->second;
    made.reason = reason_text(letter->reason);
    made.sender = task_text(sender);
    made.at = at;
    made.lineage = lineage;
    made.letter = std::move(*letter);
    letters_[id] = std::move(made);
    return true;
  }
  std::optional<stream::OperatorAnswer> answer = stream::decode_operator_answer(payload);
  if (!answer) {
    return false;
  }
  const stream::LetterKey* key = letter_of(answer->record);
  const auto found = key == nullptr ? letters_.end()
                                    : letters_.find({sender.stage, answer->record.partition, *key});
  if (found != letters_.end()) {
    Letter& letter = found->second;
    if (answer->verdict == stream::OperatorVerdict::done) {
      letter.state = closed_by(answer->record);
    }
    // What came too late says nothing of the letter.
    if (answer->verdict != stream::OperatorVerdict::not_open) {
      letter.answers.push_back({std::move(*answer), at});
    }
  }
  return true;
}

std::vector<Letter> LetterBook::select(const LetterFilter& filter) {
  std::vector<Letter> chosen;
  for (auto& [id, letter] : letters_) {
    if (filter.takes(letter)) {
      chosen.push_back(std::move(letter));
    }
  }
  std::stable_sort(chosen.begin(), chosen.end(),
                   [](const Letter& a, const Letter& b) { return a.at < b.at; });
  return chosen;
}

Result<std::vector<Letter>> read_letters(const tool::Reached& reached, const LetterFilter& filter) {
  Result<std::map<Uuid, std::string>> names = names_by_id(reached);
  if (!names) {
    return Unexpected(names.error());
  }
  Result<std::vector<tool::SweepPart>> parts =
      parts_of(reached, reached.connection.topic(stream::kDeadLetterTopic));
  if (!parts) {
    return Unexpected(parts.error());
  }
  std::vector<Receiver> receivers(parts->size());
  LetterBook book(std::move(*names));
  stream::Frame frame;
  Result<std::unique_ptr<tool::Sweep>> sweep =
      tool::Sweep::start(reached.connection.client, *parts);
  if (!sweep) {
    return Unexpected(sweep.error());
  }
  Result<void> read = (*sweep)->run([&](std::size_t part, const stream::LogRecord& record) {
    if (stream::read_frame(record.value, frame)) {
      receivers[part].take(frame, [&](const stream::Frame::Item& item) {
        (void)book.take(frame.sender, item.payload, record.appended, frame.lineage);
      });
    }
  });
  if (!read) {
    return Unexpected(read.error());
  }
  return book.select(filter);
}

}  // namespace kpay::ctl
