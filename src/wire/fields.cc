#include "wire/fields.h"

namespace kpay::wire {

bool read(const v1::Transfer& in, core::Transfer& out) {
  out.value_date = core::ValueDate(in.value_date());
  out.reference = in.reference();
  return read_id(in.payment_id(), out.payment) && read_account(in.from(), out.from) &&
         read_account(in.to(), out.to) &&
         read_money(in.amount_minor(), in.currency(), out.amount) && core::is_valid(out.value_date);
}

bool read(const v1::OpenAccount& in, core::OpenAccount& out) {
  return read_id(in.command_id(), out.command) && read_account(in.account(), out.account) &&
         read_money(in.opening_minor(), in.currency(), out.opening);
}

bool read(const v1::Deposit& in, core::Deposit& out) {
  return read_id(in.command_id(), out.command) && read_account(in.account(), out.account) &&
         read_money(in.amount_minor(), in.currency(), out.amount);
}

bool read(const v1::CloseAccount& in, core::CloseAccount& out) {
  return read_id(in.command_id(), out.command) && read_account(in.account(), out.account);
}

void write(const core::Transfer& in, v1::Transfer& out) {
  set_id(out, in.payment);
  set_text(*out.mutable_from(), in.from.text());
  set_text(*out.mutable_to(), in.to.text());
  out.set_amount_minor(in.amount.minor);
  set_text(*out.mutable_currency(), in.amount.currency.text());
  out.set_value_date(in.value_date.value());
  if (!in.reference.empty()) {
    set_text(*out.mutable_reference(), in.reference);
  }
}

void write(const core::OpenAccount& in, v1::OpenAccount& out) {
  set_id(out, in.command);
  set_text(*out.mutable_account(), in.account.text());
  out.set_opening_minor(in.opening.minor);
  set_text(*out.mutable_currency(), in.opening.currency.text());
}

void write(const core::Deposit& in, v1::Deposit& out) {
  set_id(out, in.command);
  set_text(*out.mutable_account(), in.account.text());
  out.set_amount_minor(in.amount.minor);
  set_text(*out.mutable_currency(), in.amount.currency.text());
}

void write(const core::CloseAccount& in, v1::CloseAccount& out) {
  set_id(out, in.command);
  set_text(*out.mutable_account(), in.account.text());
}

bool is_legal_leg(const core::Transfer& transfer) {
  return transfer.amount.minor > 0 && transfer.amount.minor <= core::kAmountMax &&
         transfer.amount.currency.known() && transfer.reference.size() <= core::kReferenceMax;
}

}  // namespace kpay::wire
