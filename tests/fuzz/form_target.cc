// JSON bodies of the gateway's requests. The first byte says which request it is.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "core/limits.h"
#include "daemons/gateway/form.h"
#include "daemons/gateway/limits.h"
#include "daemons/gateway/payment.h"
#include "daemons/tool/load_state.h"
#include "fuzz/target.h"

namespace kpay::fuzz {

namespace {

using Json = nlohmann::json;

// True when the form was right. A wrong one says what, and what would be right.
bool is_right(gateway::Form& form) {
  const std::optional<gateway::Problem> problem = form.problem();
  if (!problem) {
    return true;
  }
  check(!problem->detail.empty() && !problem->expected.empty(), "a problem says what is right");
  const Json json = Json::parse(gateway::to_json(*problem), nullptr, false);
  check(json.is_object() && json.contains("code"), "a problem is a JSON object");
  return false;
}

void check_transfer(const core::Transfer& transfer) {
  check(!transfer.from.empty() && !transfer.to.empty() && transfer.amount.currency.known() &&
            core::is_valid(transfer.value_date) && transfer.reference.size() <= core::kReferenceMax,
        "a transfer that is taken has all its fields");
}

void read_payment(std::string_view body, bool with_id) {
  gateway::Form form(body);
  Uuid id;
  if (with_id) {
    id = form.id("id");
  }
  std::string reference;
  const core::Transfer transfer = gateway::read_transfer(form, id, reference);
  if (!is_right(form)) {
    return;
  }
  check(!with_id || id.is_v7(), "a payment's id is of version 7");
  check_transfer(transfer);
  // What is shown of it can be sent again.
  const Json shown = Json::parse(gateway::payment_json(transfer, "accepted", "none"));
  Json again;
  for (const char* name : {"from", "to", "amount", "currency"}) {
    again[name] = shown.at(name);
  }
  gateway::Form second(again.dump());
  std::string none;
  const core::Transfer same = gateway::read_transfer(second, id, none);
  check(!second.problem() && same.from == transfer.from && same.to == transfer.to &&
            same.amount == transfer.amount,
        "a payment as it is shown is the same payment");
}

void read_account(std::string_view body) {
  gateway::Form form(body);
  const core::AccountId account = form.account("account");
  const core::Money opening = form.money("opening", false);
  if (is_right(form)) {
    check(!account.empty() && opening.currency.known(), "an account has id and currency");
  }
}

void read_load(std::string_view body) {
  constexpr std::int64_t kSecondsMax = 1000;
  gateway::Form form(body);
  const double rate = form.rate("rate", std::nullopt, tool::kRateMin, tool::kRateMax);
  const double share = form.rate("bad_share", 0.0, 0.0, 1.0);
  const std::int64_t seconds = form.number("duration_s", 0, 1, kSecondsMax);
  const std::string reason = form.text("reason", gateway::limits::reason_bytes_max);
  if (is_right(form)) {
    check(rate >= tool::kRateMin && rate <= tool::kRateMax && share >= 0 && share <= 1,
          "rates are within their bounds");
    check(seconds >= 0 && seconds <= kSecondsMax, "numbers are within their bounds");
    check(!reason.empty() && reason.size() <= gateway::limits::reason_bytes_max,
          "texts are within their bounds");
  }
}

void read_request(std::string_view body) {
  gateway::Form form(body);
  const std::string what = form.choice("what", {"replay", "discard"});
  const std::vector<ctl::LetterId> ids = form.letters("ids");
  if (is_right(form)) {
    check(what == "replay" || what == "discard", "a choice is one of its words");
    check(!ids.empty() && ids.size() <= gateway::limits::request_letters_max &&
              std::is_sorted(ids.begin(), ids.end()),
          "letters are some, each once");
  }
}

}  // namespace

void run_form(ByteView input) {
  if (input.empty()) {
    return;
  }
  const std::string_view body = as_text(input.subspan(1));
  switch (static_cast<char>(input.front())) {
    case 'p': return read_payment(body, false);
    case 'b': return read_payment(body, true);
    case 'a': return read_account(body);
    case 'r': return read_request(body);
    default: return read_load(body);
  }
}

}  // namespace kpay::fuzz
