#include "http/exchange.h"

#include <Poco/DateTimeFormat.h>
#include <Poco/DateTimeFormatter.h>
#include <Poco/Exception.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Timestamp.h>

#include <algorithm>
#include <charconv>
#include <exception>
#include <optional>
#include <sstream>

#include "http/limits.h"
#include "http/target.h"

namespace kpay::http {
namespace {

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

Problem bad_request(const std::string& detail) { return {.status = 400, .detail = detail}; }

// The length of the body, or why it can't be known. Two ways to say it are a
// way to smuggle.
std::optional<Problem> read_length(Head& head, std::uint64_t body_bytes_max) {
  if (head.headers.contains("transfer-encoding")) {
    return Problem{.status = 411,
                   .detail = "Bodies in chunks are not taken; send a Content-Length."};
  }
  const std::string_view length = Request::get(head.headers, "content-length");
  if (!head.headers.contains("content-length")) {
    return std::nullopt;
  }
  const char* end = length.data() + length.size();
  const auto [stop, error] = std::from_chars(length.data(), end, head.body_bytes);
  if (error == std::errc::invalid_argument || stop != end) {
    return bad_request("The Content-Length is not one whole number.");
  }
  if (error != std::errc{} || head.body_bytes > body_bytes_max) {
    return Problem{.status = 413,
                   .detail = "The body is too large: at most " + std::to_string(body_bytes_max) +
                             " bytes are taken."};
  }
  return std::nullopt;
}

// RFC 9110: a name with other characters, as a space before its colon, is one
// that somebody on the way may have read as another.
bool is_token(std::string_view name) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (c >= '0' && c <= '9') || kMarks.find(c) != std::string_view::npos;
  });
}

bool is_one_line(std::string_view value) {
  return value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

// A header's value can't end its line.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n'; }, ' ');
  return text;
}

std::string join(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) {
    out += (out.empty() ? "" : ", ") + text;
  }
  return out;
}

Response not_found(const Router::Match& match, const Head& head, const std::string& path) {
  if (match.allowed.empty()) {
    return problem_response({.status = 404, .detail = "There is nothing at " + path + "."});
  }
  Response response = problem_response(
      {.status = 405,
       .detail = path + " has no " + head.method + ", it has " + join(match.allowed) + "."});
  response.headers.emplace_back("Allow", join(match.allowed));
  return response;
}

}  // namespace

std::variant<Head, Problem> parse_head(const std::string& text, std::uint64_t body_bytes_max) {
  const auto lines = std::count(text.begin(), text.end(), '\n');
  if (lines > limits::header_fields_max + 2) {
    return Problem{.status = 431,
                   .detail = "The request has too many header fields: at most " +
                             std::to_string(limits::header_fields_max) + "."};
  }
  Poco::Net::HTTPRequest parsed;
  try {
    std::istringstream stream(text);
    parsed.read(stream);
  } catch (const Poco::Exception&) {
    return bad_request("The request's head is not HTTP.");
  }
  if (!parsed.getVersion().starts_with("HTTP/1.")) {
    return bad_request("The request's version is not HTTP/1.1 or HTTP/1.0.");
  }
  Head head;
  head.method = parsed.getMethod();
  head.target = parsed.getURI();
  for (const auto& [name, value] : parsed) {
    if (!is_token(name) || !is_one_line(value)) {
      return bad_request("A header field is not a name, a colon and a value on one line.");
    }
    std::string& joined = head.headers[lower_case(name)];
    joined += (joined.empty() ? "" : ", ") + value;
  }
  head.keep_alive = parsed.getKeepAlive();
  head.expects_continue = lower_case(parsed.get("Expect", "")) == "100-continue";
  if (std::optional<Problem> problem = read_length(head, body_bytes_max)) {
    return *std::move(problem);
  }
  return head;
}

Outcome dispatch(const Router& router, const Head& head, Request request) {
  std::optional<Target> target = parse_target(head.target);
  if (!target) {
    return {problem_response(bad_request("The request's target is not a path with a query that "
                                         "has each parameter once and its escapes right.")),
            "unmatched"};
  }
  Router::Match match = router.find(head.method, target->segments);
  if (match.route == nullptr) {
    return {not_found(match, head, target->path), "unmatched"};
  }
  request.method = match.route->method;
  request.path = std::move(target->path);
  request.query = std::move(target->query);
  request.params = std::move(match.params);
  request.headers = head.headers;
  Outcome outcome;
  outcome.route = match.route->pattern;
  try {
    outcome.response = router.call(*match.route, request);
    if (head.method == "HEAD") {
      outcome.response.stream.reset();
    }
  } catch (const std::exception&) {  // it ends here and the client learns nothing of it
    outcome.failed = true;
    outcome.response = problem_response({.status = 500,
                                         .detail = "The request could not be "
                                                   "answered; the log says why."});
  }
  return outcome;
}

std::string_view method_label(std::string_view method) noexcept {
  for (const std::string_view known : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}) {
    if (method == known) {
      return known;
    }
  }
  return "other";
}

std::string response_head(const Response& response, bool keep_alive) {
  const std::string date =
      Poco::DateTimeFormatter::format(Poco::Timestamp(), Poco::DateTimeFormat::HTTP_FORMAT);
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " " +
                     std::string(reason_phrase(response.status)) + "\r\nDate: " + date + "\r\n";
  const auto add = [&head](const std::string& name, const std::string& value) {
    head += one_line(name) + ": " + one_line(value) + "\r\n";
  };
  if (!response.content_type.empty() && response.status != 204 && response.status != 304) {
    add("Content-Type", response.content_type);
  }
  if (response.status != 204 && response.status != 304) {
    if (response.stream == nullptr) {
      add("Content-Length", std::to_string(response.body.size()));
    }
  }
  bool has_cache_control = false;
  for (const auto& [name, value] : response.headers) {
    has_cache_control = has_cache_control || lower_case(name) == "cache-control";
    add(name, value);
  }
  if (!has_cache_control) {
    add("Cache-Control", "no-store");
  }
  add("X-Content-Type-Options", "nosniff");
  add("Connection", keep_alive && response.stream == nullptr ? "keep-alive" : "close");
  return head + "\r\n";
}

}  // namespace kpay::http
