// World: what its logs lose, and what those who judge still know of it.
#include <algorithm>

#include "sim/world.h"

namespace kpay::sim {

namespace {

// Nobody is stopped, or has something on its way, for so long: as `kpayctl topics trim` keeps what
// is younger than the brokers remember producers.
constexpr std::int64_t kYoungMs = 3000;

}  // namespace

void World::delete_before(stream::TopicIndex topic, std::int32_t partition, std::int64_t offset,
                          std::int64_t epoch) {
  const std::optional<Place> place = changelog_place(topic, partition);
  check(place.has_value(), "a task deletes nothing but of its changelog");
  if (chains_.at(*place).epoch() != epoch) {
    coverage_.hit(Line::late_trim, place->stage);
  }
  coverage_.count("trims");
  trace_->line(to_string(*place), "changelog deleted before ", offset);
  log_.delete_before(topic, partition, offset);
}

stream::LogRecord World::record(stream::TopicIndex topic, std::int32_t partition,
                                std::int64_t offset) const {
  if (const auto input = inputs_.find({topic, partition}); input != inputs_.end()) {
    const Kept& kept = input->second.at(static_cast<std::size_t>(offset));
    return {offset, kept.appended, kept.key, kept.value};
  }
  return *log_.read(topic, partition, offset).value();
}

stream::LogBounds World::readable(stream::TopicIndex topic, std::int32_t partition) const {
  stream::LogBounds bounds = log_.bounds(topic, partition);
  bounds.begin = inputs_.contains({topic, partition}) ? 0 : bounds.begin;
  return bounds;
}

void World::trim_input(stream::TopicIndex topic, std::int32_t partition) {
  const stream::LogBounds bounds = log_.bounds(topic, partition);
  std::int64_t to = bounds.end;
  for (const Place& place : places_) {
    if (topics_.index_of(specs_[place.stage].input) == topic && place.partition == partition) {
      const std::vector<stream::Marker>& markers = chains_.at(place).markers();
      to = std::min(to, markers.empty() ? 0 : markers.back().registers.position);
    }
  }
  const std::vector<Kept>& kept = inputs_.at({topic, partition});
  while (to > bounds.begin &&
         kept[static_cast<std::size_t>(to - 1)].since_ms + kYoungMs > now_ms_) {
    --to;
  }
  if (to > bounds.begin && dice_.one_in(2)) {
    to = dice_.between(bounds.begin + 1, to);
  }
  if (to <= bounds.begin) {
    return;
  }
  coverage_.count("inputs_trimmed");
  coverage_.count("records_trimmed", static_cast<std::uint64_t>(to - bounds.begin));
  trace_->line("broker", topics_.name(topic), "/", partition, " deleted before ", to);
  log_.delete_before(topic, partition, to);
  for (const Place& place : places_) {
    if (topics_.index_of(specs_[place.stage].input) == topic && place.partition == partition) {
      coverage_.hit(Line::input_trimmed, place.stage);
    }
  }
}

}  // namespace kpay::sim
