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

  /// A command, and how often the owner of its partition's intake had died when it was sent.
  struct Sent {
    core::Command command;
    std::int32_t partition = 0;
    int deaths = 0;
  };

  /// To that partition, mostly; says which it was.
  std::int32_t send(const core::Command& command);
  void send_first(core::Command command);
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
  std::vector<Sent> sent_;
};

}  // namespace kpay::sim
