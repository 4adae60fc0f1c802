#include "audit/entry.h"

#include <array>

#include "base/hash.h"

namespace kpay::audit {

namespace {

Entry leg(EntryKind kind, const core::Transfer& transfer, const core::AccountId& account) {
  Entry entry;
  entry.kind = kind;
  entry.currency = transfer.amount.currency;
  entry.minor = transfer.amount.minor;
  entry.content = content_of(transfer.payment.value(), transfer.from, transfer.to, transfer.amount);
  entry.id = transfer.payment.value();
  entry.account = account;
  return entry;
}

Entry account_command(EntryKind kind, const core::CommandId& id, const core::AccountId& account,
                      const core::Money& amount) {
  Entry entry;
  entry.kind = kind;
  entry.currency = amount.currency;
  entry.minor = amount.minor;
  entry.content = content_of(id.value(), account, {}, amount);
  entry.id = id.value();
  entry.account = account;
  return entry;
}

Entry make(const core::SubmitPayment& submit) {
  return leg(EntryKind::submit, submit.transfer, submit.transfer.from);
}
Entry make(const core::DebitLeg& debit) {
  return leg(EntryKind::debit, debit.transfer, debit.transfer.from);
}
Entry make(const core::CreditLeg& credit) {
  return leg(EntryKind::credit, credit.transfer, credit.transfer.to);
}
Entry make(const core::RefundLeg& refund) {
  return leg(EntryKind::refund, refund.transfer, refund.transfer.from);
}
Entry make(const core::OpenAccount& open) {
  return account_command(EntryKind::open, open.command, open.account, open.opening);
}
Entry make(const core::Deposit& deposit) {
  return account_command(EntryKind::deposit, deposit.command, deposit.account, deposit.amount);
}
Entry make(const core::CloseAccount& close) {
  return account_command(EntryKind::close, close.command, close.account, {});
}

}  // namespace

std::uint64_t content_of(const Uuid& id, const core::AccountId& from, const core::AccountId& to,
                         const core::Money& amount) {
  // Fixed widths on the stack: this is done for every event.
  std::array<std::byte, 16 + 8 + 3 + 2 * (1 + 40)> bytes{};
  std::size_t at = 0;
  const auto put = [&](ByteView view) {
    std::memcpy(bytes.data() + at, view.data(), view.size());
    at += view.size();
  };
  put(id.view());
  put(std::as_bytes(std::span(&amount.minor, 1)));
  put(as_bytes(amount.currency.text()));
  for (const core::AccountId* account : {&from, &to}) {
    bytes[at++] = static_cast<std::byte>(account->text().size());
    put(account->view());
  }
  return hash128(ByteView(bytes).first(at)).low;
}

Entry entry_of(const core::Command& command) {
  return std::visit([](const auto& each) { return make(each); }, command);
}

Entry entry_of(const core::InflightEvent& event) {
  Entry entry = std::visit([](const auto& each) { return make(each); }, event);
  entry.forwarded = entry.kind == EntryKind::open || entry.kind == EntryKind::deposit ||
                    entry.kind == EntryKind::close;
  return entry;
}

std::string_view to_string(EntryKind kind) noexcept {
  constexpr std::array<std::string_view, 9> kWords{"payment",
                                                   "opening",
                                                   "deposit",
                                                   "closing",
                                                   "debit",
                                                   "credit",
                                                   "refund",
                                                   "operator's record",
                                                   "event that nobody can apply"};
  return kWords[static_cast<std::size_t>(kind)];
}

std::string describe(const Entry& entry) {
  std::string text(to_string(entry.kind));
  if (entry.kind != EntryKind::operators && entry.kind != EntryKind::other) {
    text += " of " + std::to_string(entry.minor) + " " + std::string(entry.currency.text()) +
            " (minor units), account " + std::string(entry.account.text());
  }
  return text;
}

}  // namespace kpay::audit
