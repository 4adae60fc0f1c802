#include "sim/group.h"

#include <algorithm>

namespace kpay::sim {

Group::Group(World& world) : world_(&world), dice_(world.setting().seed, 3) {
  members_.resize(world.nodes().size());
  for (Member& member : members_) {
    member.session_ms = dice_.between(100, 800);
  }
  for (const Place& place : world.places()) {
    owners_[place] = dice_.index(members_.size());
  }
}

std::vector<std::size_t> Group::members() const {
  std::vector<std::size_t> members;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (members_[i].in) {
      members.push_back(i);
    }
  }
  return members;
}

std::vector<std::size_t> Group::followers(const Place& place) const {
  std::vector<std::size_t> others = members();
  std::erase(others, owners_.at(place));
  const std::size_t turn = place.stage + static_cast<std::size_t>(place.partition);
  const auto rank = [&](std::size_t number) { return (number + turn) % members_.size(); };
  std::sort(others.begin(), others.end(),
            [&](std::size_t a, std::size_t b) { return rank(a) < rank(b); });
  others.resize(std::min(others.size(), world_->setting().standbys));
  return others;
}

// REQUIRES: some member.
std::size_t Group::heir(const Place& place) {
  const std::vector<std::size_t> ready = followers(place);
  return ready.empty() || dice_.one_in(4) ? dice_.pick(members()) : ready.front();
}

// Each member looks now and then at what the group is, and follows what is its to follow (R18).
void Group::follow(Node& node) {
  Member& member = members_[node.number];
  if (!node.awake() || world_->now_ms() < member.look_ms) {
    return;
  }
  member.look_ms = world_->now_ms() + dice_.between(5, 120);
  for (std::size_t stage = 0; stage < kStages; ++stage) {
    std::vector<std::int32_t> partitions;
    for (const auto& [place, owner] : owners_) {
      const std::vector<std::size_t> ready = followers(place);
      if (place.stage == stage &&
          std::find(ready.begin(), ready.end(), node.number) != ready.end()) {
        partitions.push_back(place.partition);
      }
    }
    node.process->host().set_standbys(stage, partitions, world_->now_ms());
  }
}

// Static membership: who is back before its session ends keeps what it had.
void Group::watch(Node& node) {
  Member& member = members_[node.number];
  const std::int64_t silent = world_->now_ms() - node.last_seen_ms;
  if (member.in && (!node.awake() || silent > 0) && silent > member.session_ms) {
    expel(node.number);
  } else if (!member.in && node.awake() && silent == 0) {
    member.in = true;
    world_->trace().line("group", node.name(), " joins");
  }
}

void Group::expel(std::size_t number) {
  Member& member = members_[number];
  member.in = false;
  member.stale_until_ms = world_->now_ms() + world_->setting().faults_ms;
  world_->trace().line("group", world_->nodes()[number].name(), " is gone");
  for (auto& [place, owner] : owners_) {
    if (owner == number && !members().empty()) {
      owner = heir(place);
      ++moves_[place];
    }
  }
}

void Group::move(const Place& place, std::size_t to, Style style) {
  const std::size_t from = owners_.at(place);
  if (from == to) {
    return;
  }
  owners_[place] = to;
  ++moves_[place];
  Node& node = world_->nodes()[from];
  if (!node.awake()) {
    return;
  }
  const bool has = node.process->host().find(place.stage, place.partition) != nullptr;
  world_->trace().line("group", to_string(place), " from ", node.name(), " to node", to,
                       style == Style::orderly  ? ""
                       : style == Style::racing ? ", racing"
                                                : ", lost");
  if (style == Style::lost) {
    node.process->host().lose(place.stage, place.partition);
  } else {
    node.process->host().release(place.stage, place.partition);
    releases_[place] = {from,
                        world_->now_ms() + (style == Style::racing ? 0 : dice_.between(50, 1500))};
    members_[from].stale_until_ms = world_->now_ms() + dice_.between(0, 400);
  }
  if (has) {
    world_->coverage().hit(style == Style::lost ? Line::lost : Line::revoked, place.stage);
  }
  world_->coverage().count("rebalances");
}

// True when nobody has to let the task go first.
bool Group::released(const Place& place) {
  const auto release = releases_.find(place);
  if (release == releases_.end()) {
    return true;
  }
  Node& from = world_->nodes()[release->second.from];
  const bool has =
      from.awake() && from.process->host().find(place.stage, place.partition) != nullptr;
  if (has && world_->now_ms() < release->second.deadline_ms) {
    return false;
  }
  releases_.erase(release);
  return true;
}

void Group::settle(const Place& place) {
  Node& node = world_->nodes()[owners_.at(place)];
  if (!members_[node.number].in) {
    if (!members().empty()) {
      owners_[place] = heir(place);
      ++moves_[place];
    }
    return;
  }
  const Assignment assignment{node.number, node.boots, moves_[place]};
  const auto told = told_.find(place);
  if (told != told_.end() && told->second == assignment) {
    return;
  }
  if (node.awake() && released(place)) {
    told_[place] = assignment;
    world_->note_assigned(node, place);
    node.process->host().assign(place.stage, place.partition, world_->now_ms());
  }
}

// A member that hears what it has lost drops it.
void Group::take_away(Node& node) {
  if (!node.awake() || world_->now_ms() < members_[node.number].stale_until_ms) {
    return;
  }
  for (const std::shared_ptr<stream::Task>& task : node.process->host().tasks()) {
    const Place place{task->spec().number - 1U, task->partition()};
    const auto release = releases_.find(place);
    const bool releasing = release != releases_.end() && release->second.from == node.number;
    if (owners_.at(place) != node.number && !releasing) {
      world_->trace().line("group", node.name(), " loses ", to_string(place));
      world_->coverage().hit(Line::lost, place.stage);
      node.process->host().lose(place.stage, place.partition);
    }
  }
}

void Group::reconcile() {
  for (Node& node : world_->nodes()) {
    const bool was_in = members_[node.number].in;
    watch(node);
    if (!was_in && members_[node.number].in) {
      members_[node.number].stale_until_ms = world_->now_ms() + dice_.between(0, 600);
    }
    if (members_[node.number].in) {
      take_away(node);
    }
  }
  for (const Place& place : world_->places()) {
    settle(place);
  }
  for (Node& node : world_->nodes()) {
    if (world_->setting().standbys > 0 && members_[node.number].in) {
      follow(node);
    }
  }
}

}  // namespace kpay::sim
