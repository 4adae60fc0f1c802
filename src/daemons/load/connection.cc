#include "daemons/load/connection.h"

#include <cstdlib>

#include "stages/specs.h"

namespace kpay::load {

namespace {

constexpr int kAnswerMs = 10'000;
constexpr const char* kDefaultPrefix = "kpay.";

std::string flag_or_environment(const std::string& flag, const char* name) {
  const char* value = flag.empty() ? std::getenv(name) : flag.c_str();
  return value == nullptr ? std::string() : std::string(value);
}

}  // namespace

Result<std::vector<stream::LogBounds>> Connection::bounds(std::string_view name) const {
  std::vector<stream::LogBounds> found;
  for (std::int32_t partition = 0; partition < partitions; ++partition) {
    Result<stream::LogBounds> each = admin->bounds(topic(name), partition, kAnswerMs);
    if (!each) {
      return Unexpected(each.error());
    }
    found.push_back(*each);
  }
  return found;
}

Result<std::vector<std::int64_t>> Connection::ends(std::string_view name) const {
  Result<std::vector<stream::LogBounds>> found = bounds(name);
  if (!found) {
    return Unexpected(found.error());
  }
  std::vector<std::int64_t> ends;
  for (const stream::LogBounds& each : *found) {
    ends.push_back(each.end);
  }
  return ends;
}

Result<Connection> connect(const ConnectionFlags& flags) {
  Connection connection;
  connection.client.bootstrap_servers =
      flag_or_environment(flags.bootstrap, "KPAY_BOOTSTRAP_SERVERS");
  connection.client.client_id = "kpay-load";
  connection.prefix = flag_or_environment(flags.prefix, "KPAY_TOPIC_PREFIX");
  connection.prefix = connection.prefix.empty() ? kDefaultPrefix : connection.prefix;
  const std::string& servers = connection.client.bootstrap_servers;
  if (servers.empty()) {
    return Unexpected(
        ErrorCode::invalid,
        "no broker is named: give --bootstrap HOST:PORT or set KPAY_BOOTSTRAP_SERVERS");
  }
  Result<std::unique_ptr<kafka::Admin>> admin = kafka::Admin::connect(connection.client);
  if (!admin) {
    return Unexpected(admin.error());
  }
  connection.admin = std::move(*admin);
  const std::string incoming = connection.topic(stages::kTopicIncoming);
  const Result<std::vector<kafka::TopicInfo>> topics =
      connection.admin->describe({incoming}, kAnswerMs);
  if (!topics) {
    return Unexpected(topics.error().code, servers + ": " + topics.error().message);
  }
  if (topics->empty()) {
    return Unexpected(ErrorCode::not_found,
                      "topic " + incoming + " doesn't exist (`kpayctl topics apply` makes it)");
  }
  connection.incoming_id = topics->front().id;
  connection.partitions = topics->front().partitions;
  return connection;
}

}  // namespace kpay::load
