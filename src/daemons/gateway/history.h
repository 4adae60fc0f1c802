// History: what kpay-journal's query side knows, asked for a request of the API: lists, journeys,
// postings, statements and balances. docs/query.md
#pragma once

#include <initializer_list>
#include <string>
#include <utility>

#include "daemons/gateway/api.h"

namespace kpay::gateway {

/// A question to the journal, from the parameters of a request. The first that is wrong is kept as
/// a problem. Threads: one.
class Question {
 public:
  explicit Question(const http::Request& request) : request_(&request) {}

  Question& account(std::string_view name);  ///< a parameter of the query
  /// A time: whole milliseconds since 1970, a date, or RFC 3339 in UTC; asked as `as`.
  Question& time(std::string_view name, const std::string& as);
  Question& word(std::string_view name, std::initializer_list<std::string_view> words);
  Question& cursor();
  Question& limit();

  /// True when no parameter but the account, the status and the limit was given.
  [[nodiscard]] bool is_simple() const noexcept { return simple_; }
  [[nodiscard]] const std::optional<Problem>& problem() const noexcept { return problem_; }
  /// "path?name=value&…"
  [[nodiscard]] std::string path(const std::string& path) const;

 private:
  void add(const std::string& name, std::string_view value);
  void refuse(std::string_view name, std::string_view expected);

  const http::Request* request_;
  std::string query_;
  bool simple_ = true;
  std::optional<Problem> problem_;
};

/// The journal's answer, or the problem that stands for what it says; 503 when none can be asked.
[[nodiscard]] http::Response ask_journal(Live& live, const std::string& path);

}  // namespace kpay::gateway
