#include "daemons/journal/report.h"

#include <array>

#include "http/json.h"

namespace kpay::journal {

namespace {

constexpr std::array kCutTopics{audit::Topic::incoming, audit::Topic::inflight,
                                audit::Topic::complete, audit::Topic::letters};

void add_tally(http::JsonObject& json, const std::string& name, const core::Tally& tally) {
  json.add(name + "_count", tally.count).add(name + "_minor", to_string(tally.value));
}

std::string currency_json(const audit::CurrencyBooks& books) {
  http::JsonObject json;
  json.add("conserved", books.conserved());
  add_tally(json, "opened", books.opened);
  add_tally(json, "deposits", books.deposits);
  json.add("balances_minor", to_string(books.balances));
  add_tally(json, "between", books.between);
  add_tally(json, "dead_letters", books.dead_letters);
  add_tally(json, "discarded", books.discarded);
  json.add("suspense_minor", to_string(books.suspense));
  add_tally(json, "accepted", books.accepted);
  add_tally(json, "completed", books.completed);
  add_tally(json, "failed", books.failed);
  add_tally(json, "refunded", books.refunded);
  add_tally(json, "refused", books.refused);
  core::Tally in_flight = books.accepted;
  in_flight.count -= books.completed.count + books.failed.count;
  in_flight.value -= books.completed.value + books.failed.value;
  add_tally(json, "in_flight", in_flight);
  return json.finish();
}

// By topic, what `of` says of it.
template <class Of>
std::string offsets_json(const Of& of) {
  http::JsonObject json;
  for (const audit::Topic topic : kCutTopics) {
    http::JsonArray offsets;
    for (const std::int64_t offset : of(topic)) {
      offsets.add_json(std::to_string(offset));
    }
    json.add_json(audit::name_of(topic), offsets.finish());
  }
  return json.finish();
}

std::string cut_json(const audit::Auditor& auditor) {
  return offsets_json([&](audit::Topic topic) { return auditor.cut(topic); });
}

std::string kept_json(const audit::Offsets* kept) {
  return kept == nullptr
             ? "null"
             : offsets_json([&](audit::Topic topic) { return (*kept)[audit::number_of(topic)]; });
}

std::string findings_json(const audit::Findings& findings) {
  http::JsonObject kinds;
  for (std::size_t i = 0; i < audit::kFindingKinds; ++i) {
    const auto kind = static_cast<audit::FindingKind>(i);
    if (findings.count(kind) > 0) {
      kinds.add(audit::to_string(kind), findings.count(kind));
    }
  }
  http::JsonObject json;
  json.add("total", findings.total()).add_json("kinds", kinds.finish());
  if (!findings.first().empty()) {
    json.add_json("first", finding_json(findings.first().front()));
  }
  return json.finish();
}

std::string counts_json(const audit::Auditor& auditor) {
  const audit::Counts& counts = auditor.counts();
  return http::JsonObject()
      .add("records", counts.records)
      .add("events", counts.events)
      .add("replayed", counts.replayed + auditor.ledger().results().repeats())
      .add("early", counts.early)
      .add("discarded", counts.discarded)
      .add("markers", counts.markers)
      .add("duplicates", auditor.ledger().duplicates())
      .add("waiting", auditor.ledger().waiting())
      .add("accounts", auditor.ledger().books().accounts())
      .add("held_bytes", auditor.held_bytes())
      .finish();
}

State state_of(const Described& described) {
  const audit::Auditor& auditor = *described.auditor;
  if (!described.unproven.empty()) {
    return State::unproven;
  }
  if (!auditor.conserved()) {
    return State::broken;
  }
  if (auditor.as_of().ms == 0) {
    return State::catching_up;
  }
  return described.now.ms - auditor.as_of().ms > kBehindMs ? State::behind : State::conserved;
}

std::string reason_of(const Described& described, State state) {
  const audit::Auditor& auditor = *described.auditor;
  switch (state) {
    case State::unproven: return described.unproven;
    case State::catching_up:
      return std::to_string(auditor.behind()) + " records are still to be read";
    case State::behind:
      return "what came after " + to_rfc3339(auditor.as_of()) + " is not audited yet";
    case State::broken: {
      const auto& findings = auditor.findings();
      return findings.first().empty()
                 ? "a sum is wrong"
                 : std::to_string(findings.total()) + " findings, the first: " +
                       std::string(audit::to_string(findings.first().front().kind)) + ", " +
                       audit::to_string(findings.first().front().place);
    }
    case State::conserved: break;
  }
  return {};
}

}  // namespace

const char* to_string(State state) noexcept {
  constexpr std::array<const char*, 5> kWords{"catching_up", "conserved", "behind", "broken",
                                              "unproven"};
  return kWords[static_cast<std::size_t>(state)];
}

std::string finding_json(const audit::Finding& finding) {
  return http::JsonObject()
      .add("number", finding.number)
      .add("kind", audit::to_string(finding.kind))
      .add("topic", audit::name_of(finding.place.topic))
      .add("partition", finding.place.partition)
      .add("offset", finding.place.offset)
      .add("index", finding.place.index)
      .add("subject", finding.subject.is_nil() ? std::string() : kpay::to_string(finding.subject))
      .add("expected", finding.expected)
      .add("found", finding.found)
      .finish();
}

Report report_of(const Described& described) {
  const audit::Auditor& auditor = *described.auditor;
  Report report;
  report.state = state_of(described);
  report.reason = reason_of(described, report.state);
  report.behind_records = auditor.behind();
  report.caught_up = auditor.as_of().ms != 0;
  http::JsonObject currencies;
  for (const auto& [currency, books] : auditor.ledger().books().currencies()) {
    const std::string name(currency.text());
    report.currencies.push_back({name, currency_json(books)});
    currencies.add_json(name, report.currencies.back().json);
  }
  for (const audit::Finding& finding : auditor.findings().first()) {
    report.findings.push_back({std::to_string(finding.number), finding_json(finding)});
  }
  report.statement = http::JsonObject()
                         .add("instance", described.instance)
                         .add("at_ms", described.now.ms)
                         .add("state", to_string(report.state))
                         .add("reason", report.reason)
                         .add("as_of_ms", auditor.as_of().ms)
                         .add("behind_records", report.behind_records)
                         .add_json("cut", cut_json(auditor))
                         .add_json("kept", kept_json(described.kept))
                         .add_json("currencies", currencies.finish())
                         .add("open_dead_letters", auditor.ledger().open_letters())
                         .add_json("findings", findings_json(auditor.findings()))
                         .add_json("counts", counts_json(auditor))
                         .finish();
  return report;
}

}  // namespace kpay::journal
