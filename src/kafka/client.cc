#include "kafka/client.h"

#include <cstring>

namespace kpay::kafka {

namespace {

// Told for the whole client; the rest of librdkafka's log stays with it.
void on_error(rd_kafka_t* client, int code, const char* reason, void* opaque) {
  const auto* events = static_cast<const ClientEvents*>(opaque);
  const auto error = static_cast<rd_kafka_resp_err_t>(code);
  if (error == RD_KAFKA_RESP_ERR__FATAL) {
    char text[512];
    const rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(client, text, sizeof text);
    // A fenced member is told by its membership, which knows the group and the instance.
    if (events->on_fatal && fatal != RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID) {
      events->on_fatal(std::string(rd_kafka_err2name(fatal)) + ": " + text);
    }
  } else if (events->on_reachable) {
    if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
      events->on_reachable(false, reason);
    }
  }
}

void drop_log(const rd_kafka_t*, int, const char*, const char*) {}

}  // namespace

ClientBuilder::ClientBuilder(const ClientOptions& options) : conf_(rd_kafka_conf_new()) {
  set("bootstrap.servers", options.bootstrap_servers);
  set("client.id", options.client_id.empty() ? "kpay" : options.client_id);
  set("security.protocol", options.security_protocol);
  const Settings optional{{"ssl.ca.location", options.ssl_ca_file},
                          {"ssl.certificate.location", options.ssl_certificate_file},
                          {"ssl.key.location", options.ssl_key_file},
                          {"sasl.mechanism", options.sasl_mechanism},
                          {"sasl.username", options.sasl_username},
                          {"sasl.password", options.sasl_password}};
  for (const auto& [name, value] : optional) {
    if (!value.empty()) {
      set(name, value);
    }
  }
  set("socket.nagle.disable", "true");
  set("socket.keepalive.enable", "true");
  set("reconnect.backoff.ms", "50");
  set("reconnect.backoff.max.ms", "1000");
  set("topic.metadata.refresh.interval.ms", "30000");
  set("allow.auto.create.topics", "false");
}

ClientBuilder::~ClientBuilder() {
  if (conf_ != nullptr) {
    rd_kafka_conf_destroy(conf_);
  }
}

ClientBuilder& ClientBuilder::set(const std::string& name, const std::string& value) {
  char text[256];
  if (error_.empty() && rd_kafka_conf_set(conf_, name.c_str(), value.c_str(), text, sizeof text) !=
                            RD_KAFKA_CONF_OK) {
    error_ = "kafka setting " + name + "=" + value + ": " + text;
  }
  return *this;
}

Result<KafkaHandle> ClientBuilder::make(rd_kafka_type_t type) {
  if (!error_.empty()) {
    return Unexpected(ErrorCode::invalid, error_);
  }
  char text[512];
  rd_kafka_t* client = rd_kafka_new(type, conf_, text, sizeof text);
  if (client == nullptr) {
    return Unexpected(ErrorCode::invalid, std::string("kafka client: ") + text);
  }
  conf_ = nullptr;
  return KafkaHandle(client);
}

void watch(ClientBuilder& builder, ClientEvents& events) {
  rd_kafka_conf_set_opaque(builder.conf(), &events);
  rd_kafka_conf_set_error_cb(builder.conf(), on_error);
  rd_kafka_conf_set_log_cb(builder.conf(), drop_log);
}

Error to_error(rd_kafka_resp_err_t code, const std::string& doing) {
  ErrorCode kind = ErrorCode::unavailable;
  switch (code) {
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION: kind = ErrorCode::not_found; break;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION: kind = ErrorCode::refused; break;
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID: kind = ErrorCode::fenced; break;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR: kind = ErrorCode::invalid; break;
    default: break;
  }
  return {kind, doing + ": " + rd_kafka_err2str(code)};
}

Uuid to_uuid(const rd_kafka_Uuid_t* id) {
  Uuid uuid;
  if (id == nullptr) {
    return uuid;
  }
  const auto high = static_cast<std::uint64_t>(rd_kafka_Uuid_most_significant_bits(id));
  const auto low = static_cast<std::uint64_t>(rd_kafka_Uuid_least_significant_bits(id));
  for (std::size_t i = 0; i < 8; ++i) {
    uuid.bytes[i] = static_cast<std::uint8_t>(high >> (56 - 8 * i));
    uuid.bytes[8 + i] = static_cast<std::uint8_t>(low >> (56 - 8 * i));
  }
  return uuid;
}

}  // namespace kpay::kafka
