// Group: who owns which task, as a consumer group decides it: slowly, by what it sees of the
// members, and with mistakes: two may think that a task is theirs.
#pragma once

#include <map>

#include "sim/world.h"

namespace kpay::sim {

class Group {
 public:
  explicit Group(World& world);

  /// After each tick: members that were not seen lose their tasks, new owners get theirs.
  void reconcile();

  enum class Style : std::uint8_t {
    orderly,  ///< released first, then assigned
    racing,   ///< assigned while the former owner still has it
    lost,     ///< taken from the former owner at once
  };
  /// Gives a task to another member.
  void move(const Place& place, std::size_t to, Style style);
  [[nodiscard]] std::size_t owner(const Place& place) const { return owners_.at(place); }
  /// Members that the group sees now.
  [[nodiscard]] std::vector<std::size_t> members() const;
  /// Who follows a task as a standby: the first one gets it when its owner is lost (mostly).
  [[nodiscard]] std::vector<std::size_t> followers(const Place& place) const;

 private:
  struct Member {
    bool in = false;
    std::int64_t stale_until_ms = 0;  ///< until then it doesn't know what it has lost
    std::int64_t session_ms = 300;
    std::int64_t look_ms = 0;  ///< when it asks next what it has to follow
  };
  struct Release {
    std::size_t from = 0;
    std::int64_t deadline_ms = 0;
  };

  /// An assignment as a member hears of it: once.
  struct Assignment {
    std::size_t node = 0;
    int boots = 0;
    std::uint64_t move = 0;
    friend bool operator==(const Assignment&, const Assignment&) = default;
  };

  void watch(Node& node);
  void expel(std::size_t number);
  void take_away(Node& node);
  void settle(const Place& place);
  void follow(Node& node);
  [[nodiscard]] std::size_t heir(const Place& place);
  bool released(const Place& place);

  World* world_;
  Dice dice_;
  std::vector<Member> members_;
  std::map<Place, std::size_t> owners_;
  std::map<Place, Release> releases_;
  std::map<Place, std::uint64_t> moves_;
  std::map<Place, Assignment> told_;
};

}  // namespace kpay::sim
