// Client: what all our librdkafka clients share: options, configuration, handles that clean up.
// librdkafka's header is included in this folder only.
#pragma once

#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/uuid.h"

namespace kpay::kafka {

/// How to reach and be known to the cluster. Secrets come from files, read by the caller.
struct ClientOptions {
  std::string bootstrap_servers;
  std::string client_id;
  std::string security_protocol = "plaintext";
  std::string ssl_ca_file;
  std::string ssl_certificate_file;
  std::string ssl_key_file;
  std::string sasl_mechanism;
  std::string sasl_username;
  std::string sasl_password;
  int linger_ms = 0;
  int session_timeout_ms = 10'000;
};

/// What happens to a client as a whole, told from whichever thread polls it.
struct ClientEvents {
  /// No broker can be reached, or one can again.
  std::function<void(bool reachable, const std::string& text)> on_reachable;
  /// The client can't go on; the process has to end (R11).
  std::function<void(const std::string& text)> on_fatal;
};

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* handle) const {
    Free(handle);
  }
};
using KafkaHandle = std::unique_ptr<rd_kafka_t, Deleter<rd_kafka_destroy>>;
using TopicHandle = std::unique_ptr<rd_kafka_topic_t, Deleter<rd_kafka_topic_destroy>>;
using QueueHandle = std::unique_ptr<rd_kafka_queue_t, Deleter<rd_kafka_queue_destroy>>;
using EventHandle = std::unique_ptr<rd_kafka_event_t, Deleter<rd_kafka_event_destroy>>;
using PartitionListHandle = std::unique_ptr<rd_kafka_topic_partition_list_t,
                                            Deleter<rd_kafka_topic_partition_list_destroy>>;

using Settings = std::vector<std::pair<std::string, std::string>>;

/// Builds a configuration, hands `opaque` callbacks to it, and makes the client from it.
class ClientBuilder {
 public:
  explicit ClientBuilder(const ClientOptions& options);
  ~ClientBuilder();
  ClientBuilder(const ClientBuilder&) = delete;
  ClientBuilder& operator=(const ClientBuilder&) = delete;

  ClientBuilder& set(const std::string& name, const std::string& value);
  [[nodiscard]] rd_kafka_conf_t* conf() noexcept { return conf_; }
  /// Errors: invalid, naming the setting that librdkafka refused.
  Result<KafkaHandle> make(rd_kafka_type_t type);

 private:
  rd_kafka_conf_t* conf_;
  std::string error_;
};

/// Installs error and log callbacks that tell `events`; it must outlive the client. The opaque of
/// the configuration is taken by this.
void watch(ClientBuilder& builder, ClientEvents& events);

[[nodiscard]] Error to_error(rd_kafka_resp_err_t code, const std::string& doing);
[[nodiscard]] Uuid to_uuid(const rd_kafka_Uuid_t* id);

}  // namespace kpay::kafka
