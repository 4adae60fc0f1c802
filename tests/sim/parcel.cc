#include "sim/parcel.h"

#include "base/check.h"
#include "sim/coverage.h"
#include "stages/specs.h"
#include "stream/changelog.h"
#include "stream/frame.h"

namespace kpay::sim {

namespace {

What what_of(const stream::ChangelogRecord& record) {
  if (const auto* open = std::get_if<stream::OpenMarker>(&record)) {
    return open->kind == stream::OpenMarker::Kind::renewal ? What::renewal : What::takeover;
  }
  if (const auto* marker = std::get_if<stream::Marker>(&record)) {
    return marker->clean ? What::clean_marker : What::marker;
  }
  if (const auto* rows = std::get_if<stream::RowFrame>(&record)) {
    return rows->base ? What::base_rows : What::rows;
  }
  return What::base_marker;
}

}  // namespace

std::string to_string(const Place& place) {
  return std::string(kStageNames[place.stage]) + "/" + std::to_string(place.partition);
}

const char* to_string(What what) noexcept {
  switch (what) {
    case What::output: return "output";
    case What::tick: return "tick";
    case What::takeover: return "takeover";
    case What::renewal: return "renewal";
    case What::rows: return "rows";
    case What::marker: return "marker";
    case What::clean_marker: return "clean marker";
    case What::base_rows: return "base rows";
    case What::base_marker: return "base marker";
  }
  return "?";
}

Parcel make_parcel(const std::vector<stream::StageSpec>& specs, const stream::TopicTable& topics,
                   stream::TopicIndex topic, std::int32_t partition, ByteView key, ByteView value) {
  Parcel parcel;
  parcel.topic = topic;
  parcel.partition = partition;
  parcel.key = to_bytes(key);
  parcel.value = to_bytes(value);
  const std::string& name = topics.name(topic);
  if (stream::is_tick(value)) {
    parcel.what = What::tick;
    return parcel;
  }
  if (name == stages::kTopicConfirmed || name == stages::kTopicFailed) {
    parcel.task = Place{stages::kConfirmed - 1U, partition};  // the same key as its cause
    return parcel;
  }
  for (std::size_t stage = 0; stage < specs.size(); ++stage) {
    if (name == specs[stage].changelog()) {
      const std::optional<stream::ChangelogRecord> record = stream::decode_changelog(value);
      check(record.has_value(), "a task writes records of the changelog there");
      parcel.what = what_of(*record);
      parcel.task = Place{stage, partition};
      return parcel;
    }
  }
  stream::Frame frame;
  check(stream::read_frame(value, frame), "a task writes frames to internal topics");
  parcel.task = Place{frame.sender.stage - 1U, frame.sender.partition};
  return parcel;
}

}  // namespace kpay::sim
