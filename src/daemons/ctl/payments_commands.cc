#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "daemons/ctl/amounts.h"
#include "daemons/ctl/cli.h"
#include "daemons/ctl/command_sender.h"
#include "daemons/ctl/http_tables.h"
#include "daemons/ctl/outcome_watch.h"

namespace kpay::ctl {

namespace {

constexpr int kFlushMs = 60'000;

struct PaymentFlags {
  std::string from;
  std::string to;
  std::string amount;
  std::string currency;
  std::string reference;
  std::string id;
  std::string value_date;
  bool wait = false;
  int timeout_s = 60;
};

// The reference stays a view into `flags`.
Result<core::SubmitPayment> payment_in(const PaymentFlags& flags) {
  const std::optional<core::AccountId> from = core::AccountId::parse(flags.from);
  const std::optional<core::AccountId> to = core::AccountId::parse(flags.to);
  if (!from || !to) {
    return Unexpected(ErrorCode::invalid,
                      "\"" + (from ? flags.to : flags.from) + "\" is no account id");
  }
  Result<core::Money> amount = amount_in(flags.amount, flags.currency);
  if (!amount) {
    return Unexpected(amount.error());
  }
  Result<Uuid> id = id_in(flags.id);
  if (!id) {
    return Unexpected(id.error());
  }
  Result<core::ValueDate> date = date_in(flags.value_date);
  if (!date) {
    return Unexpected(date.error());
  }
  return core::SubmitPayment{{core::PaymentId(*id), *from, *to, *amount, *date, flags.reference}};
}

nlohmann::ordered_json about(const core::Transfer& transfer) {
  return {{"payment_id", to_string(transfer.payment.value())},
          {"from", transfer.from.text()},
          {"to", transfer.to.text()},
          {"amount", core::format_amount(transfer.amount)},
          {"amount_minor", transfer.amount.minor},
          {"currency", transfer.amount.currency.text()}};
}

bool same_payment(const core::Transfer& transfer, const core::PaymentOutcome& outcome) {
  return outcome.from == transfer.from && outcome.to == transfer.to &&
         outcome.amount == transfer.amount;
}

Answer told(const core::Transfer& transfer, const core::PaymentOutcome& outcome) {
  nlohmann::ordered_json json = about(transfer);
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
  json["status"] = status;
  json["changed"] = status == "completed";
  if (!refusal.empty()) {
    json["refusal"] = refusal;
  }
  Answer answer{json.dump(), json["payment_id"].get<std::string>() + " " + status +
                                 (refusal.empty() ? "" : " " + refusal) + "\n"};
  answer.exit = refusal.empty() ? Exit::ok : Exit::refused;
  return answer;
}

Result<std::unique_ptr<OutcomeWatch>> watch_for(Reached& reached, const PaymentFlags& flags,
                                                const Uuid& id) {
  if (!flags.wait) {
    return std::unique_ptr<OutcomeWatch>();
  }
  return OutcomeWatch::open(
      reached.connection, *reached.reader, reached.partitions, {id},
      flags.id.empty() ? OutcomeWatch::From::now : OutcomeWatch::From::beginning);
}

Result<Answer> send(const Session& session, const PaymentFlags& flags) {
  Result<core::SubmitPayment> payment = payment_in(flags);
  if (!payment) {
    return Unexpected(payment.error());
  }
  Result<Reached> reached = reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  const core::Transfer& transfer = payment->transfer;
  Result<std::unique_ptr<OutcomeWatch>> watch =
      watch_for(*reached, flags, transfer.payment.value());
  if (!watch) {
    return Unexpected(watch.error());
  }
  Result<std::unique_ptr<CommandSender>> sender =
      CommandSender::connect(reached->connection, reached->partitions, 0);
  if (!sender) {
    return Unexpected(sender.error());
  }
  if (Result<void> sent = (*sender)->send(*payment); !sent) {
    return Unexpected(sent.error());
  }
  if (Result<void> flushed = (*sender)->flush(kFlushMs); !flushed) {
    return Unexpected(flushed.error());
  }
  const std::string id = to_string(transfer.payment.value());
  if (!*watch) {
    nlohmann::ordered_json json = about(transfer);
    json["status"] = "sent";
    json["changed"] = true;
    return Answer{json.dump(), id + "\n", "sent; `kpayctl payments get " + id + "` shows it\n"};
  }
  Result<bool> ended = (*watch)->wait(flags.timeout_s * 1000);
  if (!ended) {
    return Unexpected(ended.error());
  }
  if (!*ended) {
    return failed(Exit::timed_out, "timed_out",
                  "no outcome within " + std::to_string(flags.timeout_s) + " s",
                  "the payment stands: `kpayctl payments get " + id + "`, or repeat with --id");
  }
  const core::Outcome& outcome = (*watch)->outcomes().begin()->second;
  if (const auto* ended_so = std::get_if<core::PaymentOutcome>(&outcome)) {
    return told(transfer, *ended_so);
  }
  return Unexpected(ErrorCode::conflict, "the id belongs to an account command");
}

// What the tables know of the id, the surest first.
Result<Answer> get(const Session& session, const PaymentFlags& flags) {
  const std::optional<Uuid> id = parse_uuid(flags.id);
  if (!id) {
    return Unexpected(ErrorCode::invalid, "\"" + flags.id + "\" is no UUID");
  }
  Result<Reached> reached = reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  Result<HttpTables> tables = HttpTables::open(session.flags, *reached);
  if (!tables) {
    return Unexpected(tables.error());
  }
  const std::string text = to_string(*id);
  const std::int32_t partition = partition_of(id->view(), reached->partitions);
  for (const auto& [stage, table] : {std::pair("settle", "payments"), std::pair("intake", "ids"),
                                     std::pair("settle", "rejections")}) {
    Result<std::optional<std::string>> row = tables->get(stage, table, text, partition);
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
  one->add_option("--id", flags->id, "The payment's id (UUID version 7), to repeat one");
  one->add_flag("--wait", flags->wait, "Wait for the outcome; exit 4 if it is a refusal");
  one->add_option("--timeout", flags->timeout_s, "Seconds to wait; then exit 9 [60]")
      ->check(CLI::Range(1, 86'400));
  one->callback(
      [&session, flags] { session.chosen = [&session, flags] { return send(session, *flags); }; });
  CLI::App* show = payments->add_subcommand("get", "Show a payment as the daemons know it");
  show->add_option("ID", flags->id, "The payment's id")->required();
  show->callback(
      [&session, flags] { session.chosen = [&session, flags] { return get(session, *flags); }; });
}

}  // namespace kpay::ctl
