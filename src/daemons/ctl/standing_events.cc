#include "daemons/ctl/standing_events.h"

#include <algorithm>
#include <memory>

#include "daemons/ctl/receiver.h"
#include "daemons/tool/sweep.h"
#include "recompute/replica.h"
#include "stream/topics.h"
#include "wire/codec.h"

namespace kpay::ctl {

namespace {

using recompute::Lane;
using recompute::Trails;

// Reads what the tasks of a plan write, each topic once.
class Gatherer {
 public:
  Gatherer(const tool::Reached& reached, const RecomputePlan& plan, Trails& trails,
           std::vector<std::string>& notes)
      : reached_(&reached), plan_(&plan), trails_(&trails), notes_(&notes) {
    for (const TaskPlan& task : plan.tasks) {
      const stream::StageSpec& spec = plan.specs[task.spec];
      tasks_[{spec.number, task.partition}] = &task;
      for (std::size_t output = 0; output <= spec.outputs.size(); ++output) {
        writers_[output_topic(spec, output)].emplace_back(&spec,
                                                          static_cast<std::uint16_t>(output));
      }
    }
  }

  Result<void> run(const std::function<void(const std::string&)>& progress) {
    for (auto& [topic, writers] : writers_) {
      std::sort(writers.begin(), writers.end());
      writers.erase(std::unique(writers.begin(), writers.end()), writers.end());
      progress("reading " + topic);
      if (Result<void> read = gather(topic, writers); !read) {
        return read;
      }
    }
    return {};
  }

 private:
  using Writer = std::pair<const stream::StageSpec*, std::uint16_t>;  // and which output
  using Writers = std::vector<Writer>;

  Result<void> gather(const std::string& topic, const Writers& writers) {
    const std::vector<stream::LogBounds>& bounds = plan_->bounds.at(topic);
    std::vector<tool::SweepPart> parts;
    std::vector<Receiver> receivers;
    std::vector<std::uint64_t> numbers(bounds.size());
    for (std::size_t p = 0; p < bounds.size(); ++p) {
      parts.push_back(
          {reached_->topic(topic), static_cast<std::int32_t>(p), bounds[p].begin, bounds[p].end});
      receivers.emplace_back(bounds[p].begin > 0);
    }
    Result<std::unique_ptr<tool::Sweep>> sweep =
        tool::Sweep::start(reached_->connection.client, std::move(parts));
    if (!sweep) {
      return Unexpected(sweep.error());
    }
    const auto& [spec, output] = writers.front();
    const bool single =
        output < spec->outputs.size() && spec->outputs[output].shape == stream::RecordShape::single;
    Result<void> added;
    Result<void> read = (*sweep)->run([&](std::size_t part, const stream::LogRecord& record) {
      const auto partition = static_cast<std::int32_t>(part);
      if (!added) {
        return;
      }
      added = single ? take_single(writers.front(), partition, record, numbers[part])
                     : take_frame(writers, partition, record, receivers[part]);
    });
    for (std::size_t p = 0; p < receivers.size(); ++p) {
      if (!receivers[p].diverged().empty()) {
        notes_->push_back(topic + "/" + std::to_string(p) + ": " + receivers[p].diverged());
      }
    }
    return read ? added : read;
  }

  Result<void> take_frame(const Writers& writers, std::int32_t partition,
                          const stream::LogRecord& record, Receiver& receiver) {
    if (!stream::read_frame(record.value, frame_)) {
      return {};  // a tick; what else can't be read holds its task
    }
    const auto task = tasks_.find(frame_.sender);
    const auto writer = std::find_if(writers.begin(), writers.end(), [this](const Writer& each) {
      return each.first->number == frame_.sender.stage;
    });
    if (task == tasks_.end() || writer == writers.end() || !task->second->end ||
        frame_.lineage != task->second->identity.lineage) {
      return {};
    }
    const TaskPlan& plan = *task->second;
    const Lane lane{frame_.sender, writer->second, partition};
    const std::uint64_t before = begun_with(plan, lane);
    Result<void> added;
    receiver.take(frame_, [&](const stream::Frame::Item& item) {
      const auto index = static_cast<std::uint32_t>(&item - frame_.events.data());
      const std::uint64_t number = frame_.first + index;
      if (number > before && item.header.cause_offset < plan.to() && added) {
        added = trails_->add(lane, number,
                             {item.header.cause_offset, record.offset,
                              recompute::event_hash(item.header_bytes, item.payload),
                              item.header.cause_index, index});
      }
    });
    return added;
  }

  // A record that is one event says its number itself; a repeat is dropped by it (R7).
  Result<void> take_single(const Writer& writer, std::int32_t partition,
                           const stream::LogRecord& record, std::uint64_t& last) {
    const auto task = tasks_.find({writer.first->number, partition});
    if (task == tasks_.end() || !task->second->end || codec_.decode(record.value, result_) ||
        result_.number <= last) {
      return {};
    }
    last = result_.number;
    const TaskPlan& plan = *task->second;
    const Lane lane{{writer.first->number, partition}, writer.second, partition};
    const auto& counted = plan.end->marker.registers.outputs;
    const auto end = counted.find({writer.second, partition});
    if (last <= begun_with(plan, lane) || end == counted.end() || last > end->second.last) {
      return {};
    }
    return trails_->add(lane, last,
                        {-1, record.offset, recompute::event_hash(record.key, record.value), 0, 0});
  }

  // What the task had sent there before the run begins.
  static std::uint64_t begun_with(const TaskPlan& plan, const Lane& lane) {
    const stream::Marker* begin = plan.begins_with();
    if (begin == nullptr) {
      return 0;
    }
    const auto& outputs = begin->registers.outputs;
    const auto found = outputs.find({lane.output, lane.partition});
    return found == outputs.end() ? 0 : found->second.last;
  }

  const tool::Reached* reached_;
  const RecomputePlan* plan_;
  Trails* trails_;
  std::vector<std::string>* notes_;
  std::map<stream::SenderId, const TaskPlan*> tasks_;
  std::map<std::string, Writers> writers_;
  stream::Frame frame_;
  wire::ResultCodec codec_;
  core::PaymentResult result_;
};

}  // namespace

const std::string& output_topic(const stream::StageSpec& spec, std::size_t output) {
  static const std::string letters(stream::kDeadLetterTopic);
  return output < spec.outputs.size() ? spec.outputs[output].topic : letters;
}

Result<void> gather_events(const tool::Reached& reached, const RecomputePlan& plan, Trails& trails,
                           std::vector<std::string>& notes,
                           const std::function<void(const std::string& doing)>& progress) {
  return Gatherer(reached, plan, trails, notes).run(progress);
}

}  // namespace kpay::ctl
