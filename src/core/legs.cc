#include "core/legs.h"

namespace kpay::core {

namespace {

const AccountId& account(const DebitLeg& leg) { return leg.transfer.from; }
const AccountId& account(const CreditLeg& leg) { return leg.transfer.to; }
const AccountId& account(const RefundLeg& leg) { return leg.transfer.from; }
template <class C>
const AccountId& account(const C& command) {
  return command.account;
}

template <class E>
const Uuid& subject(const E& event) {
  if constexpr (requires { event.transfer; }) {
    return event.transfer.payment.value();
  } else {
    return event.command.value();
  }
}

}  // namespace

const AccountId& account_of(const InflightEvent& event) noexcept {
  return std::visit([](const auto& e) -> const AccountId& { return account(e); }, event);
}

const Uuid& subject_of(const InflightEvent& event) noexcept {
  return std::visit([](const auto& e) -> const Uuid& { return subject(e); }, event);
}

}  // namespace kpay::core
