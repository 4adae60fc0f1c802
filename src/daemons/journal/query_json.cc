#include "daemons/journal/query_json.h"

#include <charconv>

namespace kpay::journal {

namespace {

using query::Hop;
using query::Journey;
using query::What;

void add_refusal(http::JsonObject& json, core::Refusal refusal) {
  refusal == core::Refusal::none ? json.add_null("refusal")
                                 : json.add("refusal", core::to_string(refusal));
}

void add_time(http::JsonObject& json, std::string_view name, std::int64_t ms) {
  ms == 0 ? json.add_null(name) : json.add(name, ms);
}

http::JsonObject begin_payment(const Journey& payment) {
  http::JsonObject json;
  json.add("payment_id", to_string(payment.id)).add("status", query::to_string(payment.status));
  add_refusal(json, payment.refusal);
  json.add("from", payment.from.text()).add("to", payment.to.text());
  add_amount(json, "amount", std::to_string(payment.amount.minor), payment.amount.currency);
  json.add("currency", payment.amount.currency.text());
  json.add("accepted_at_ms", payment.accepted_ms);
  add_time(json, "finished_at_ms", payment.finished_ms);
  return json;
}

std::string place_json(const audit::Place& place) {
  return http::JsonObject()
      .add("topic", audit::name_of(place.topic))
      .add("partition", place.partition)
      .add("offset", place.offset)
      .add("index", place.index)
      .finish();
}

std::string runner_json(const Hop& hop, const std::optional<query::Runner>& runner) {
  http::JsonObject json;
  json.add("stage", audit::stage_name(hop.stage)).add("partition", hop.cause.partition);
  if (runner) {
    json.add("instance", runner->instance)
        .add("build", runner->build)
        .add("logic_version", runner->logic_version)
        .add("rules_hash", runner->rules_hash);
  }
  return json.finish();
}

std::string effect_json(const query::Effect& effect, core::Currency currency) {
  http::JsonObject json;
  json.add("account", effect.account);
  add_amount(json, "before", effect.before_minor, currency);
  add_amount(json, "after", effect.after_minor, currency);
  return json.finish();
}

// From the append of what it follows from to its own: waiting in the topic, work, and the way
// there. The log has no time between the two.
std::optional<std::int64_t> passed_ms(const std::vector<Hop>& hops, const Hop& hop) {
  if (hop.stage == 0 && hop.what != What::result) {
    return std::nullopt;
  }
  for (const Hop& each : hops) {
    const bool cause =
        hop.what == What::result ? each.what == What::outcome : each.place == hop.cause;
    if (cause) {
      return hop.appended_ms - each.appended_ms;
    }
  }
  return std::nullopt;
}

std::string hop_json(const query::Told& told, std::size_t i) {
  const Hop& hop = told.journey.hops[i];
  http::JsonObject json;
  json.add("what", query::to_string(hop.what)).add_json("place", place_json(hop.place));
  json.add("appended_at_ms", hop.appended_ms);
  const std::optional<std::int64_t> passed = passed_ms(told.journey.hops, hop);
  passed ? json.add("passed_ms", *passed) : json.add_null("passed_ms");
  if (hop.what == What::outcome || hop.what == What::result) {
    json.add("says", query::to_string(hop.says));
  }
  if (hop.refusal != core::Refusal::none) {
    json.add("refusal", core::to_string(hop.refusal));
  }
  if (hop.what == What::dead_letter) {
    json.add("reason_number", hop.dead_letter_reason);
  }
  if (hop.stage != 0) {
    json.add_json("cause", place_json(hop.cause));
    json.add_json("sender", runner_json(hop, told.runners[i]));
  }
  if (told.effects[i]) {
    json.add_json("posting", effect_json(*told.effects[i], told.journey.amount.currency));
  }
  return json.finish();
}

}  // namespace

void add_amount(http::JsonObject& json, const std::string& name, const std::string& minor,
                core::Currency currency) {
  // A suspense account has no limit, so its balance may not fit: then its digits have to do.
  std::int64_t narrow = 0;
  const auto [end, error] = std::from_chars(minor.data(), minor.data() + minor.size(), narrow);
  json.add(name, error == std::errc{} ? core::format_amount({narrow, currency}) : minor)
      .add(name + "_minor", minor);
}

http::JsonObject begin_answer(const query::Progress& progress, const std::string& instance) {
  http::JsonObject json;
  json.add("as_of_ms", progress.as_of_ms)
      .add("kept_from_ms", progress.kept_from_ms)
      .add("journal", instance)
      .add("waiting_events", progress.waiting_events);
  return json;
}

std::string payment_json(const Journey& payment) {
  return begin_payment(payment)
      .add("status_url", "/api/v1/payments/" + to_string(payment.id))
      .finish();
}

std::string posting_json(const query::Posting& posting) {
  http::JsonObject json;
  json.add("posted_at_ms", posting.posted_ms).add("kind", posting.kind);
  add_amount(json, "amount", std::to_string(posting.delta_minor), posting.currency);
  add_amount(json, "balance", posting.balance_minor, posting.currency);
  json.add("currency", posting.currency.text());
  posting.id.is_nil() ? json.add_null("id") : json.add("id", to_string(posting.id));
  posting.counterparty.empty() ? json.add_null("counterparty")
                               : json.add("counterparty", posting.counterparty);
  posting.reference.empty() ? json.add_null("reference") : json.add("reference", posting.reference);
  return json.add("offset", posting.offset).add("index", posting.index).finish();
}

void add_journey(http::JsonObject& json, const query::Told& told) {
  const Journey& journey = told.journey;
  http::JsonObject payment = begin_payment(journey);
  payment.add("kind", query::to_string(journey.kind));
  journey.reference.empty() ? payment.add_null("reference")
                            : payment.add("reference", journey.reference);
  journey.value_date == 0 ? payment.add_null("value_date")
                          : payment.add("value_date", journey.value_date);
  json.add_json("payment", payment.finish());
  http::JsonArray hops;
  for (std::size_t i = 0; i < journey.hops.size(); ++i) {
    hops.add_json(hop_json(told, i));
  }
  json.add_json("hops", hops.finish()).add("more_hops", journey.more_hops);
}

}  // namespace kpay::journal
