// Problem: what a client gets instead of an answer, from a closed list of codes (RFC 9457).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/message.h"

namespace kpay::gateway {

enum class Code {
  body_invalid,
  body_too_large,
  field_invalid,
  field_missing,
  field_unknown,
  parameter_invalid,
  idempotency_key_invalid,
  idempotency_key_missing,
  idempotency_conflict,
  command_rejected,
  load_locked,
  media_type_unsupported,
  not_found,
  origin_refused,
  login_required,
  login_wrong,
  not_allowed,
  csrf_missing,
  too_many_requests,
  partition_unavailable,
  cluster_unavailable,
  journal_unavailable,
  not_kept,
  same_person,
  request_expired,
  request_approved,
  requests_full,
  letters_closed,
  not_signed,
};

struct CodeInfo {
  Code code;
  std::string_view word;  ///< stable; the problem's type is "/api/v1/problems/" and this
  int status;
  std::string_view title;  ///< in general; a problem's detail says it of the case
};

/// The whole list, in the order of Code.
[[nodiscard]] const std::vector<CodeInfo>& all_codes();
[[nodiscard]] const CodeInfo& info_of(Code code);

struct Problem {
  Code code = Code::not_found;
  std::string detail{};                ///< what is wrong, in a sentence
  std::string field{};                 ///< the member, header or parameter that is wrong
  std::string expected{};              ///< what would be right
  std::vector<std::string> missing{};  ///< partitions, "account/3"
  std::int64_t retry_after_s = 0;      ///< when it may be right; of a 503: 0 is its usual one
};

/// The problem as a JSON object, and as an answer.
[[nodiscard]] std::string to_json(const Problem& problem);
[[nodiscard]] http::Response to_response(const Problem& problem);
/// What an error of the libraries below is to a client.
[[nodiscard]] Problem problem_of(const Error& error);

}  // namespace kpay::gateway
