// Api: the gateway's REST interface; openapi.json, in this folder, is its description.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "daemons/access/access.h"
#include "daemons/gateway/live.h"
#include "daemons/gateway/problem.h"
#include "http/router.h"

namespace kpay::gateway {

/// What GET /api/v1/system says of the process.
struct ProcessInfo {
  std::string instance;
  std::string version;
  std::string commit;
  std::string config_hash;
  std::string brokers;
  std::string topic_prefix;
  std::string security_protocol;
  std::int64_t started_at_ms = 0;
};

class Guard;

struct ApiParts {
  /// Null until the cluster was reached.
  std::function<std::shared_ptr<Live>()> live;
  std::shared_ptr<http::Broadcaster> broadcaster;
  ProcessInfo process;
  /// Both outlive the server; used by the operations of sessions and requests.
  access::Access* access = nullptr;
  Guard* guard = nullptr;
  bool tls = false;
  bool loopback = true;  ///< it listens there, and has no other name
};

using LiveHandler = std::function<http::Response(Live&, const http::Request&)>;

/// Adds a route below /api/v1 that reads: refused when the request names another host than this
/// one (a page elsewhere whose name was made to point here), or the cluster isn't reached yet.
void add_read(http::Router& router, const ApiParts& parts, const std::string& path,
              LiveHandler handler);
/// The same for one that changes something: also refused when it comes from a page of another
/// origin, or has another media type, or too large a body.
struct WriteRules {
  std::string media_type = "application/json";
  std::size_t body_bytes_max = 0;  ///< 0: limits::body_bytes_max
};
void add_write(http::Router& router, const ApiParts& parts, const std::string& path,
               LiveHandler handler, const WriteRules& rules = {});

/// The same for what needs no cluster.
void add_plain_write(http::Router& router, const ApiParts& parts, const std::string& path,
                     http::Handler handler);

/// True for "127.0.0.1:8080", "localhost", "[::1]:80": what a loopback listener is called.
[[nodiscard]] bool is_loopback_host(std::string_view host);

/// "alice, from 10.0.0.7": who is told to have changed what everybody sees.
[[nodiscard]] std::string owner_of(const http::Request& request);

/// Seconds of ?wait=, 0 without; nothing when it is wrong, and `problem` says so.
[[nodiscard]] std::int64_t wait_seconds(const http::Request& request,
                                        std::optional<Problem>& problem);
/// Of ?limit=.
[[nodiscard]] std::size_t page_limit(const http::Request& request, std::optional<Problem>& problem);

void add_payments_api(http::Router& router, const ApiParts& parts);
void add_batch_api(http::Router& router, const ApiParts& parts);
void add_history_api(http::Router& router, const ApiParts& parts);
void add_accounts_api(http::Router& router, const ApiParts& parts);
void add_pipeline_api(http::Router& router, const ApiParts& parts);
void add_load_api(http::Router& router, const ApiParts& parts);
void add_session_api(http::Router& router, const ApiParts& parts);
void add_system_api(http::Router& router, const ApiParts& parts);
void add_letters_api(http::Router& router, const ApiParts& parts);
void add_requests_api(http::Router& router, const ApiParts& parts);

}  // namespace kpay::gateway
