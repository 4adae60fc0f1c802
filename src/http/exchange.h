// From the text of a request's head to the text of its answer: the part of the server that
// touches no socket.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "http/message.h"
#include "http/router.h"

namespace kpay::http {

/// A request's head that is in order so far.
struct Head {
  std::string method;  ///< as sent
  std::string target;
  TextMap headers;
  std::uint64_t body_bytes = 0;
  bool keep_alive = false;
  bool expects_continue = false;
};

/// Reads a head: everything up to the empty line. A Problem says why it is refused; its
/// connection can't be used further.
[[nodiscard]] std::variant<Head, Problem> parse_head(const std::string& text,
                                                     std::uint64_t body_bytes_max);

/// What became of a request, for the metrics.
struct Outcome {
  Response response;
  std::string route;    ///< the pattern, or "unmatched"
  bool failed = false;  ///< the handler threw
};

/// Finds the handler and calls it. Never throws what the handler throws.
[[nodiscard]] Outcome dispatch(const Router& router, const Head& head, Request request);

/// The method as a label of metrics: unknown ones are one.
[[nodiscard]] std::string_view method_label(std::string_view method) noexcept;

/// Status line and headers, for a body of that size.
[[nodiscard]] std::string response_head(const Response& response, bool keep_alive);

}  // namespace kpay::http
