// Batch: many payments, one JSON object a line, and one line of answer for each.
#include "daemons/gateway/api.h"
#include "daemons/gateway/form.h"
#include "daemons/gateway/limits.h"
#include "daemons/gateway/payment.h"
#include "http/json.h"

namespace kpay::gateway {

namespace {

struct Line {
  std::size_t number = 0;  ///< from 1
  Uuid id;
  std::optional<Problem> problem;
  std::string reference;
  std::string path;  ///< of its status
};

std::string answer_of(const Line& line) {
  http::JsonObject json;
  json.add("line", line.number);
  if (!line.id.is_nil()) {
    json.add("payment_id", to_string(line.id));
  }
  if (line.problem) {
    json.add("status", "refused").add_json("problem", to_json(*line.problem));
  } else {
    json.add("status", "accepted").add("status_url", "/api/v1/payments/" + to_string(line.id));
  }
  return json.finish() + "\n";
}

std::optional<core::Transfer> read_line(std::string_view text, Line& line) {
  if (text.size() > limits::line_bytes_max) {
    line.problem =
        Problem{.code = Code::body_too_large,
                .detail = "The line is too long.",
                .expected = "at most " + std::to_string(limits::line_bytes_max) + " bytes"};
    return std::nullopt;
  }
  Form form(text);
  line.id = form.id("id");
  core::Transfer transfer = read_transfer(form, line.id, line.reference);
  line.problem = form.problem();
  return line.problem ? std::nullopt : std::optional(transfer);
}

http::Response submit_many(Live& live, const http::Request& request) {
  std::vector<std::unique_ptr<Line>> lines;  // each stays where it is: references are views
  std::vector<core::Command> commands;
  std::vector<Line*> sent;
  std::string_view rest = request.body;
  std::size_t number = 0;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view text = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    ++number;
    if (!text.empty() && text.back() == '\r') {
      text.remove_suffix(1);
    }
    if (text.empty()) {
      continue;
    }
    if (lines.size() == limits::batch_lines_max) {
      return to_response(
          {.code = Code::body_too_large,
           .detail = "The batch has too many lines; nothing was sent.",
           .expected = "at most " + std::to_string(limits::batch_lines_max) + " lines"});
    }
    lines.push_back(std::make_unique<Line>());
    Line& line = *lines.back();
    line.number = number;
    if (const std::optional<core::Transfer> transfer = read_line(text, line)) {
      commands.emplace_back(core::SubmitPayment{*transfer});
      sent.push_back(&line);
    }
  }
  const std::vector<Result<void>> results = live.submitter().submit_all(commands);
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (!results[i]) {
      sent[i]->problem =
          Problem{.code = Code::cluster_unavailable, .detail = results[i].error().message};
    }
  }
  std::string body;
  for (const std::unique_ptr<Line>& line : lines) {
    body += answer_of(*line);
  }
  return {.status = 200, .content_type = "application/x-ndjson", .body = std::move(body)};
}

}  // namespace

void add_batch_api(http::Router& router, const ApiParts& parts) {
  add_write(router, parts, "/payments:batch", submit_many,
            {"application/x-ndjson", limits::batch_bytes_max});
}

}  // namespace kpay::gateway
