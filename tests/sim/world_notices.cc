// World: what tasks tell, and what they may never tell.
#include "sim/world.h"

namespace kpay::sim {

void World::on_notice(Node& node, const Place& place, const stream::TaskNotice& notice) {
  using Kind = stream::TaskNotice::Kind;
  if (trace_->on() && notice.kind != Kind::zombie_record) {
    trace_->line(node.name(), to_string(place), ": ", notice.text);
  }
  switch (notice.kind) {
    case Kind::restored: on_restored(node, place, notice); break;
    case Kind::held: fail(Checker::stuck, to_string(place) + " is held: " + notice.text); break;
    case Kind::diverged: on_diverged(place, notice.text); break;
    case Kind::operator_record: on_operator_record(place, notice); break;
    case Kind::checkpoint_rejected:
      fail(Checker::torn, to_string(place) + ": " + notice.text);
      break;
    case Kind::early: fail(Checker::hash_chain, to_string(place) + ": " + notice.text); break;
    case Kind::store_set_aside: on_set_aside(node, place, notice); break;
    case Kind::fenced:
      node.promoted.erase(place);
      coverage_.count("fenced");
      break;
    case Kind::failed:
      node.promoted.erase(place);
      if (is_standby(node, place)) {
        on_standby_failed(place, notice.text);
      }
      break;
    case Kind::dead_letter:
      coverage_.hit(Line::dead_letter, place.stage);
      coverage_.count("dead_letters");
      break;
    case Kind::time_jump:
      coverage_.hit(Line::clock_ahead, place.stage);
      jumps_.insert(place);
      break;
    default: break;
  }
  if (node.disk->take_recovered_commit(place)) {
    coverage_.hit(Line::commit_fails, place.stage);
  }
}

void World::on_restored(Node& node, const Place& place, const stream::TaskNotice& notice) {
  coverage_.count(notice.from_file ? "restored_from_file" : "restored_from_log");
  const stream::TopicIndex changelog = topics_.index_of(specs_[place.stage].changelog());
  if (!calm_ && !notice.from_file && log_.bounds(changelog, place.partition).begin > 0) {
    coverage_.hit(Line::restore_after_trim, place.stage);
  }
  const std::int64_t begin =
      log_.bounds(topics_.index_of(specs_[place.stage].input), place.partition).begin;
  const std::vector<stream::Marker>& markers = chains_.at(place).markers();
  if (!calm_ && begin > 0 && !markers.empty() && markers.back().registers.position == begin) {
    coverage_.hit(Line::restored_at_trim, place.stage);
  }
  const Damage damage = node.disk->damage_of(place);
  const bool right = damage == Damage::none || damage == Damage::unsynced;
  if (!notice.from_file && right && node.disk->had_state(place)) {
    fail(Checker::torn, to_string(place) + ": a file that nothing had damaged was not used");
  }
  if (damage == Damage::gone && !calm_) {
    coverage_.hit(Line::disk_gone, place.stage);
  } else if (damage == Damage::rolled_back) {
    coverage_.hit(Line::file_rolled_back, place.stage);
  } else if (notice.from_file && node.disk->lost_commits(place)) {
    coverage_.hit(Line::power_cut, place.stage);
  }
  if (node.promoted.erase(place) > 0) {
    on_promoted(node, place, notice.from_file);
  }
  node.disk->settle(place);
  node.steps.resumed(place);
  spring(node, Point::after_resume, place);
}

// A file may be set aside because it was damaged or is too old, and for no other reason (R17).
void World::on_set_aside(Node& node, const Place& place, const stream::TaskNotice& notice) {
  coverage_.count("files_set_aside");
  if (is_standby(node, place)) {
    coverage_.hit(Line::standby_file_hurt, place.stage);
  }
  const bool too_old = notice.text.starts_with("older than what is left");
  const Damage damage = node.disk->damage_of(place);
  if (too_old) {
    coverage_.hit(Line::file_before_trim, place.stage);
  } else if (damage == Damage::none || damage == Damage::gone || damage == Damage::unsynced) {
    fail(Checker::torn, to_string(place) + ": a file that nothing had damaged: " + notice.text);
  }
  switch (damage) {
    case Damage::torn: coverage_.hit(Line::file_torn, place.stage); break;
    case Damage::flipped: coverage_.hit(Line::file_flipped, place.stage); break;
    case Damage::swapped: coverage_.hit(Line::file_swapped, place.stage); break;
    case Damage::rolled_back: coverage_.hit(Line::file_rolled_back, place.stage); break;
    default: break;
  }
}

}  // namespace kpay::sim
