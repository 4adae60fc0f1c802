#include "http/message.h"

#include <array>

#include "http/json.h"

namespace kpay::http {

std::string_view reason_phrase(int status) noexcept {
  constexpr std::array<std::pair<int, std::string_view>, 25> kPhrases{{
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {301, "Moved Permanently"},
      {303, "See Other"},
      {304, "Not Modified"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {410, "Gone"},
      {405, "Method Not Allowed"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {411, "Length Required"},
      {413, "Content Too Large"},
      {415, "Unsupported Media Type"},
      {422, "Unprocessable Content"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
  }};
  for (const auto& [code, phrase] : kPhrases) {
    if (code == status) {
      return phrase;
    }
  }
  return "Unknown";
}

Response problem_response(const Problem& problem) {
  JsonObject json;
  json.add("type", "about:blank");
  json.add("title", reason_phrase(problem.status));
  json.add("status", problem.status);
  json.add("detail", problem.detail);
  for (const auto& [name, texts] : problem.lists) {
    JsonArray list;
    for (const std::string& text : texts) {
      list.add(text);
    }
    json.add_json(name, list.finish());
  }
  return {
      .status = problem.status, .content_type = "application/problem+json", .body = json.finish()};
}

}  // namespace kpay::http
