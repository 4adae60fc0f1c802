// Pipeline: payments of every kind through all real stages in memory, for an auditor to follow.
#pragma once

#include "audit/copy.h"
#include "stages/specs.h"

namespace kpay::audit {

inline constexpr std::int32_t kPartitions = 3;

class Pipeline {
 public:
  Pipeline() : driver_({.specs = stages::all_specs(), .partitions = kPartitions}) {
    for (int i = 0; i < kAccounts; ++i) {
      send(core::OpenAccount{core::CommandId(next_id()), account(i), testing::eur(10'000)});
    }
  }

  [[nodiscard]] test::TestDriver& driver() noexcept { return driver_; }
  [[nodiscard]] static core::AccountId account(int number) {
    return testing::account("acc-" + std::to_string(number));
  }
  Uuid next_id() { return testing::id(++ids_, driver_.log_time()); }

  void send(const core::Command& command) {
    const ByteView key = core::key_of(command);
    driver_.pipe(stages::kTopicIncoming, partition_of(key, kPartitions), as_text(key),
                 as_text(commands_.encode(command)));
  }
  Uuid pay(int from, int to, std::int64_t minor) {
    const Uuid id = next_id();
    send(core::SubmitPayment{
        {core::PaymentId(id), account(from), account(to), testing::eur(minor), {}, "a reference"}});
    return id;
  }

  /// Good payments, refused ones, refunds, repeats, deposits, closings, and what nobody can read.
  void some(int count) {
    for (int i = 0; i < count; ++i) {
      const int from = static_cast<int>(dice_() % kAccounts);
      const int to = (from + 1 + static_cast<int>(dice_() % (kAccounts + 1))) % (kAccounts + 3);
      pay(from, to, 1 + static_cast<std::int64_t>(dice_() % 4000));
      switch (dice_() % 12) {
        case 0:
          send(core::Deposit{core::CommandId(next_id()), account(to), testing::eur(77)});
          break;
        case 1: again(from, to); break;
        case 2: pay(from, from, 5); break;
        case 3: send(core::CloseAccount{core::CommandId(next_id()), account(kAccounts - 1)}); break;
        case 4: driver_.pipe(stages::kTopicIncoming, 0, "k", "\xff\xff"); break;
        default: break;
      }
    }
  }
  void advance(std::int64_t ms) { driver_.advance(ms); }

 private:
  static constexpr int kAccounts = 12;

  // The same twice, and once with other content.
  void again(int from, int to) {
    core::SubmitPayment submit{
        {core::PaymentId(next_id()), account(from), account(to), testing::eur(3), {}, {}}};
    send(submit);
    send(submit);
    submit.transfer.amount.minor = 4;
    send(submit);
  }

  test::TestDriver driver_;
  std::mt19937 dice_{7};
  std::uint32_t ids_ = 0;
  wire::CommandCodec commands_;
};

}  // namespace kpay::audit
