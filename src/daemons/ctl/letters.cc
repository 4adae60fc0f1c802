#include "daemons/ctl/letters.h"

#include <algorithm>
#include <deque>

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

std::string task_text(stream::SenderId sender) {
  for (const stream::StageSpec& spec : stages::all_specs()) {
    if (spec.number == sender.stage) {
      return spec.name + "/" + std::to_string(sender.partition);
    }
  }
  return std::to_string(sender.stage) + "/" + std::to_string(sender.partition);
}

}  // namespace

std::string reason_text(stream::DeadLetterReason reason) {
  const std::string_view own = stream::runtime_reason(reason);
  return std::string(own.empty() ? core::dead_letter_text(reason) : own);
}

Result<Letters> read_letters(const tool::Reached& reached, std::size_t limit) {
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
  std::vector<std::deque<Letter>> found(parts->size());
  Letters result;
  stream::Frame frame;
  Result<std::unique_ptr<tool::Sweep>> sweep =
      tool::Sweep::start(reached.connection.client, *parts);
  if (!sweep) {
    return Unexpected(sweep.error());
  }
  Result<void> read = (*sweep)->run([&](std::size_t part, const stream::LogRecord& record) {
    if (!stream::read_frame(record.value, frame)) {
      return;
    }
    receivers[part].take(frame, [&](const stream::Frame::Item& item) {
      std::optional<stream::DeadLetter> letter = stream::decode_dead_letter(item.payload);
      if (!letter) {
        return;
      }
      ++result.total;
      const auto name = names->find(letter->origin.topic_id);
      const std::string topic =
          name == names->end() ? to_string(letter->origin.topic_id) : name->second;
      const std::string reason = reason_text(letter->reason);
      found[part].push_back(
          {std::move(*letter), topic, reason, task_text(frame.sender), record.appended});
      if (found[part].size() > limit) {
        found[part].pop_front();
      }
    });
  });
  if (!read) {
    return Unexpected(read.error());
  }
  for (std::deque<Letter>& each : found) {
    std::move(each.begin(), each.end(), std::back_inserter(result.letters));
  }
  std::stable_sort(result.letters.begin(), result.letters.end(),
                   [](const Letter& a, const Letter& b) { return a.at < b.at; });
  if (result.letters.size() > limit) {
    result.letters.erase(result.letters.begin(),
                         result.letters.end() - static_cast<std::ptrdiff_t>(limit));
  }
  return result;
}

}  // namespace kpay::ctl
