#include "daemons/ctl/senders.h"

#include <charconv>

#include "daemons/ctl/letters.h"
#include "stages/specs.h"
#include "stream/changelog_reader.h"

namespace kpay::ctl {

namespace {

const stream::StageSpec* spec_of(const std::vector<stream::StageSpec>& specs, std::uint16_t stage) {
  for (const stream::StageSpec& spec : specs) {
    if (spec.number == stage) {
      return &spec;
    }
  }
  return nullptr;
}

// The last accepted marker of a task; its number is 0 when there is none.
Result<stream::Marker> read_marker(const tool::Reached& reached, const stream::StageSpec& spec,
                                   std::int32_t partition) {
  const std::string topic = reached.topic(spec.changelog());
  Result<stream::LogBounds> bounds =
      reached.reader->admin().bounds(topic, partition, tool::kAnswerMs);
  if (!bounds) {
    return Unexpected(bounds.error());
  }
  stream::ChangelogReader reader(false);
  Result<void> read = reached.reader->read(topic, {{partition, bounds->begin, bounds->end}},
                                           [&](std::int32_t, const stream::LogRecord& record) {
                                             (void)reader.feed(record.offset, record.value);
                                             return true;
                                           });
  if (!read) {
    return Unexpected(read.error());
  }
  return reader.marker();
}

// What the sender says that it has sent to that partition of the topic.
std::optional<stream::Sequence> sent_to(const stream::StageSpec& sender,
                                        const stream::Marker& marker, const std::string& topic,
                                        std::int32_t partition) {
  for (std::size_t i = 0; i < sender.outputs.size(); ++i) {
    const auto found = marker.registers.outputs.find({static_cast<std::uint16_t>(i), partition});
    if (sender.outputs[i].topic == topic && found != marker.registers.outputs.end()) {
      return found->second;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<stream::SenderId> parse_task(std::string_view text) {
  // A task is named as its letters are, without their place.
  const std::optional<LetterId> id = parse_letter_id(std::string(text) + "@0.0");
  return id ? std::optional(stream::SenderId{id->stage, id->partition}) : std::nullopt;
}

Result<stream::SenderId> task_in(const std::string& text) {
  const std::optional<stream::SenderId> task = parse_task(text);
  if (!task) {
    return Unexpected(ErrorCode::invalid,
                      "\"" + text + "\" is no task: a stage and a partition, as account/3");
  }
  return *task;
}

Result<std::vector<SenderView>> read_senders(const tool::Reached& reached,
                                             const stream::SenderId& task) {
  const std::vector<stream::StageSpec> specs = stages::all_specs();
  const stream::StageSpec& spec = *spec_of(specs, task.stage);
  if (task.partition >= reached.partitions) {
    return Unexpected(ErrorCode::not_found, "there is no task " + task_text(task));
  }
  Result<stream::Marker> marker = read_marker(reached, spec, task.partition);
  if (!marker) {
    return Unexpected(marker.error());
  }
  if (marker->number == 0) {
    return Unexpected(ErrorCode::not_found, task_text(task) + " has no checkpoint yet");
  }
  std::vector<SenderView> views;
  for (const auto& [sender, state] : marker->registers.senders) {
    SenderView view{sender, state};
    if (const stream::StageSpec* of = spec_of(specs, sender.stage)) {
      Result<stream::Marker> own = read_marker(reached, *of, sender.partition);
      if (!own) {
        return Unexpected(own.error());
      }
      view.sent = sent_to(*of, *own, spec.input, task.partition);
    }
    views.push_back(std::move(view));
  }
  return views;
}

std::optional<Hash128> parse_hash(std::string_view text) {
  Hash128 hash;
  const auto read = [](std::string_view digits, std::uint64_t& word) {
    const char* end = digits.data() + digits.size();
    const auto got = std::from_chars(digits.data(), end, word, 16);
    return got.ec == std::errc() && got.ptr == end;
  };
  return text.size() == 32 && read(text.substr(0, 16), hash.high) && read(text.substr(16), hash.low)
             ? std::optional(hash)
             : std::nullopt;
}

}  // namespace kpay::ctl
