#include "daemons/service/admin.h"

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <nlohmann/json.hpp>

#include "daemons/service/exit_codes.h"
#include "http/client.h"
#include "http/json.h"

namespace kpay::daemons {

namespace {

constexpr std::int64_t kDeadlineMsMax = 600'000;
constexpr std::chrono::milliseconds kAnswerTime{kDeadlineMsMax + 15'000};
constexpr int kBadRequest = 400;
constexpr int kConflict = 409;
constexpr int kUnavailable = 503;

http::Response refused(const Error& error) {
  const int status = error.code == ErrorCode::invalid    ? kBadRequest
                     : error.code == ErrorCode::conflict ? kConflict
                                                         : kUnavailable;
  return http::problem_response({.status = status, .detail = error.message});
}

Result<std::optional<std::int64_t>> deadline_of(const http::Request& request) {
  const std::string_view text = http::Request::get(request.query, "deadline_ms");
  if (text.empty()) {
    return std::optional<std::int64_t>();
  }
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 1 ||
      value > kDeadlineMsMax) {
    return Unexpected(ErrorCode::invalid, "deadline_ms=" + std::string(text) +
                                              ": a whole number from 1 to " +
                                              std::to_string(kDeadlineMsMax) + " is right");
  }
  return std::optional(value);
}

http::Response drain(const AdminParts& parts, const http::Request& request) {
  const Result<std::optional<std::int64_t>> deadline = deadline_of(request);
  if (!deadline) {
    return refused(deadline.error());
  }
  Result<DrainReport> report = parts.drain(*deadline);
  if (!report) {
    return refused(report.error());
  }
  http::JsonObject json;
  json.add("clean", report->clean)
      .add("took_ms", report->took_ms)
      .add_json("records", drain_records_json(report->records));
  return http::json_response(json.finish());
}

http::Response resume(const AdminParts& parts) {
  const Result<void> resumed = parts.resume();
  return resumed ? http::json_response(R"({"ok":true})") : refused(resumed.error());
}

http::Response acknowledge_time(const AdminParts& parts) {
  const Result<std::size_t> tasks = parts.acknowledge_time();
  if (!tasks) {
    return refused(tasks.error());
  }
  return http::json_response(http::JsonObject().add("tasks", *tasks).finish());
}

http::Response snapshot(const AdminParts& parts, const http::Request& request) {
  const Result<std::vector<stream::Snapshot>> taken =
      parts.snapshot(std::string(http::Request::get(request.query, "path")));
  if (!taken) {
    return refused(taken.error());
  }
  return http::json_response(
      http::JsonObject().add_json("snapshots", snapshots_json(*taken)).finish());
}

std::optional<std::int64_t> number_in(const http::Request& request, std::string_view name) {
  const std::string_view text = http::Request::get(request.query, name);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc{} && end == text.data() + text.size() && value >= 0;
  return whole ? std::optional(value) : std::nullopt;
}

http::Response re_emit(const AdminParts& parts, const http::Request& request) {
  const std::string stage(http::Request::get(request.query, "stage"));
  const std::optional<std::int64_t> partition = number_in(request, "partition");
  const std::optional<std::int64_t> from = number_in(request, "from");
  if (stage.empty() || !partition || !from ||
      *partition > std::numeric_limits<std::int32_t>::max()) {
    return refused({ErrorCode::invalid,
                    "stage, partition and from (an input offset) are wanted, the numbers from 0"});
  }
  const Result<stream::Snapshot> begun =
      parts.re_emit(stage, static_cast<std::int32_t>(*partition), *from);
  if (!begun) {
    return refused(begun.error());
  }
  return http::json_response(
      http::JsonObject().add_json("from", snapshots_json({*begun})).finish());
}

http::Response set_log_level(const AdminParts& parts, const http::Request& request) {
  using telemetry::Level;
  const std::string_view wanted = http::Request::get(request.query, "level");
  for (const Level level : {Level::debug, Level::info, Level::warning, Level::error}) {
    if (wanted == to_string(level)) {
      parts.telemetry->log().set_level(level);
      return http::json_response(http::JsonObject().add("level", wanted).finish());
    }
  }
  return refused({ErrorCode::invalid,
                  "level=" + std::string(wanted) + ": debug, info, warning or error is right"});
}

// Each command is on the log, with who gave it and what became of it.
http::Handler noted(telemetry::Telemetry* telemetry, std::string command, http::Handler handler) {
  return [telemetry, command = std::move(command),
          handler = std::move(handler)](const http::Request& request) {
    http::Response response = handler(request);
    telemetry->emit(
        telemetry::AdminCommand{.command = command,
                                .by = request.principal,
                                .answer = response.status < kBadRequest ? "ok" : response.body});
    return response;
  };
}

int exit_code_of(const http::ClientResponse& response) {
  if (response.status >= kBadRequest) {
    return response.status == kBadRequest ? kExitUsage : kExitFailure;
  }
  const nlohmann::json json = nlohmann::json::parse(response.body, nullptr, false);
  const bool unclean = json.is_object() && json.contains("records") && json["clean"] == false;
  return unclean ? kExitUnclean : kExitOk;
}

}  // namespace

void add_admin_commands(http::Router& router, const AdminParts& parts) {
  const auto add = [&](const std::string& command, http::Handler handler) {
    router.add("POST", "/" + command, noted(parts.telemetry, command, std::move(handler)));
  };
  router.add("GET", "/status", [parts](const http::Request&) {
    return http::json_response(status_json(parts.status()));
  });
  add("drain", [parts](const http::Request& request) { return drain(parts, request); });
  add("resume", [parts](const http::Request&) { return resume(parts); });
  add("snapshot", [parts](const http::Request& request) { return snapshot(parts, request); });
  add("re-emit", [parts](const http::Request& request) { return re_emit(parts, request); });
  add("acknowledge-time", [parts](const http::Request&) { return acknowledge_time(parts); });
  add("log-level", [parts](const http::Request& request) { return set_log_level(parts, request); });
}

std::string admin_socket_path(const config::DaemonConfig& config) {
  if (!config.admin_socket.empty()) {
    return config.admin_socket;
  }
  const char* folders = std::getenv("RUNTIME_DIRECTORY");  // several are joined with colons
  const std::string folder = folders == nullptr ? "" : folders;
  return folder.empty() ? "" : folder.substr(0, folder.find(':')) + "/admin.sock";
}

int run_admin_command(const std::string& socket, const std::string& method,
                      const std::string& target) {
  const http::Client client({.unix_socket = socket});
  http::ClientRequest request;
  request.method = method;
  request.url = "http://localhost" + target;
  request.timeout = kAnswerTime;
  const Result<http::ClientResponse> response = client.send(request);
  if (!response) {
    std::fprintf(stderr, "%s\n", response.error().message.c_str());
    return response.error().code == ErrorCode::refused ? kExitPermission : kExitDependency;
  }
  const int code = exit_code_of(*response);
  const bool answered = code == kExitOk || code == kExitUnclean;
  std::fprintf(answered ? stdout : stderr, "%s\n", response->body.c_str());
  return code;
}

}  // namespace kpay::daemons
