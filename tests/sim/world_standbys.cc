// World: standbys, and where tasks stand when their process takes a step.
#include <algorithm>

#include "sim/world.h"

namespace kpay::sim {

namespace {

Place place_of(const stream::Task& task) { return {task.spec().number - 1U, task.partition()}; }

}  // namespace

bool World::is_standby(const Node& node, const Place& place) {
  if (!node.process || node.process->host().find(place.stage, place.partition)) {
    return false;
  }
  const auto standbys = node.process->host().standbys();
  return std::any_of(standbys.begin(), standbys.end(),
                     [&](const auto& standby) { return place_of(*standby) == place; });
}

void World::note_assigned(Node& node, const Place& place) {
  for (const std::shared_ptr<stream::Task>& standby : node.process->host().standbys()) {
    if (place_of(*standby) == place && standby->phase() == stream::Phase::standby) {
      trace_->line(node.name(), "its standby of ", to_string(place), " is promoted");
      node.promoted.insert(place);
    }
  }
}

// What a file held, to tell how far behind it was.
void World::note_file(Node& node, const Place& place, store::StateStore& store) {
  node.file_markers.erase(place);
  const Result<std::optional<Bytes>> bytes = store.marker();
  if (!bytes || !*bytes) {
    return;
  }
  const std::optional<stream::ChangelogRecord> record = stream::decode_changelog(**bytes);
  if (const auto* marker = record ? std::get_if<stream::Marker>(&*record) : nullptr) {
    node.file_markers[place] = marker->number;
  }
}

// The takeover of a standby that was promoted, behind rows that no marker closes.
void World::note_takeover(const Place& place, std::uint32_t rows_open) {
  for (const Node& node : nodes_) {
    if (rows_open > 0 && node.promoted.contains(place) &&
        chains_.at(place).owner().starts_with(node.name() + ".")) {
      coverage_.hit(Line::standby_in_checkpoint, place.stage);
    }
  }
}

void World::on_promoted(Node& node, const Place& place, bool from_file) {
  coverage_.count("promotions");
  coverage_.hit(Line::standby_promoted, place.stage);
  const auto others = std::count_if(nodes_.begin(), nodes_.end(),
                                    [&](const Node& other) { return is_standby(other, place); });
  if (others > 0) {
    coverage_.hit(Line::standby_several, place.stage);
  }
  const auto file = node.file_markers.find(place);
  if (from_file && file != node.file_markers.end() &&
      file->second < chains_.at(place).markers().size()) {
    coverage_.hit(Line::standby_file_behind, place.stage);
  }
}

void World::on_standby_failed(const Place& place, const std::string& text) {
  coverage_.count("standbys_failed");
  if (text.starts_with("standby: reading the changelog")) {
    coverage_.hit(Line::standby_trimmed, place.stage);
  } else if (text.starts_with("standby: state file: disk full")) {
    coverage_.hit(Line::standby_commit_fails, place.stage);
  }
}

// Points that no parcel shows.
void World::spring_standing(Node& node) {
  if (!node.trap) {
    return;
  }
  const Point point = node.trap->point;
  const bool follows = point == Point::following;
  if (!follows && point != Point::restoring && point != Point::promoted) {
    return;
  }
  const stream::Phase phase = follows ? stream::Phase::standby : stream::Phase::restoring;
  stream::Host& host = node.process->host();
  for (const std::shared_ptr<stream::Task>& task : follows ? host.standbys() : host.tasks()) {
    const Place place = place_of(*task);
    if (task->phase() == phase && (point != Point::promoted || node.promoted.contains(place)) &&
        spring(node, point, place)) {
      return;
    }
  }
}

}  // namespace kpay::sim
