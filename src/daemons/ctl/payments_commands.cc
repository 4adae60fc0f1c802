#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "base/utf8.h"
#include "daemons/ctl/amounts.h"
#include "daemons/ctl/change.h"
#include "daemons/ctl/history.h"
#include "daemons/ctl/http_tables.h"
#include "daemons/ctl/send_command.h"

namespace kpay::ctl {

namespace {

struct PaymentFlags {
  std::string from;
  std::string to;
  std::string amount;
  std::string currency;
  std::string reference;
  std::string value_date;
  SendFlags sending;
};

// The reference stays a view into `flags`.
Result<core::SubmitPayment> payment_in(const PaymentFlags& flags) {
  const std::optional<core::AccountId> from = core::AccountId::parse(flags.from);
  const std::optional<core::AccountId> to = core::AccountId::parse(flags.to);
  if (!from || !to) {
    return Unexpected(ErrorCode::invalid,
                      "\"" + (from ? flags.to : flags.from) + "\" is no account id");
  }
  if (!is_utf8(flags.reference)) {
    return Unexpected(ErrorCode::invalid, "the reference is not UTF-8, which its event has to be");
  }
  Result<core::Money> amount = amount_in(flags.amount, flags.currency);
  if (!amount) {
    return Unexpected(amount.error());
  }
  Result<Uuid> id = id_in(flags.sending.id);
  if (!id) {
    return Unexpected(id.error());
  }
  Result<core::ValueDate> date = date_in(flags.value_date);
  if (!date) {
    return Unexpected(date.error());
  }
  return core::SubmitPayment{{core::PaymentId(*id), *from, *to, *amount, *date, flags.reference}};
}

http::JsonObject about(const core::Transfer& transfer) {
  http::JsonObject json;
  json.add("payment_id", to_string(transfer.payment.value()))
      .add("from", transfer.from.text())
      .add("to", transfer.to.text())
      .add("amount", core::format_amount(transfer.amount))
      .add("amount_minor", transfer.amount.minor)
      .add("currency", transfer.amount.currency.text());
  return json;
}

bool same_payment(const core::Transfer& transfer, const core::PaymentOutcome& outcome) {
  return outcome.from == transfer.from && outcome.to == transfer.to &&
         outcome.amount == transfer.amount;
}

Answer told(const core::Transfer& transfer, const core::PaymentOutcome& outcome) {
  std::string status(core::to_string(outcome.status));
  std::string refusal;
  if (outcome.refusal != core::Refusal::none) {
    refusal = core::to_string(outcome.refusal);
  }
  if (outcome.status != core::PaymentStatus::rejected && !same_payment(transfer, outcome)) {
    // Sent before with other content: intake rejects this one and leaves that one alone.
    status = "rejected";
    refusal = core::to_string(core::Refusal::exists_with_different_content);
  }
  return outcome_answer(about(transfer), to_string(transfer.payment.value()), status, refusal);
}

Result<Answer> send(const Session& session, const PaymentFlags& flags) {
  Result<core::SubmitPayment> payment = payment_in(flags);
  if (!payment) {
    return Unexpected(payment.error());
  }
  const core::Transfer& transfer = payment->transfer;
  return send_command(session, flags.sending, *payment, about(transfer),
                      [&transfer](const core::Outcome& outcome) -> Result<Answer> {
                        if (const auto* ended = std::get_if<core::PaymentOutcome>(&outcome)) {
                          return told(transfer, *ended);
                        }
                        return Unexpected(ErrorCode::conflict,
                                          "the id belongs to an account command");
                      });
}

// What the tables know of the id, the surest first.
Result<Answer> get(const Session& session, const PaymentFlags& flags) {
  const std::optional<Uuid> id = parse_uuid(flags.sending.id);
  if (!id) {
    return Unexpected(ErrorCode::invalid, "\"" + flags.sending.id + "\" is no UUID");
  }
  Result<Asked> asked = ask_daemons(session.flags, session.http);
  if (!asked) {
    return Unexpected(asked.error());
  }
  const std::string text = to_string(*id);
  const std::int32_t partition = partition_of(id->view(), asked->reached.partitions);
  for (const auto& [stage, table] : {std::pair("settle", "payments"), std::pair("intake", "ids"),
                                     std::pair("settle", "rejections")}) {
    Result<std::optional<std::string>> row = asked->tables.get(stage, table, text, partition);
    if (!row) {
      return Unexpected(row.error());
    }
    if (!*row) {
      continue;
    }
    nlohmann::ordered_json json{{"payment_id", text}};
    json.update(nlohmann::ordered_json::parse(**row, nullptr, false));
    if (std::string_view(table) == "ids") {
      json["status"] = json.value("refusal", "none") == "none" ? "in_flight" : "failed";
    } else if (std::string_view(table) == "rejections") {
      json["status"] = "rejected";
    }
    const std::string refusal = json.value("refusal", "none");
    return Answer{json.dump(), text + " " + json.value("status", "") +
                                   (refusal == "none" ? "" : " " + refusal) + "\n"};
  }
  return Unexpected(ErrorCode::not_found,
                    "no payment " + text + " is known (ids are remembered for 24 hours)");
}

}  // namespace

void add_payments(CLI::App& app, Session& session) {
  CLI::App* payments = app.add_subcommand("payments", "Send and show payments");
  payments->require_subcommand(1);
  const auto flags = std::make_shared<PaymentFlags>();
  CLI::App* one = payments->add_subcommand("send", "Send a payment");
  one->add_option("--from", flags->from, "The payer's account")->required();
  one->add_option("--to", flags->to, "The payee's account")->required();
  one->add_option("--amount", flags->amount, "How much, as 12.34")->required();
  one->add_option("--currency", flags->currency, "Of both accounts, as EUR")->required();
  one->add_option("--reference", flags->reference, "Up to 140 bytes for the payee");
  one->add_option("--value-date", flags->value_date, "A date of your own, as 2026-11-22");
  add_send_options(*one, flags->sending);
  add_dry_run(*one, session);
  one->callback(
      [&session, flags] { session.chosen = [&session, flags] { return send(session, *flags); }; });
  CLI::App* show = payments->add_subcommand("get", "Show a payment as the daemons know it");
  show->add_option("ID", flags->sending.id, "The payment's id")->required();
  show->callback(
      [&session, flags] { session.chosen = [&session, flags] { return get(session, *flags); }; });
  add_payment_history(*payments, session);
}

}  // namespace kpay::ctl
