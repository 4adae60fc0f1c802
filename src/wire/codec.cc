#include "wire/codec.h"

#include <google/protobuf/stubs/logging.h>

#include "kpay/v1/command.pb.h"
#include "kpay/v1/inflight.pb.h"
#include "kpay/v1/outcome.pb.h"
#include "kpay/v1/result.pb.h"
#include "wire/fields.h"
#include "wire/scratch.h"

namespace kpay::wire {

namespace {

using Problem = std::optional<std::uint16_t>;

template <class T>
struct MessageOf;
template <>
struct MessageOf<core::Command> {
  using type = v1::Command;
};
template <>
struct MessageOf<core::InflightEvent> {
  using type = v1::InflightEvent;
};
template <>
struct MessageOf<core::Outcome> {
  using type = v1::OutcomeEvent;
};
template <>
struct MessageOf<core::PaymentResult> {
  using type = v1::PaymentResult;
};

Problem unless(bool valid) { return valid ? Problem{} : Problem{core::kDeadInvalidField}; }

// --- commands

Problem from(const v1::Command& in, core::Command& out) {
  switch (in.kind_case()) {
    case v1::Command::kSubmit:
      return unless(read(in.submit(), out.emplace<core::SubmitPayment>().transfer));
    case v1::Command::kOpenAccount:
      return unless(read(in.open_account(), out.emplace<core::OpenAccount>()));
    case v1::Command::kDeposit: return unless(read(in.deposit(), out.emplace<core::Deposit>()));
    case v1::Command::kCloseAccount:
      return unless(read(in.close_account(), out.emplace<core::CloseAccount>()));
    case v1::Command::KIND_NOT_SET: break;
  }
  return core::kDeadUnknownKind;
}

void to_kind(const core::SubmitPayment& in, v1::Command& out) {
  write(in.transfer, *out.mutable_submit());
}
template <class Message>
void to_kind(const core::OpenAccount& in, Message& out) {
  write(in, *out.mutable_open_account());
}
template <class Message>
void to_kind(const core::Deposit& in, Message& out) {
  write(in, *out.mutable_deposit());
}
template <class Message>
void to_kind(const core::CloseAccount& in, Message& out) {
  write(in, *out.mutable_close_account());
}

void to(const core::Command& in, v1::Command& out) {
  std::visit([&](const auto& command) { to_kind(command, out); }, in);
}

// --- what is in flight

bool read_leg(const v1::Transfer& in, core::Transfer& out) {
  return read(in, out) && is_legal_leg(out);
}

bool read_refund(const v1::Refund& in, core::RefundLeg& out) {
  const std::optional<core::Refusal> refusal = core::refusal_of(in.refusal());
  out.refusal = refusal.value_or(core::Refusal::none);
  return read_leg(in.transfer(), out.transfer) && out.refusal != core::Refusal::none;
}

Problem from(const v1::InflightEvent& in, core::InflightEvent& out) {
  switch (in.kind_case()) {
    case v1::InflightEvent::kDebit:
      return unless(read_leg(in.debit(), out.emplace<core::DebitLeg>().transfer));
    case v1::InflightEvent::kCredit:
      return unless(read_leg(in.credit(), out.emplace<core::CreditLeg>().transfer));
    case v1::InflightEvent::kRefund:
      return unless(read_refund(in.refund(), out.emplace<core::RefundLeg>()));
    case v1::InflightEvent::kOpenAccount:
      return unless(read(in.open_account(), out.emplace<core::OpenAccount>()));
    case v1::InflightEvent::kDeposit:
      return unless(read(in.deposit(), out.emplace<core::Deposit>()));
    case v1::InflightEvent::kCloseAccount:
      return unless(read(in.close_account(), out.emplace<core::CloseAccount>()));
    case v1::InflightEvent::KIND_NOT_SET: break;
  }
  return core::kDeadUnknownKind;
}

void to_kind(const core::DebitLeg& in, v1::InflightEvent& out) {
  write(in.transfer, *out.mutable_debit());
}
void to_kind(const core::CreditLeg& in, v1::InflightEvent& out) {
  write(in.transfer, *out.mutable_credit());
}
void to_kind(const core::RefundLeg& in, v1::InflightEvent& out) {
  write(in.transfer, *out.mutable_refund()->mutable_transfer());
  out.mutable_refund()->set_refusal(static_cast<std::uint32_t>(in.refusal));
}

void to(const core::InflightEvent& in, v1::InflightEvent& out) {
  std::visit([&](const auto& event) { to_kind(event, out); }, in);
}

// --- outcomes

bool is_consistent(const core::PaymentOutcome& outcome) {
  const bool completed = outcome.status == core::PaymentStatus::completed;
  const bool rejected = outcome.status == core::PaymentStatus::rejected;
  return completed == (outcome.refusal == core::Refusal::none) && !(completed && !outcome.opened) &&
         !(rejected && outcome.opened);
}

bool read_payment(const v1::PaymentOutcome& in, core::PaymentOutcome& out) {
  const std::optional<core::Refusal> refusal = core::refusal_of(in.refusal());
  if (!refusal || in.status() < v1::PaymentOutcome::COMPLETED ||
      in.status() > v1::PaymentOutcome::REJECTED) {
    return false;
  }
  out.status = static_cast<core::PaymentStatus>(in.status());
  out.refusal = *refusal;
  out.opened = in.opened();
  return read_id(in.payment_id(), out.payment) && read_account(in.from(), out.from) &&
         read_account(in.to(), out.to) &&
         read_money(in.amount_minor(), in.currency(), out.amount) && is_consistent(out);
}

bool read_command(const v1::CommandOutcome& in, core::CommandOutcome& out) {
  const std::optional<core::Refusal> refusal = core::refusal_of(in.refusal());
  if (!refusal || in.status() < v1::CommandOutcome::DONE ||
      in.status() > v1::CommandOutcome::REJECTED || in.kind() < v1::CommandOutcome::OPEN_ACCOUNT ||
      in.kind() > v1::CommandOutcome::CLOSE_ACCOUNT) {
    return false;
  }
  out.kind = static_cast<core::CommandKind>(in.kind());
  out.status = static_cast<core::CommandStatus>(in.status());
  out.refusal = *refusal;
  return read_id(in.command_id(), out.command) && read_account(in.account(), out.account) &&
         (out.status == core::CommandStatus::done) == (out.refusal == core::Refusal::none);
}

Problem from(const v1::OutcomeEvent& in, core::Outcome& out) {
  switch (in.kind_case()) {
    case v1::OutcomeEvent::kPayment:
      return unless(read_payment(in.payment(), out.emplace<core::PaymentOutcome>()));
    case v1::OutcomeEvent::kCommand:
      return unless(read_command(in.command(), out.emplace<core::CommandOutcome>()));
    case v1::OutcomeEvent::KIND_NOT_SET: break;
  }
  return core::kDeadUnknownKind;
}

void to_kind(const core::PaymentOutcome& in, v1::OutcomeEvent& event) {
  v1::PaymentOutcome& out = *event.mutable_payment();
  set_id(out, in.payment);
  set_text(*out.mutable_from(), in.from.text());
  set_text(*out.mutable_to(), in.to.text());
  out.set_amount_minor(in.amount.minor);
  set_text(*out.mutable_currency(), in.amount.currency.text());
  out.set_status(static_cast<v1::PaymentOutcome::Status>(in.status));
  out.set_refusal(static_cast<std::uint32_t>(in.refusal));
  out.set_opened(in.opened);
}

void to_kind(const core::CommandOutcome& in, v1::OutcomeEvent& event) {
  v1::CommandOutcome& out = *event.mutable_command();
  set_id(out, in.command);
  set_text(*out.mutable_account(), in.account.text());
  out.set_kind(static_cast<v1::CommandOutcome::Kind>(in.kind));
  out.set_status(static_cast<v1::CommandOutcome::Status>(in.status));
  out.set_refusal(static_cast<std::uint32_t>(in.refusal));
}

void to(const core::Outcome& in, v1::OutcomeEvent& out) {
  std::visit([&](const auto& outcome) { to_kind(outcome, out); }, in);
}

// --- public results

Problem from(const v1::PaymentResult& in, core::PaymentResult& out) {
  if (in.kind() < v1::PaymentResult::CONFIRMED || in.kind() > v1::PaymentResult::FAILED) {
    return core::kDeadUnknownKind;
  }
  const std::optional<core::Refusal> refusal = core::refusal_of(in.refusal());
  out.number = in.number();
  out.confirmed = in.kind() == v1::PaymentResult::CONFIRMED;
  out.refusal = refusal.value_or(core::Refusal::none);
  out.event_time = {in.event_time_ms()};
  out.finished = {in.finished_ms()};
  return unless(refusal && out.confirmed == (*refusal == core::Refusal::none) &&
                read_id(in.payment_id(), out.payment) && read_account(in.from(), out.from) &&
                read_account(in.to(), out.to) &&
                read_money(in.amount_minor(), in.currency(), out.amount));
}

void to(const core::PaymentResult& in, v1::PaymentResult& out) {
  set_id(out, in.payment);
  out.set_number(in.number);
  out.set_kind(in.confirmed ? v1::PaymentResult::CONFIRMED : v1::PaymentResult::FAILED);
  if (!in.confirmed) {
    out.set_refusal(static_cast<std::uint32_t>(in.refusal));
    set_text(*out.mutable_refusal_text(), core::to_string(in.refusal));
  }
  out.set_amount_minor(in.amount.minor);
  set_text(*out.mutable_currency(), in.amount.currency.text());
  set_text(*out.mutable_from(), in.from.text());
  set_text(*out.mutable_to(), in.to.text());
  out.set_event_time_ms(in.event_time.ms);
  out.set_finished_ms(in.finished.ms);
}

}  // namespace

template <class T>
Codec<T>::Codec() : scratch_(std::make_unique<Scratch>()) {
  // Protobuf tells standard error of each ill-formed string: a client could fill the journal.
  [[maybe_unused]] static const auto silenced = google::protobuf::SetLogHandler(nullptr);
}
template <class T>
Codec<T>::~Codec() = default;
template <class T>
Codec<T>::Codec(Codec&&) noexcept = default;
template <class T>
Codec<T>& Codec<T>::operator=(Codec&&) noexcept = default;

template <class T>
std::optional<std::uint16_t> Codec<T>::decode(ByteView payload, T& out) {
  const auto* message = scratch_->parse<typename MessageOf<T>::type>(payload);
  return message == nullptr ? Problem{core::kDeadUndecodable} : from(*message, out);
}

template <class T>
ByteView Codec<T>::encode(const T& event) {
  auto* message = scratch_->make<typename MessageOf<T>::type>();
  to(event, *message);
  return scratch_->serialize(*message);
}

template class Codec<core::Command>;
template class Codec<core::InflightEvent>;
template class Codec<core::Outcome>;
template class Codec<core::PaymentResult>;

}  // namespace kpay::wire
