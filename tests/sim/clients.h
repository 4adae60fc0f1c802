// Clients: random commands, some of them refused, some sent twice, some nonsense; all of them at
// payments.incoming, as the gateway would append them.
#pragma once

#include <vector>

#include "core/commands.h"
#include "sim/world.h"
#include "wire/codec.h"

namespace kpay::sim {

class Clients {
 public:
  explicit Clients(World& world);

  /// Sends one more thing. REQUIRES: left() > 0.
  void send();
  [[nodiscard]] int left() const noexcept { return left_; }

 private:
  void open_next();
  void pay();
  void deposit();
  void close();
  void retry();
  void conflict();
  void nonsense();

  void send(const core::Command& command);
  [[nodiscard]] Uuid new_id();
  [[nodiscard]] core::AccountId account();
  [[nodiscard]] core::Money amount(std::int64_t most);

  World* world_;
  Dice dice_;
  wire::CommandCodec codec_;
  int left_ = 0;
  std::size_t accounts_ = 0;
  std::size_t opened_ = 0;
  std::vector<core::Currency> currencies_;
  std::vector<core::Command> sent_;
};

}  // namespace kpay::sim
