// Requests: one person asks for dead letters to be replayed or discarded, another one approves.
#include <algorithm>

#include "base/time.h"
#include "daemons/ctl/letter_close.h"
#include "daemons/gateway/api.h"
#include "daemons/gateway/form.h"
#include "daemons/gateway/guard.h"
#include "daemons/gateway/limits.h"
#include "daemons/gateway/requests.h"
#include "http/json.h"

namespace kpay::gateway {

namespace {

using access::Role;

constexpr access::Roles kCheckers = Role::approver | Role::admin;

std::string request_json(const LetterRequest& request, const std::string& asking,
                         std::int64_t now_ms) {
  http::JsonArray ids;
  for (const ctl::LetterId& id : request.letters) {
    ids.add(to_string(id));
  }
  return http::JsonObject()
      .add("id", request.id)
      .add("what", request.discards ? "discard" : "replay")
      .add_json("ids", ids.finish())
      .add("reason", request.reason)
      .add("maker", request.maker)
      .add("at_ms", request.at_ms)
      .add("expires_ms", request.expires_ms)
      .add("expired", request.expired(now_ms))
      .add("approver", request.approver)
      .add("approved_at_ms", request.approved_at_ms)
      .add("yours", is_same_person(request.maker, asking))
      .finish();
}

http::Response get_requests(Live& live, const http::Request& request) {
  const std::int64_t now_ms = wall_clock_now().ms;
  http::JsonArray list;
  for (const LetterRequest& each : requests_in(live.feed().seen().state)) {
    list.add_json(request_json(each, request.principal, now_ms));
  }
  return http::json_response(
      http::JsonObject().add("as_of_ms", now_ms).add_json("requests", list.finish()).finish());
}

// ---- asking

std::optional<Problem> not_open(Live& live, const std::vector<ctl::LetterId>& ids) {
  const Result<std::shared_ptr<const Letters>> read = live.letters();
  if (!read) {
    return problem_of(read.error());
  }
  Result<std::vector<ctl::Letter>> found = letters_among(**read, {.ids = ids});
  if (!found) {
    return problem_of(found.error());
  }
  const bool any = std::any_of(found->begin(), found->end(), [](const ctl::Letter& letter) {
    return letter.state == ctl::LetterState::open;
  });
  return any ? std::nullopt
             : std::optional(Problem{.code = Code::letters_closed,
                                     .detail = "Something was done about each of them already.",
                                     .field = "ids",
                                     .expected = "letters whose state is open"});
}

http::Response post_request(Live& live, const http::Request& request) {
  Form form(request.body);
  const std::string what = form.choice("what", {"replay", "discard"});
  LetterRequest made;
  made.letters = form.letters("ids");
  made.reason = form.text("reason", limits::reason_bytes_max);
  std::optional<Problem> problem = form.problem();
  problem = problem ? problem : not_open(live, made.letters);
  if (problem) {
    return to_response(*problem);
  }
  const std::vector<LetterRequest> before = requests_in(live.feed().seen().state);
  const std::int64_t now_ms = wall_clock_now().ms;
  const std::vector<std::string> gone = outdated(before, now_ms);
  for (const std::string& key : gone) {
    (void)live.write_state(key, "");  // else the next one who asks does it
  }
  if (before.size() - gone.size() >= limits::requests_max) {
    return to_response({.code = Code::requests_full,
                        .detail = std::to_string(before.size()) + " requests are there already.",
                        .expected = "that some are approved or declined first"});
  }
  made.id = to_string(new_uuid_v7());
  made.discards = what == "discard";
  made.maker = request.principal;
  made.at_ms = now_ms;
  made.expires_ms = now_ms + limits::request_ms;
  if (Result<void> written = live.write_state(key_of(made), to_json(made)); !written) {
    return to_response(problem_of(written.error()));
  }
  http::Response response = http::json_response(request_json(made, request.principal, now_ms), 201);
  response.headers.emplace_back("Location", "/api/v1/requests");
  return response;
}

// ---- approving

std::optional<LetterRequest> find(Live& live, const http::Request& request) {
  const auto id = request.params.find("id");
  const std::string key = id == request.params.end() ? "" : "request/" + id->second;
  return parse_request(key, live.feed().state_of(key));
}

http::Response no_request() {
  return to_response({.code = Code::not_found,
                      .detail = "No request waits with this id: it was carried out or declined, or "
                                "never was.",
                      .field = "id",
                      .expected = "an id of GET /api/v1/requests"});
}

std::optional<Problem> may_not_approve(const LetterRequest& asked, const std::string& asking) {
  if (is_same_person(asked.maker, asking)) {
    return Problem{.code = Code::same_person,
                   .detail = asked.maker + " has asked for this, and can't approve it.",
                   .expected = "another person with the role approver or admin"};
  }
  if (asked.expired(wall_clock_now().ms)) {
    return Problem{.code = Code::request_expired,
                   .detail = "Nobody has approved it in time.",
                   .expected = "that it is asked for again"};
  }
  return std::nullopt;
}

Problem not_signed(const LetterRequest& asked) {
  return {.code = Code::not_signed,
          .detail = "Keys are enrolled, and the gateway has none: the letters stay open.",
          .expected = as_proposal(asked)};
}

// The gateway has no key: where any is enrolled, its records would be answered `not_signed`.
std::optional<Problem> has_to_be_signed(Live& live, const LetterRequest& asked) {
  const ctl::HttpTables tables = live.watcher().tables();
  std::vector<std::string> missing;
  for (const std::int32_t partition : tables.unserved("intake")) {
    missing.push_back("intake/" + std::to_string(partition));
  }
  if (!missing.empty()) {
    return Problem{.code = Code::partition_unavailable,
                   .detail = "Nobody can say whether records have to be signed, or answer them.",
                   .missing = std::move(missing)};
  }
  for (const ctl::Instance& instance : tables.serving("intake")) {
    const Result<ctl::RowPage> keys = tables.page_of(instance, "intake", "operator_keys", 1, "");
    if (!keys) {
      return problem_of(keys.error());
    }
    if (!keys->rows.empty()) {
      return not_signed(asked);
    }
  }
  return std::nullopt;
}

// All of ops.dlq is read: meanwhile newer letters may have come than the newest that are shown.
Result<ctl::Closing> close(Live& live, const LetterRequest& asked) {
  Result<tool::Reached> reached = tool::reach_system(live.connection());
  if (!reached) {
    return Unexpected(reached.error());
  }
  Result<ctl::OpenLetters> letters = ctl::open_letters(*reached, {.ids = asked.letters});
  if (!letters) {
    return Unexpected(letters.error());
  }
  if (asked.discards) {
    for (ctl::LetterItem& item : letters->items) {
      item.chosen = true;
    }
  } else {
    ctl::choose_for_replay(*letters, false);
  }
  ctl::ChannelOptions channel{.author = author_of(asked)};
  if (!letters->items.empty()) {
    channel.lineage = letters->items.front().letter.lineage;
  }
  return ctl::close_letters(
      *reached, std::move(channel), *letters,
      {asked.discards, reason_of(asked), limits::closings_per_second, limits::close_ms});
}

// What has become of it decides whether the request is still needed.
http::Response settle(Live& live, const LetterRequest& before, const LetterRequest& asked,
                      const Result<ctl::Closing>& closing) {
  live.forget_letters();
  if (!closing) {
    return to_response(problem_of(closing.error()));
  }
  // Enrolled since has_to_be_signed() looked: it waits again, for those who sign or decline.
  if (closing->unanswered == 0 && closing->became.size() == 1 &&
      closing->became.contains("not_signed")) {
    Result<void> written = live.write_state(key_of(before), to_json(before));
    return to_response(written ? not_signed(asked) : problem_of(written.error()));
  }
  const bool ended = closing->unanswered == 0;
  if (ended) {
    if (Result<void> written = live.write_state(key_of(asked), ""); !written) {
      return to_response(problem_of(written.error()));
    }
  }
  return http::json_response(http::JsonObject()
                                 .add("id", asked.id)
                                 .add("what", asked.discards ? "discard" : "replay")
                                 .add("author", author_of(asked))
                                 .add("ended", ended)
                                 .add_json("result", closing->answer.json)
                                 .finish(),
                             ended ? 200 : 202);
}

http::Response approve(Live& live, const http::Request& request) {
  Form form(request.body);
  const std::string reason = form.text("reason", limits::reason_bytes_max);
  if (const std::optional<Problem> problem = form.problem()) {
    return to_response(*problem);
  }
  const std::optional<LetterRequest> found = find(live, request);
  if (!found) {
    return no_request();
  }
  if (const std::optional<Problem> problem = may_not_approve(*found, request.principal)) {
    return to_response(*problem);
  }
  // A letter that moves is a client's own command, which needs no signature: so this is asked
  // first.
  if (const std::optional<Problem> problem = has_to_be_signed(live, *found)) {
    return to_response(*problem);
  }
  LetterRequest asked = *found;
  if (!asked.approved()) {
    asked.approver = request.principal;
    asked.approve_reason = reason;
    asked.approved_at_ms = wall_clock_now().ms;
    // BEFORE anything is sent: from here on it is brought to its end, whoever does that.
    if (Result<void> written = live.write_state(key_of(asked), to_json(asked)); !written) {
      return to_response(problem_of(written.error()));
    }
  }
  return settle(live, *found, asked, close(live, asked));
}

// ---- declining

http::Response decline(Live& live, const access::Roles& roles, const http::Request& request) {
  Form form(request.body);
  (void)form.text("reason", limits::reason_bytes_max);
  if (const std::optional<Problem> problem = form.problem()) {
    return to_response(*problem);
  }
  const std::optional<LetterRequest> found = find(live, request);
  if (!found) {
    return no_request();
  }
  if (!is_same_person(found->maker, request.principal) && !roles.meets(kCheckers)) {
    return to_response({.code = Code::not_allowed,
                        .detail = request.principal + " has not asked for this.",
                        .expected = found->maker + ", or the role approver or admin"});
  }
  if (found->approved()) {
    return to_response({.code = Code::request_approved,
                        .detail = found->approver + " has approved it; it is being carried out.",
                        .expected = "an approval once more, if it has not come to its end"});
  }
  if (Result<void> written = live.write_state(key_of(*found), ""); !written) {
    return to_response(problem_of(written.error()));
  }
  return http::json_response(
      http::JsonObject().add("id", found->id).add("declined", true).finish());
}

}  // namespace

void add_requests_api(http::Router& router, const ApiParts& parts) {
  add_read(router, parts, "/requests", get_requests);
  add_write(router, parts, "/requests", post_request);
  add_write(router, parts, "/requests/{id}/approve", approve);
  add_write(router, parts, "/requests/{id}/decline",
            [guard = parts.guard](Live& live, const http::Request& request) {
              const std::optional<access::Caller> caller = guard->caller_of(request);
              return decline(live, caller ? caller->roles : access::Roles(), request);
            });
}

}  // namespace kpay::gateway
