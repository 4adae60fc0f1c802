// Faults: what goes wrong, when and to whom. Each seed has some kinds of faults and not others, and
// quiet times between, so that odd states are reached and left again.
#pragma once

#include <vector>

#include "sim/group.h"

namespace kpay::sim {

class Faults {
 public:
  Faults(World& world, Group& group);

  /// Called after each tick: perhaps something goes wrong; the dead come back.
  void strike();
  /// The faults are over: everybody lives, nothing is in the way.
  void end();

 private:
  enum class Kind : std::uint8_t {
    dying,
    stopping,
    killing,
    rebalancing,
    damaging,
    cutting_power,
    failing_commits,
    pausing,
    stalling,
    skewing,
    doubling,
    poisoning,
    stopping_all,
    trimming,
    count_,
  };

  void strike(Kind kind);
  void set_trap(bool freezes);
  void rebalance();
  void damage();
  void stall();
  void skew();
  void double_record();
  void poison();
  void stop_all();
  void trim_inputs();
  void revive();
  [[nodiscard]] Node& some_node();
  [[nodiscard]] stream::TopicIndex some_internal_topic();
  /// A stage that reads this topic.
  void hit_readers(Line line, stream::TopicIndex topic);

  World* world_;
  Group* group_;
  Dice dice_;
  std::vector<Kind> kinds_;
  std::int64_t next_ms_ = 0;
  std::int64_t gap_ms_ = 0;
};

}  // namespace kpay::sim
