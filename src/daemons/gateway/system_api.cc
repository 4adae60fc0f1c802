// System: books, the audit, the stream of snapshots, the process, and the API's description.
#include "base/time.h"
#include "daemons/gateway/api.h"
#include "daemons/gateway/limits.h"
#include "daemons/gateway/page.h"
#include "http/json.h"
#include "http/parking.h"

namespace kpay::gateway {

namespace {

http::Response get_books(Live& live, const http::Request&) {
  std::string books = live.watcher().books();
  if (books.empty()) {
    return to_response({.code = Code::cluster_unavailable,
                        .detail = "The books are being summed for the first time."});
  }
  return http::json_response(std::move(books));
}

http::Response get_audit(Live& live, const http::Request&) {
  AuditStatement newest = live.audits().newest();
  if (newest.json.empty()) {
    return to_response(
        {.code = Code::not_found, .detail = "No auditor (kpay-journal) has made a statement yet."});
  }
  return http::json_response(std::move(newest.json));
}

http::Response get_actions(Live& live, const http::Request& request) {
  std::optional<Problem> problem;
  const std::size_t limit = page_limit(request, problem);
  if (problem) {
    return to_response(*problem);
  }
  http::JsonArray list;
  for (const std::string& each :
       live.audits().actions(http::Request::get(request.query, "who"),
                             http::Request::get(request.query, "action"), limit)) {
    list.add_json(each);
  }
  return http::json_response(http::JsonObject()
                                 .add("as_of_ms", wall_clock_now().ms)
                                 .add("kept", limits::actions_max)
                                 .add_json("actions", list.finish())
                                 .finish());
}

std::string limits_json() {
  return http::JsonObject()
      .add("body_bytes_max", limits::body_bytes_max)
      .add("batch_bytes_max", limits::batch_bytes_max)
      .add("batch_lines_max", limits::batch_lines_max)
      .add("wait_seconds_max", limits::wait_seconds_max)
      .add("page_rows_max", limits::page_rows_max)
      .add("letters_max", limits::letters_max)
      .add("requests_max", limits::requests_max)
      .add("recent_payments", limits::recent_payments)
      .add("streams_max", http::share_of_descriptors(http::limits::stream_connections_max))
      .finish();
}

http::Response get_system(const ApiParts& parts, Live& live) {
  const ProcessInfo& process = parts.process;
  return http::json_response(http::JsonObject()
                                 .add("instance", process.instance)
                                 .add("version", process.version)
                                 .add("commit", process.commit)
                                 .add("config_hash", process.config_hash)
                                 .add("brokers", process.brokers)
                                 .add("topic_prefix", process.topic_prefix)
                                 .add("security_protocol", process.security_protocol)
                                 .add("partitions", live.partitions())
                                 .add("started_at_ms", process.started_at_ms)
                                 .add("streams", parts.broadcaster->connections())
                                 .add_json("limits", limits_json())
                                 .add("as_of_ms", wall_clock_now().ms)
                                 .finish());
}

http::Response problems() {
  http::JsonArray list;
  for (const CodeInfo& info : all_codes()) {
    list.add_json(http::JsonObject()
                      .add("code", info.word)
                      .add("status", info.status)
                      .add("title", info.title)
                      .finish());
  }
  return http::json_response(http::JsonObject().add_json("problems", list.finish()).finish());
}

http::Response problem_page(const http::Request& request) {
  for (const CodeInfo& info : all_codes()) {
    if (info.word == request.params.at("code")) {
      return http::json_response(http::JsonObject()
                                     .add("code", info.word)
                                     .add("status", info.status)
                                     .add("title", info.title)
                                     .finish());
    }
  }
  return to_response({.code = Code::not_found,
                      .detail = "There is no problem of that code; /api/v1/problems has all."});
}

}  // namespace

void add_system_api(http::Router& router, const ApiParts& parts) {
  add_read(router, parts, "/audit", get_audit);
  add_read(router, parts, "/books", get_books);
  add_read(router, parts, "/audit/actions", get_actions);
  add_read(router, parts, "/system",
           [parts](Live& live, const http::Request&) { return get_system(parts, live); });
  add_read(router, parts, "/events",
           [broadcaster = parts.broadcaster](Live&, const http::Request&) {
             http::Response response{.content_type = "text/event-stream"};
             response.stream = broadcaster;
             return response;
           });
  router.add("GET", "/api/v1/openapi.json",
             [](const http::Request& request) { return serve_asset(request, openapi_asset()); });
  router.add("GET", "/api/v1/problems", [](const http::Request&) { return problems(); });
  router.add("GET", "/api/v1/problems/{code}", problem_page);
}

}  // namespace kpay::gateway
