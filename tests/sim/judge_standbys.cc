#include "sim/verdict.h"

namespace kpay::sim {

namespace {

template <class Look>
std::string look_at_standbys(World& world, const Look& look) {
  for (const Node& node : world.nodes()) {
    if (!node.awake()) {
      continue;
    }
    for (const std::shared_ptr<stream::Task>& task : node.process->host().standbys()) {
      const Place place{task->spec().number - 1U, task->partition()};
      std::string wrong = look(*task, world.chain(place).markers());
      if (!wrong.empty()) {
        return node.name() + "'s standby of " + to_string(place) + " " + wrong;
      }
    }
  }
  return {};
}

}  // namespace

std::string who_lags(World& world) {
  return look_at_standbys(
      world,
      [](const stream::Task& task, const std::vector<stream::Marker>& markers) -> std::string {
        const stream::TaskStatus status = task.status();
        if (status.phase == stream::Phase::standby && status.checkpoint == markers.size()) {
          return {};
        }
        return std::string("is ") + to_string(status.phase) + " at marker " +
               std::to_string(status.checkpoint) + " of " + std::to_string(markers.size()) + " " +
               status.reason;
      });
}

std::string judge_standbys(World& world) {
  std::string wrong = look_at_standbys(
      world,
      [&](const stream::Task& task, const std::vector<stream::Marker>& markers) -> std::string {
        world.coverage().count("standbys_judged");
        Hash128 rows;
        for (const stream::TableBase* table : task.tables()) {
          rows += table->sum();
        }
        const bool same = markers.empty() || stream::state_hash(rows, markers.back().registers) ==
                                                 markers.back().state_hash;
        return same ? "" : "has another state than marker " + std::to_string(markers.size());
      });
  return wrong.empty() ? wrong : verdict(Checker::state_is_replay, wrong);
}

}  // namespace kpay::sim
