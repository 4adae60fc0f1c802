// Operators: people who close dead letters, accept a sender again, and enrol and revoke keys; some
// of what they ask for is unsigned, sent twice, about other bytes, or asked by two at once.
#pragma once

#include <functional>
#include <vector>

#include "sim/pen.h"
#include "sim/world.h"
#include "stream/operator_record.h"

namespace kpay::sim {

class Operators {
 public:
  explicit Operators(World& world);

  /// Asks for one more thing. REQUIRES: left() > 0.
  void act();
  [[nodiscard]] int left() const noexcept { return left_; }

 private:
  /// A dead letter, as ops.dlq tells of it.
  struct Letter {
    Place place;
    stream::DeadLetter letter;
  };

  void read_letters();
  void close_letter();
  void accept();
  void enrol();
  void revoke();
  void stray();

  [[nodiscard]] stream::OperatorRecord record_for(const Place& place);
  [[nodiscard]] decltype(stream::OperatorRecord::what) way_to_close(const Letter& letter);
  [[nodiscard]] std::int32_t some_partition();
  /// Signed by so many people as it takes, or not; through one of intake's partitions.
  void send(stream::OperatorRecord record, std::int32_t through);
  void sign(stream::OperatorRecord& record, std::int32_t through);
  void append(std::int32_t through, const Bytes& bytes);

  World* world_;
  Dice dice_;
  int left_ = 0;
  std::uint64_t ids_ = 0;
  std::vector<Pen> pens_;
  std::vector<std::vector<std::size_t>> enrolled_;  // by partition of intake: as far as one knows
  std::vector<std::int64_t> read_;                  // of ops.dlq, by partition
  std::vector<Letter> letters_;
};

}  // namespace kpay::sim
