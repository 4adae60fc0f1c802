#include "daemons/journal/query_api.h"

#include <charconv>
#include <limits>

#include "daemons/journal/query_json.h"
#include "query/limits.h"

namespace kpay::journal {

namespace {

using http::Request;
using http::Response;

constexpr std::int64_t kEver = std::numeric_limits<std::int64_t>::max();
// Statements by month or year have more lines than a page of the screen.
constexpr std::size_t kStatementLinesMax = 5'000;

Response problem(int status, std::string detail) {
  return http::problem_response({.status = status, .detail = std::move(detail)});
}

Response problem_of(const Error& error) {
  return problem(error.code == ErrorCode::invalid ? 400 : 503, error.message);
}

// Reads parameters; the first that is wrong is remembered.
class Parameters {
 public:
  explicit Parameters(const Request& request) : request_(&request) {}

  std::string text(std::string_view name) {
    return std::string(Request::get(request_->query, name));
  }
  std::int64_t number(std::string_view name, std::int64_t otherwise, std::int64_t min,
                      std::int64_t max) {
    const std::string value = text(name);
    if (value.empty()) {
      return otherwise;
    }
    std::int64_t number = 0;
    const char* end = value.data() + value.size();
    const auto [at, error] = std::from_chars(value.data(), end, number);
    if (error != std::errc{} || at != end || number < min || number > max) {
      wrong_ = std::string(name) + " has to be a whole number from " + std::to_string(min) +
               " to " + std::to_string(max);
    }
    return number;
  }
  std::int64_t time(std::string_view name) { return number(name, 0, 0, kEver - 1); }
  std::size_t limit(std::size_t most = query::limits::rows_max) {
    return static_cast<std::size_t>(
        number("limit", query::limits::rows_default, 1, static_cast<std::int64_t>(most)));
  }
  void refuse(std::string what) { wrong_ = std::move(what); }
  [[nodiscard]] const std::string& wrong() const noexcept { return wrong_; }

 private:
  const Request* request_;
  std::string wrong_;
};

void add_next(http::JsonObject& json, const std::string& next) {
  next.empty() ? json.add_null("next") : json.add("next", next);
}

Response payments(Queries& queries, const Request& request) {
  Parameters parameters(request);
  query::PaymentFilter filter;
  filter.account = parameters.text("account");
  filter.from_ms = parameters.time("from_ms");
  filter.to_ms = parameters.time("to_ms");
  filter.cursor = parameters.text("cursor");
  filter.limit = parameters.limit();
  if (const std::string status = parameters.text("status"); !status.empty()) {
    filter.status = query::status_of(status);
    if (!filter.status) {
      parameters.refuse("there is no status " + status);
    }
  }
  if (!parameters.wrong().empty()) {
    return problem(400, parameters.wrong());
  }
  http::JsonObject json = begin_answer(queries.progress(), queries.instance());
  const Result<query::PaymentPage> page = queries.reader().payments(filter);
  if (!page) {
    return problem_of(page.error());
  }
  http::JsonArray list;
  for (const query::Journey& each : page->payments) {
    list.add_json(payment_json(each));
  }
  json.add_json("payments", list.finish());
  add_next(json, page->next);
  return http::json_response(json.finish());
}

Response journey(Queries& queries, const Request& request) {
  const std::optional<Uuid> id = parse_uuid(request.params.at("id"));
  if (!id) {
    return problem(404, "that is no id of a payment or command");
  }
  http::JsonObject json = begin_answer(queries.progress(), queries.instance());
  const Result<std::optional<query::Told>> told = queries.reader().journey(*id);
  if (!told) {
    return problem_of(told.error());
  }
  if (!*told) {
    return problem(404, "nothing is known of " + to_string(*id));
  }
  add_journey(json, **told);
  return http::json_response(json.finish());
}

// 404 for an account without any posting; 410 for times that are not kept.
std::optional<Response> cannot_tell(Queries& queries, const std::string& account,
                                    const query::Progress& progress, std::int64_t from_ms) {
  const Result<bool> known = queries.reader().knows(account);
  if (!known) {
    return problem_of(known.error());
  }
  if (!*known) {
    return problem(404, "nothing was posted to an account " + account);
  }
  if (from_ms < progress.kept_from_ms) {
    return problem(410, "postings before " + std::to_string(progress.kept_from_ms) +
                            " (ms since 1970) are not kept any more");
  }
  return std::nullopt;
}

query::PostingFilter posting_filter(const Request& request, Parameters& parameters,
                                    std::size_t limit_max) {
  query::PostingFilter filter;
  filter.account = request.params.at("id");
  filter.from_ms = parameters.time("from_ms");
  filter.to_ms = parameters.time("to_ms");
  filter.cursor = parameters.text("cursor");
  filter.limit = parameters.limit(limit_max);
  return filter;
}

Response postings(Queries& queries, const Request& request) {
  Parameters parameters(request);
  const query::PostingFilter filter = posting_filter(request, parameters, query::limits::rows_max);
  if (!parameters.wrong().empty()) {
    return problem(400, parameters.wrong());
  }
  const query::Progress progress = queries.progress();
  const Result<query::PostingPage> page = queries.reader().postings(filter);
  if (!page) {
    return problem_of(page.error());
  }
  http::JsonArray list;
  for (const query::Posting& each : page->postings) {
    list.add_json(posting_json(each));
  }
  http::JsonObject json = begin_answer(progress, queries.instance());
  json.add("account", filter.account).add_json("postings", list.finish());
  add_next(json, page->next);
  return http::json_response(json.finish());
}

// An account that has no posting yet has zero.
void add_balance(http::JsonObject& json, const std::string& name, const query::Balance& balance,
                 core::Currency currency) {
  add_amount(json, name, balance.minor.empty() ? "0" : balance.minor, currency);
}

Response statement(Queries& queries, const Request& request) {
  Parameters parameters(request);
  query::PostingFilter filter = posting_filter(request, parameters, kStatementLinesMax);
  filter.oldest_first = true;
  if (!parameters.wrong().empty()) {
    return problem(400, parameters.wrong());
  }
  const query::Progress progress = queries.progress();
  const std::int64_t to_ms = filter.to_ms == 0 ? kEver : filter.to_ms;
  filter.from_ms = parameters.text("from_ms").empty() ? progress.kept_from_ms : filter.from_ms;
  if (auto refused = cannot_tell(queries, filter.account, progress, filter.from_ms)) {
    return *refused;
  }
  const Result<query::Balance> opening = queries.reader().balance(filter.account, filter.from_ms);
  const Result<query::PostingPage> page = queries.reader().postings(filter);
  Result<query::Balance> closing = queries.reader().balance(filter.account, to_ms);
  const Result<query::Balance> last = queries.reader().balance(filter.account, kEver);
  if (!opening || !page || !closing || !last) {
    return problem_of(!opening   ? opening.error()
                      : !page    ? page.error()
                      : !closing ? closing.error()
                                 : last.error());
  }
  // The file is written meanwhile: on the last page, what the lines say.
  if (page->next.empty() && !page->postings.empty()) {
    closing->minor = page->postings.back().balance_minor;
  } else if (page->next.empty() && filter.cursor.empty()) {
    closing->minor = opening->minor;
  }
  http::JsonObject json = begin_answer(progress, queries.instance());
  json.add("account", filter.account).add("currency", last->currency.text());
  json.add("from_ms", filter.from_ms);
  filter.to_ms == 0 ? json.add_null("to_ms") : json.add("to_ms", filter.to_ms);
  add_balance(json, "opening", *opening, last->currency);
  http::JsonArray lines;
  for (const query::Posting& each : page->postings) {
    lines.add_json(posting_json(each));
  }
  json.add_json("lines", lines.finish());
  add_balance(json, "closing", *closing, last->currency);
  add_next(json, page->next);
  return http::json_response(json.finish());
}

Response balance(Queries& queries, const Request& request) {
  Parameters parameters(request);
  const std::string account = request.params.at("id");
  const std::int64_t at_ms = parameters.number("at_ms", kEver - 1, 0, kEver - 1);
  if (!parameters.wrong().empty()) {
    return problem(400, parameters.wrong());
  }
  const query::Progress progress = queries.progress();
  if (auto refused = cannot_tell(queries, account, progress, at_ms)) {
    return *refused;
  }
  const Result<query::Balance> found = queries.reader().balance(account, at_ms + 1);
  const Result<query::Balance> last = queries.reader().balance(account, kEver);
  if (!found || !last) {
    return problem_of(!found ? found.error() : last.error());
  }
  http::JsonObject json = begin_answer(progress, queries.instance());
  json.add("account", account).add("currency", last->currency.text());
  at_ms == kEver - 1 ? json.add_null("at_ms") : json.add("at_ms", at_ms);
  add_balance(json, "balance", *found, last->currency);
  found->posted_ms == 0 ? json.add_null("last_posting_at_ms")
                        : json.add("last_posting_at_ms", found->posted_ms);
  return http::json_response(json.finish());
}

}  // namespace

void add_query_endpoints(http::Router& router, std::function<std::shared_ptr<Queries>()> queries) {
  using Answer = Response (*)(Queries&, const Request&);
  for (const auto& [path, answer] :
       {std::pair<const char*, Answer>("/query/payments", payments),
        std::pair<const char*, Answer>("/query/payments/{id}", journey),
        std::pair<const char*, Answer>("/query/accounts/{id}/postings", postings),
        std::pair<const char*, Answer>("/query/accounts/{id}/statement", statement),
        std::pair<const char*, Answer>("/query/accounts/{id}/balance", balance)}) {
    router.add("GET", path, [queries, answer = answer](const Request& request) {
      const std::shared_ptr<Queries> now = queries();
      if (now == nullptr) {
        return problem(503, "the cluster wasn't reached yet");
      }
      const std::string why_not = now->problem();
      return why_not.empty() ? answer(*now, request) : problem(503, why_not);
    });
  }
}

}  // namespace kpay::journal
