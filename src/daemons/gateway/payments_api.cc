// Payments: send one, ask for one, and the newest that ended.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "base/time.h"
#include "core/limits.h"
#include "daemons/gateway/api.h"
#include "daemons/gateway/form.h"
#include "daemons/gateway/history.h"
#include "daemons/gateway/limits.h"
#include "daemons/gateway/payment.h"
#include "http/json.h"

namespace kpay::gateway {

namespace {

using Json = nlohmann::json;

// What settle's table says of an id; nothing when it has none yet, or nobody can be asked now.
std::optional<FinalPayment> look_up(Live& live, const Uuid& id) {
  const Result<std::optional<std::string>> row = live.watcher().tables().get(
      "settle", "payments", to_string(id), partition_of(id.view(), live.partitions()));
  return row && *row ? final_payment(**row) : std::nullopt;
}

http::Response conflict(const core::Transfer& transfer) {
  return to_response({.code = Code::idempotency_conflict,
                      .detail = "The payment " + to_string(transfer.payment.value()) +
                                " was sent before with other content; that one stands, and this "
                                "one has no effect.",
                      .field = "Idempotency-Key",
                      .expected = "a new id for another payment"});
}

http::Response ended(const core::Transfer& transfer, const FinalPayment& final) {
  if (final.status == "rejected") {
    if (final.refusal == to_string(core::Refusal::exists_with_different_content)) {
      return conflict(transfer);
    }
    return to_response({.code = Code::command_rejected,
                        .detail = "The payment was rejected: " + final.refusal + ".",
                        .field = "Idempotency-Key",
                        .expected = "an id made now"});
  }
  if (final.amount != transfer.amount) {
    return conflict(transfer);
  }
  return http::json_response(payment_json(transfer, final.status, final.refusal));
}

// Until it is told how the payment ended, or the time is over. Of a payment that ended before, its
// row says so: a repeat is not told again.
http::Response wait_for_end(Live& live, Outcomes::Waiter& waiter, const core::Transfer& transfer,
                            std::int64_t seconds) {
  const std::int64_t deadline = monotonic_ms() + seconds * 1000;
  for (;;) {
    const std::int64_t left = deadline - monotonic_ms();
    const std::optional<core::Outcome> outcome =
        waiter.wait(std::chrono::milliseconds(std::clamp<std::int64_t>(left, 0, limits::look_ms)));
    if (outcome) {
      const auto* payment = std::get_if<core::PaymentOutcome>(&*outcome);
      if (payment == nullptr || (payment->status != core::PaymentStatus::rejected &&
                                 (payment->from != transfer.from || payment->to != transfer.to))) {
        return conflict(transfer);
      }
      return ended(transfer, final_payment(*payment));
    }
    if (const std::optional<FinalPayment> final = look_up(live, transfer.payment.value())) {
      return ended(transfer, *final);
    }
    if (left <= 0) {
      return accepted_response(transfer);
    }
  }
}

http::Response submit(Live& live, const http::Request& request) {
  std::optional<Problem> problem;
  Uuid id;
  problem = read_key(request, id);
  std::optional<Problem> bad_wait;
  const std::int64_t seconds = wait_seconds(request, bad_wait);
  problem = problem ? problem : bad_wait;
  if (problem) {
    return to_response(*problem);
  }
  Form form(request.body);
  std::string reference;
  const core::Transfer transfer = read_transfer(form, id, reference);
  if ((problem = form.problem())) {
    return to_response(*problem);
  }
  Outcomes::Waiter waiter(live.outcomes(), id);
  if (Result<void> sent = live.submitter().submit_and_wait(core::SubmitPayment{transfer}); !sent) {
    return to_response({.code = Code::cluster_unavailable, .detail = sent.error().message});
  }
  return seconds == 0 ? accepted_response(transfer) : wait_for_end(live, waiter, transfer, seconds);
}

// What the tables know of the id, the surest first.
http::Response get(Live& live, const http::Request& request) {
  const std::string& text = request.params.at("id");
  const std::optional<Uuid> id = parse_uuid(text);
  if (!id) {
    return to_response({.code = Code::not_found,
                        .detail = "\"" + text + "\" is no payment id.",
                        .field = "id",
                        .expected = "a UUID of version 7"});
  }
  const ctl::HttpTables tables = live.watcher().tables();
  const std::int32_t partition = partition_of(id->view(), live.partitions());
  for (const auto& [stage, table] : {std::pair("settle", "payments"), std::pair("intake", "ids"),
                                     std::pair("settle", "rejections")}) {
    const Result<std::optional<std::string>> row =
        tables.get(stage, table, to_string(*id), partition);
    if (!row) {
      return to_response({.code = Code::partition_unavailable,
                          .detail = row.error().message,
                          .missing = {std::string(stage) + "/" + std::to_string(partition)}});
    }
    if (*row) {
      return http::json_response(stored_payment_json(*id, table, **row, wall_clock_now().ms));
    }
  }
  return to_response(
      {.code = Code::not_found,
       .detail = "No payment " + to_string(*id) + " is known; ids are remembered for 24 hours."});
}

bool fits(const RecentPayment& each, std::string_view status, std::string_view account) {
  const core::PaymentOutcome& outcome = each.outcome;
  return (status.empty() || status == core::to_string(outcome.status)) &&
         (account.empty() || account == outcome.from.text() || account == outcome.to.text());
}

// What this process has seen end: when no journal can be asked.
http::Response remembered(Live& live, const http::Request& request) {
  std::optional<Problem> problem;
  const std::size_t limit = page_limit(request, problem);
  const std::string_view status = http::Request::get(request.query, "status");
  const std::string_view account = http::Request::get(request.query, "account");
  http::JsonArray payments;
  std::size_t count = 0;
  for (const RecentPayment& each : live.outcomes().recent()) {
    if (count < limit && fits(each, status, account)) {
      ++count;
      payments.add_json(recent_payment_json(each.outcome, each.finished));
    }
  }
  return http::json_response(http::JsonObject()
                                 .add("as_of_ms", wall_clock_now().ms)
                                 .add("kept", limits::recent_payments)
                                 .add_null("journal")
                                 .add_json("payments", payments.finish())
                                 .add_null("next")
                                 .finish());
}

http::Response list(Live& live, const http::Request& request) {
  Question question(request);
  question.account("account")
      .word("status", {"accepted", "in_flight", "completed", "failed", "rejected"})
      .time("from", "from_ms")
      .time("to", "to_ms")
      .cursor()
      .limit();
  if (question.problem()) {
    return to_response(*question.problem());
  }
  http::Response answer = ask_journal(live, question.path("/query/payments"));
  const bool nobody = answer.status == info_of(Code::journal_unavailable).status;
  return nobody && question.is_simple() ? remembered(live, request) : answer;
}

}  // namespace

void add_payments_api(http::Router& router, const ApiParts& parts) {
  add_write(router, parts, "/payments", submit);
  add_read(router, parts, "/payments", list);
  add_read(router, parts, "/payments/{id}", get);
}

}  // namespace kpay::gateway
