// Request, Response: what a handler gets and gives, free of any library's types.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kpay::http {

class Broadcaster;

using TextMap = std::map<std::string, std::string, std::less<>>;

struct Request {
  std::string method;  ///< "GET"; a HEAD request comes as GET
  std::string path;    ///< as sent, without the query
  TextMap params;      ///< of the route's {names}, decoded
  TextMap query;       ///< decoded
  TextMap headers;     ///< names in lower case; repeated ones joined with ", "
  std::string body;
  std::string remote;     ///< the peer's address and port
  std::string principal;  ///< the common name of the client's certificate, "uid N", or empty

  /// The text in `map` at `name`; empty when there is none.
  [[nodiscard]] static std::string_view get(const TextMap& map, std::string_view name) {
    const auto at = map.find(name);
    return at == map.end() ? std::string_view{} : std::string_view(at->second);
  }
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body{};
  std::vector<std::pair<std::string, std::string>> headers{};
  /// Set: after the head, which has no Content-Length, the connection is the broadcaster's.
  std::shared_ptr<Broadcaster> stream{};
};

/// Called by any of the server's threads, by several at a time. What it throws becomes a 500
/// that tells the client nothing.
using Handler = std::function<Response(const Request&)>;

[[nodiscard]] inline Response json_response(std::string json, int status = 200) {
  return {.status = status, .content_type = "application/json", .body = std::move(json)};
}
[[nodiscard]] inline Response text_response(std::string text, std::string_view content_type) {
  return {.content_type = std::string(content_type), .body = std::move(text)};
}

/// An RFC 9457 problem: what a client gets instead of an answer. `detail` is a sentence for a
/// person; each list becomes a member with an array of texts.
struct Problem {
  int status = 500;
  std::string detail{};
  std::vector<std::pair<std::string, std::vector<std::string>>> lists{};
};
[[nodiscard]] Response problem_response(const Problem& problem);
/// "Not Found" for 404.
[[nodiscard]] std::string_view reason_phrase(int status) noexcept;

}  // namespace kpay::http
