#include "core/outcomes.h"

#include "base/check.h"

namespace kpay::core {

namespace {

PaymentOutcome outcome(const Transfer& transfer, PaymentStatus status, Refusal refusal,
                       bool opened) noexcept {
  check((refusal == Refusal::none) == (status == PaymentStatus::completed),
        "an outcome names a refusal exactly when it is one");
  return {transfer.payment, transfer.from, transfer.to, transfer.amount, status, refusal, opened};
}

}  // namespace

const Uuid& subject_of(const Outcome& outcome) noexcept {
  if (const auto* payment = std::get_if<PaymentOutcome>(&outcome)) {
    return payment->payment.value();
  }
  return std::get_if<CommandOutcome>(&outcome)->command.value();
}

PaymentOutcome completed(const Transfer& transfer) noexcept {
  return outcome(transfer, PaymentStatus::completed, Refusal::none, true);
}

PaymentOutcome failed(const Transfer& transfer, Refusal refusal, bool opened) noexcept {
  return outcome(transfer, PaymentStatus::failed, refusal, opened);
}

PaymentOutcome rejected(const Transfer& transfer, Refusal refusal) noexcept {
  return outcome(transfer, PaymentStatus::rejected, refusal, false);
}

const char* to_string(PaymentStatus status) noexcept {
  switch (status) {
    case PaymentStatus::completed: return "completed";
    case PaymentStatus::failed: return "failed";
    case PaymentStatus::rejected: return "rejected";
  }
  return "unknown";
}

const char* to_string(CommandStatus status) noexcept {
  switch (status) {
    case CommandStatus::done: return "done";
    case CommandStatus::refused: return "refused";
    case CommandStatus::rejected: return "rejected";
  }
  return "unknown";
}

const char* to_string(CommandKind kind) noexcept {
  switch (kind) {
    case CommandKind::open_account: return "open_account";
    case CommandKind::deposit: return "deposit";
    case CommandKind::close_account: return "close_account";
  }
  return "unknown";
}

}  // namespace kpay::core
