#include "daemons/gateway/problem.h"

#include <algorithm>

#include "http/json.h"
#include "http/limits.h"

namespace kpay::gateway {

const std::vector<CodeInfo>& all_codes() {
  static const std::vector<CodeInfo> codes{
      {Code::body_invalid, "body_invalid", 400, "The body is not what this request takes"},
      {Code::body_too_large, "body_too_large", 413, "The body is too large"},
      {Code::field_invalid, "field_invalid", 422, "A field has a value that it can't have"},
      {Code::field_missing, "field_missing", 422, "A field that is required is missing"},
      {Code::field_unknown, "field_unknown", 422, "A field is not known"},
      {Code::parameter_invalid, "parameter_invalid", 400, "A parameter of the query is wrong"},
      {Code::idempotency_key_invalid, "idempotency_key_invalid", 422,
       "The Idempotency-Key is no UUID of version 7"},
      {Code::idempotency_key_missing, "idempotency_key_missing", 400,
       "The Idempotency-Key is missing"},
      {Code::idempotency_conflict, "idempotency_conflict", 409,
       "The id was used before with other content"},
      {Code::command_rejected, "command_rejected", 422, "The command was rejected"},
      {Code::load_locked, "load_locked", 409, "Load is not allowed on this system"},
      {Code::media_type_unsupported, "media_type_unsupported", 415,
       "The body has another media type than this request takes"},
      {Code::not_found, "not_found", 404, "There is no such thing"},
      {Code::origin_refused, "origin_refused", 403,
       "The request comes from a page of another origin, or names another host"},
      {Code::login_required, "login_required", 401, "This needs a login or a token"},
      {Code::login_wrong, "login_wrong", 401, "The user or the password is wrong"},
      {Code::not_allowed, "not_allowed", 403, "Your roles don't allow this"},
      {Code::csrf_missing, "csrf_missing", 403,
       "A write of a session needs its token in the header X-Kpay-Csrf"},
      {Code::too_many_requests, "too_many_requests", 429, "Too many requests"},
      {Code::partition_unavailable, "partition_unavailable", 503,
       "The partition that has the answer is not served now"},
      {Code::cluster_unavailable, "cluster_unavailable", 503, "The cluster does not answer"},
      {Code::journal_unavailable, "journal_unavailable", 503,
       "No kpay-journal with a query side answers now"},
      {Code::not_kept, "not_kept", 410, "It is too old and not kept any more"},
      {Code::same_person, "same_person", 403, "Another person has to approve this"},
      {Code::request_expired, "request_expired", 409, "The request has expired"},
      {Code::request_approved, "request_approved", 409, "The request is approved already"},
      {Code::requests_full, "requests_full", 409, "As many requests wait as there is room for"},
      {Code::letters_closed, "letters_closed", 409, "None of the dead letters is open"},
      {Code::not_signed, "not_signed", 409, "Operators' records have to be signed here"},
  };
  return codes;
}

const CodeInfo& info_of(Code code) { return all_codes()[static_cast<std::size_t>(code)]; }

std::string to_json(const Problem& problem) {
  const CodeInfo& info = info_of(problem.code);
  http::JsonObject json;
  json.add("type", "/api/v1/problems/" + std::string(info.word))
      .add("title", info.title)
      .add("status", info.status)
      .add("code", info.word)
      .add("detail", problem.detail);
  if (!problem.field.empty()) {
    json.add("field", problem.field);
  }
  if (!problem.expected.empty()) {
    json.add("expected", problem.expected);
  }
  if (!problem.missing.empty()) {
    http::JsonArray missing;
    for (const std::string& partition : problem.missing) {
      missing.add(partition);
    }
    json.add_json("missing_partitions", missing.finish());
  }
  return json.finish();
}

http::Response to_response(const Problem& problem) {
  http::Response response{.status = info_of(problem.code).status,
                          .content_type = "application/problem+json",
                          .body = to_json(problem)};
  const std::int64_t usual_s = response.status == 503 ? http::limits::retry_after_seconds : 0;
  if (const std::int64_t wait_s = std::max(problem.retry_after_s, usual_s); wait_s > 0) {
    response.headers.emplace_back("Retry-After", std::to_string(wait_s));
  }
  return response;
}

Problem problem_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::invalid: return {.code = Code::parameter_invalid, .detail = error.message};
    case ErrorCode::not_found: return {.code = Code::not_found, .detail = error.message};
    default: return {.code = Code::cluster_unavailable, .detail = error.message};
  }
}

}  // namespace kpay::gateway
