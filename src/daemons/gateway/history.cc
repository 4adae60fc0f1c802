#include "daemons/gateway/history.h"

#include <algorithm>

#include "base/time.h"
#include "base/time_text.h"
#include "core/ids.h"
#include "daemons/ctl/journal_client.h"
#include "daemons/gateway/limits.h"
#include "http/target.h"

namespace kpay::gateway {

namespace {

constexpr std::size_t kCursorBytesMax = 80;

}  // namespace

void Question::add(const std::string& name, std::string_view value) {
  query_ += (query_.empty() ? "?" : "&") + name + "=" + http::percent_encode(value);
}

void Question::refuse(std::string_view name, std::string_view expected) {
  if (!problem_) {
    problem_ = Problem{.code = Code::parameter_invalid,
                       .detail = std::string(name) + " is not what it has to be.",
                       .field = std::string(name),
                       .expected = std::string(expected)};
  }
}

Question& Question::account(std::string_view name) {
  const std::string_view value = http::Request::get(request_->query, name);
  if (!value.empty() && !core::AccountId::parse(value)) {
    refuse(name, "1 to 34 characters of A-Z a-z 0-9 . _ : -");
  } else if (!value.empty()) {
    add(std::string(name), value);
  }
  return *this;
}

Question& Question::time(std::string_view name, const std::string& as) {
  const std::string_view value = http::Request::get(request_->query, name);
  if (value.empty()) {
    return *this;
  }
  simple_ = false;
  if (const std::optional<Timestamp> at = parse_time(value)) {
    add(as, std::to_string(at->ms));
  } else {
    refuse(name, "2026-11-22, 2026-11-22T16:53:55Z, or whole milliseconds since 1970");
  }
  return *this;
}

Question& Question::word(std::string_view name, std::initializer_list<std::string_view> words) {
  const std::string_view value = http::Request::get(request_->query, name);
  if (value.empty()) {
    return *this;
  }
  if (std::find(words.begin(), words.end(), value) == words.end()) {
    std::string expected = "one of";
    for (const std::string_view word : words) {
      expected += " " + std::string(word);
    }
    refuse(name, expected);
  }
  add(std::string(name), value);
  return *this;
}

Question& Question::cursor() {
  const std::string_view value = http::Request::get(request_->query, "cursor");
  if (value.empty()) {
    return *this;
  }
  simple_ = false;
  if (value.size() > kCursorBytesMax) {
    refuse("cursor", "the next of the page before, unchanged");
  }
  add("cursor", value);
  return *this;
}

Question& Question::limit() {
  std::optional<Problem> wrong;
  add("limit", std::to_string(page_limit(*request_, wrong)));
  problem_ = problem_ ? problem_ : wrong;
  return *this;
}

std::string Question::path(const std::string& path) const { return path + query_; }

http::Response ask_journal(Live& live, const std::string& path) {
  if (monotonic_ms() < live.no_journal_until_ms()) {
    return to_response(
        {.code = Code::journal_unavailable,
         .detail = "it didn't answer a moment ago, and isn't asked for two seconds from then on"});
  }
  const Result<http::ClientResponse> answer =
      ctl::ask_journal(live.daemons(), live.feed().metadata(), path);
  if (!answer) {
    live.no_journal_until_ms() = monotonic_ms() + limits::no_journal_ms;
    return to_response({.code = Code::journal_unavailable, .detail = answer.error().message});
  }
  switch (answer->status) {
    case 200: return http::json_response(answer->body);
    case 400:
      return to_response({.code = Code::parameter_invalid, .detail = ctl::detail_of(answer->body)});
    case 404: return to_response({.code = Code::not_found, .detail = ctl::detail_of(answer->body)});
    case 410: return to_response({.code = Code::not_kept, .detail = ctl::detail_of(answer->body)});
    default:
      return to_response(
          {.code = Code::journal_unavailable, .detail = ctl::detail_of(answer->body)});
  }
}

// ---- routes

namespace {

http::Response journey(Live& live, const http::Request& request) {
  const std::string& text = request.params.at("id");
  const std::optional<Uuid> id = parse_uuid(text);
  if (!id) {
    return to_response({.code = Code::not_found,
                        .detail = "\"" + text + "\" is no payment id.",
                        .field = "id",
                        .expected = "a UUID of version 7"});
  }
  return ask_journal(live, "/query/payments/" + to_string(*id));
}

// Suspense accounts have a posting side, too: "suspense:EUR@3", of partition 3.
http::Response of_account(Live& live, const http::Request& request, const std::string& what,
                          const Question& question) {
  const std::string& account = request.params.at("id");
  const std::string name = account.substr(0, account.find('@'));
  if (!core::AccountId::parse(name)) {
    return to_response({.code = Code::not_found,
                        .detail = "\"" + account + "\" is no account id.",
                        .field = "id",
                        .expected = "1 to 34 characters of A-Z a-z 0-9 . _ : -"});
  }
  if (question.problem()) {
    return to_response(*question.problem());
  }
  return ask_journal(
      live, question.path("/query/accounts/" + http::percent_encode(account) + "/" + what));
}

http::Response postings(Live& live, const http::Request& request) {
  Question question(request);
  question.time("from", "from_ms").time("to", "to_ms").cursor().limit();
  return of_account(live, request, "postings", question);
}

http::Response statement(Live& live, const http::Request& request) {
  Question question(request);
  question.time("from", "from_ms").time("to", "to_ms").cursor().limit();
  return of_account(live, request, "statement", question);
}

http::Response balance(Live& live, const http::Request& request) {
  Question question(request);
  question.time("at", "at_ms");
  return of_account(live, request, "balance", question);
}

}  // namespace

void add_history_api(http::Router& router, const ApiParts& parts) {
  add_read(router, parts, "/payments/{id}/journey", journey);
  add_read(router, parts, "/accounts/{id}/postings", postings);
  add_read(router, parts, "/accounts/{id}/statement", statement);
  add_read(router, parts, "/accounts/{id}/balance", balance);
}

}  // namespace kpay::gateway
