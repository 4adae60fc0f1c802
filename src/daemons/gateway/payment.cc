#include "daemons/gateway/payment.h"

#include <nlohmann/json.hpp>

#include "core/limits.h"
#include "http/json.h"

namespace kpay::gateway {

namespace {

using Json = nlohmann::json;

std::string path_of(const Uuid& id) { return "/api/v1/payments/" + to_string(id); }

http::JsonObject about(const Uuid& id, const std::string& status, const std::string& refusal) {
  http::JsonObject json;
  json.add("payment_id", to_string(id)).add("status", status);
  if (refusal == "none" || refusal.empty()) {
    json.add_null("refusal");
  } else {
    json.add("refusal", refusal);
  }
  return json;
}

void add_money(http::JsonObject& json, const core::Money& money) {
  json.add("amount", core::format_amount(money))
      .add("amount_minor", std::to_string(money.minor))
      .add("currency", money.currency.text());
}

std::string text_in(const Json& row, const char* name, const char* otherwise) {
  const auto found = row.find(name);
  return found != row.end() && found->is_string() ? found->get<std::string>() : otherwise;
}

std::optional<core::Money> money_in(const Json& row) {
  const auto minor = row.find("amount_minor");
  const std::optional<core::Currency> currency =
      core::Currency::parse(text_in(row, "currency", ""));
  if (minor == row.end() || !minor->is_number_integer() || !currency) {
    return std::nullopt;
  }
  return core::Money{minor->get<std::int64_t>(), *currency};
}

}  // namespace

core::Transfer read_transfer(Form& form, const Uuid& id, std::string& reference) {
  core::Transfer transfer;
  transfer.payment = core::PaymentId(id);
  transfer.from = form.account("from");
  transfer.to = form.account("to");
  transfer.amount = form.money("amount", true);
  transfer.value_date = form.optional_date("value_date");
  reference = form.optional_text("reference", core::kReferenceMax);
  transfer.reference = reference;
  return transfer;
}

FinalPayment final_payment(const core::PaymentOutcome& outcome) {
  const bool refused = outcome.refusal != core::Refusal::none;
  return {std::string(core::to_string(outcome.status)),
          refused ? std::string(core::to_string(outcome.refusal)) : "none", outcome.amount};
}

std::optional<FinalPayment> final_payment(const std::string& row) {
  const Json json = Json::parse(row, nullptr, false);
  if (!json.is_object()) {
    return std::nullopt;
  }
  const std::optional<core::Money> money = money_in(json);
  if (!money) {
    return std::nullopt;
  }
  return FinalPayment{text_in(json, "status", ""), text_in(json, "refusal", "none"), *money};
}

std::string payment_json(const core::Transfer& transfer, const std::string& status,
                         const std::string& refusal) {
  const Uuid& id = transfer.payment.value();
  http::JsonObject json = about(id, status, refusal);
  json.add("from", transfer.from.text()).add("to", transfer.to.text());
  add_money(json, transfer.amount);
  return json.add("status_url", path_of(id)).finish();
}

std::string recent_payment_json(const core::PaymentOutcome& outcome, Timestamp finished) {
  const FinalPayment final = final_payment(outcome);
  const Uuid& id = outcome.payment.value();
  http::JsonObject json = about(id, final.status, final.refusal);
  json.add("from", outcome.from.text()).add("to", outcome.to.text());
  add_money(json, outcome.amount);
  return json.add("finished_at_ms", finished.ms).add("status_url", path_of(id)).finish();
}

std::string stored_payment_json(const Uuid& id, const std::string& table, const std::string& row,
                                std::int64_t as_of_ms) {
  const Json fields = Json::parse(row, nullptr, false);
  const std::string refusal = text_in(fields, "refusal", "none");
  std::string status = "rejected";
  if (table == "ids") {
    status = refusal == "none" ? "in_flight" : "failed";
  } else if (table == "payments") {
    status = text_in(fields, "status", "");
  }
  http::JsonObject json = about(id, status, refusal);
  if (const std::optional<core::Money> money = money_in(fields)) {
    add_money(json, *money);
  }
  for (const auto& [name, shown] :
       {std::pair("event_time", "accepted_at"), std::pair("finished", "finished_at")}) {
    const auto found = fields.find(name);
    if (found != fields.end() && found->is_string()) {
      json.add(shown, found->get<std::string>());
    }
  }
  return json.add("status_url", path_of(id)).add("as_of_ms", as_of_ms).finish();
}

http::Response accepted_response(const core::Transfer& transfer) {
  http::Response response = http::json_response(payment_json(transfer, "accepted", "none"), 202);
  response.headers.emplace_back("Location", path_of(transfer.payment.value()));
  return response;
}

}  // namespace kpay::gateway
