// The events of the topics: commands, what is in flight, outcomes, public results.
#include "base/check.h"
#include "core/dead_letter.h"
#include "core/limits.h"
#include "fuzz/target.h"
#include "wire/codec.h"

namespace kpay::fuzz {

namespace {

void check_legal(const core::Command& command) {
  check(!core::key_of(command).empty(), "a command has a key");
}

void check_legal(const core::InflightEvent& event) {
  check(!core::account_of(event).empty(), "what is in flight is for an account");
  const core::Transfer* transfer = nullptr;
  if (const auto* debit = std::get_if<core::DebitLeg>(&event)) {
    transfer = &debit->transfer;
  } else if (const auto* credit = std::get_if<core::CreditLeg>(&event)) {
    transfer = &credit->transfer;
  } else if (const auto* refund = std::get_if<core::RefundLeg>(&event)) {
    transfer = &refund->transfer;
    check(refund->refusal != core::Refusal::none, "a refund has a reason");
  }
  if (transfer != nullptr) {
    check(transfer->amount.minor > 0 && transfer->amount.minor <= core::kAmountMax &&
              transfer->amount.currency.known() &&
              transfer->reference.size() <= core::kReferenceMax,
          "a leg is legal");
  }
}

void check_legal(const core::Outcome& outcome) {
  if (const auto* payment = std::get_if<core::PaymentOutcome>(&outcome)) {
    const bool completed = payment->status == core::PaymentStatus::completed;
    check(completed == (payment->refusal == core::Refusal::none),
          "a payment has a refusal exactly when it didn't complete");
  }
}

void check_legal(const core::PaymentResult& result) {
  check(result.confirmed == (result.refusal == core::Refusal::none),
        "a result has a refusal exactly when it isn't confirmed");
}

// What was decoded is encoded to bytes that are decoded to the same.
template <class T>
void run_codec(ByteView input) {
  static wire::Codec<T> first;
  static wire::Codec<T> second;
  T event;
  if (const std::optional<std::uint16_t> problem = first.decode(input, event)) {
    check(core::dead_letter_text(*problem) != "unknown", "a reason has a name");
    return;
  }
  check_legal(event);
  const Bytes bytes = to_bytes(first.encode(event));
  check(!bytes.empty() && bytes.front() != std::byte{'K'}, "no event looks like a frame");
  T again;
  check(!second.decode(bytes, again).has_value(), "what was encoded can be decoded");
  check(again == event, "an event is the same after encoding");
  check(equal(second.encode(again), bytes), "the same event has the same bytes");
}

}  // namespace

void run_command(ByteView input) { run_codec<core::Command>(input); }
void run_inflight(ByteView input) { run_codec<core::InflightEvent>(input); }
void run_outcome(ByteView input) { run_codec<core::Outcome>(input); }
void run_result(ByteView input) { run_codec<core::PaymentResult>(input); }

}  // namespace kpay::fuzz
