// Makers of commands, ids and amounts for tests: short words for what tests talk about.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/commands.h"
#include "core/legs.h"
#include "core/rows.h"

namespace kpay::testing {

inline constexpr Timestamp kNow{1'780'000'000'000};
inline constexpr std::int64_t kMinute = 60'000;
inline constexpr std::int64_t kHour = 60 * kMinute;

inline core::Currency currency(std::string_view text) {
  return core::Currency::parse(text).value();
}
inline core::Money eur(std::int64_t minor) { return {minor, currency("EUR")}; }
inline core::AccountId account(std::string_view text) {
  return core::AccountId::parse(text).value();
}
/// The n-th id made at `created`.
inline Uuid id(std::uint32_t n, Timestamp created = kNow) {
  std::array<std::uint8_t, 10> entropy{};
  for (std::size_t i = 0; i < 4; ++i) {
    entropy[9 - i] = static_cast<std::uint8_t>(n >> (8 * i));
  }
  return make_uuid_v7(created, entropy);
}

inline core::Transfer transfer(std::uint32_t n, std::int64_t minor = 1234,
                               std::string_view from = "alice", std::string_view to = "bob",
                               Timestamp created = kNow) {
  return {core::PaymentId(id(n, created)), account(from), account(to), eur(minor),
          core::ValueDate(20260601),       "invoice 7"};
}
inline core::SubmitPayment submit(std::uint32_t n, std::int64_t minor = 1234,
                                  std::string_view from = "alice", std::string_view to = "bob") {
  return {transfer(n, minor, from, to)};
}
inline core::OpenAccount open(std::uint32_t n, std::string_view name, std::int64_t minor) {
  return {core::CommandId(id(n)), account(name), eur(minor)};
}
inline core::Deposit deposit(std::uint32_t n, std::string_view name, std::int64_t minor) {
  return {core::CommandId(id(n)), account(name), eur(minor)};
}
inline core::CloseAccount close(std::uint32_t n, std::string_view name) {
  return {core::CommandId(id(n)), account(name)};
}

/// An open account in EUR.
inline core::AccountRow account_row(std::int64_t balance) {
  core::AccountRow row;
  row.currency = currency("EUR");
  row.balance = core::Sum(balance);
  row.opening = core::Sum(balance);
  row.version = 1;
  return row;
}

}  // namespace kpay::testing
