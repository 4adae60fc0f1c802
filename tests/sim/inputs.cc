#include "sim/inputs.h"

#include <algorithm>

#include "stream/frame.h"

namespace kpay::sim {

namespace {

bool may_stand_here(const World& world, const stream::StageSpec& spec, const Uuid& lineage,
                    const stream::Frame& frame) {
  return frame.lineage == lineage && frame.sender.partition >= 0 &&
         frame.sender.partition < world.setting().partitions &&
         std::count(spec.senders.begin(), spec.senders.end(), frame.sender.stage) > 0;
}

}  // namespace

std::string each_input(World& world, const Place& place,
                       const std::function<std::string(const Input&)>& sink) {
  const stream::StageSpec& spec = world.specs()[place.stage];
  const stream::TopicIndex topic = world.topics().index_of(spec.input);
  const Uuid lineage = world.chain(place).genesis().identity.lineage;
  std::map<stream::SenderId, std::uint64_t> last;
  stream::Frame frame;
  std::string wrong;
  const std::int64_t end = world.log().bounds(topic, place.partition).end;
  for (std::int64_t offset = 0; offset < end && wrong.empty(); ++offset) {
    const stream::LogRecord record = world.record(topic, place.partition, offset);
    if (stream::is_tick(record.value) || world.is_forged(topic, place.partition, offset)) {
      continue;
    }
    if (spec.input_shape == stream::RecordShape::single ||
        !stream::read_frame(record.value, frame) || !may_stand_here(world, spec, lineage, frame)) {
      wrong = sink({offset, 0, spec.input_shape == stream::RecordShape::frame, record.value});
      continue;
    }
    for (std::size_t i = 0; i < frame.events.size() && wrong.empty(); ++i) {
      if (frame.first + i == last[frame.sender] + 1) {
        ++last[frame.sender];
        wrong = sink({offset, static_cast<std::uint32_t>(i), false, frame.events[i].payload});
      }
    }
  }
  return wrong;
}

}  // namespace kpay::sim
