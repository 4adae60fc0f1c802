// cluster_admin: what an administrator may do to a cluster behind kpay's back: for the integration
// tests.
//
//   cluster_admin BOOTSTRAP setting TOPIC NAME VALUE      changes a topic's setting
//   cluster_admin BOOTSTRAP user NAME PASSWORD            makes a SCRAM-SHA-512 user
//   cluster_admin BOOTSTRAP allow USER topic|group PREFIX OPERATION
//                                                         OPERATION: 3 Read, 4 Write, 6 Delete, 8
//                                                         Describe, 10 DescribeConfigs
#include <charconv>
#include <cstdio>
#include <cstring>
#include <string>

#include "kafka/admin.h"

namespace {

using namespace kpay;

constexpr int kAnswerMs = 20'000;
constexpr int kIterations = 4096;

Result<void> finish(rd_kafka_queue_t* queue, rd_kafka_event_type_t type) {
  const kafka::EventHandle event(rd_kafka_queue_poll(queue, kAnswerMs));
  if (!event || rd_kafka_event_type(event.get()) != type) {
    return Unexpected(ErrorCode::unavailable, "no answer");
  }
  if (rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Unexpected(ErrorCode::refused, rd_kafka_event_error_string(event.get()));
  }
  std::size_t count = 0;
  if (type == RD_KAFKA_EVENT_CREATEACLS_RESULT) {
    const rd_kafka_acl_result_t** results =
        rd_kafka_CreateAcls_result_acls(rd_kafka_event_CreateAcls_result(event.get()), &count);
    for (std::size_t i = 0; i < count; ++i) {
      if (const rd_kafka_error_t* error = rd_kafka_acl_result_error(results[i]); error != nullptr) {
        return Unexpected(ErrorCode::refused, rd_kafka_error_string(error));
      }
    }
  }
  return {};
}

Result<void> make_user(rd_kafka_t* client, rd_kafka_queue_t* queue, const char* name,
                       const std::string& password) {
  rd_kafka_UserScramCredentialAlteration_t* user = rd_kafka_UserScramCredentialUpsertion_new(
      name, RD_KAFKA_SCRAM_MECHANISM_SHA_512, kIterations,
      reinterpret_cast<const unsigned char*>(password.data()), password.size(), nullptr, 0);
  rd_kafka_AlterUserScramCredentials(client, &user, 1, nullptr, queue);
  rd_kafka_UserScramCredentialAlteration_destroy(user);
  return finish(queue, RD_KAFKA_EVENT_ALTERUSERSCRAMCREDENTIALS_RESULT);
}

Result<void> allow(rd_kafka_t* client, rd_kafka_queue_t* queue, char** argv) {
  int operation = 0;
  std::from_chars(argv[3], argv[3] + std::strlen(argv[3]), operation);
  const auto type =
      std::string(argv[1]) == "topic" ? RD_KAFKA_RESOURCE_TOPIC : RD_KAFKA_RESOURCE_GROUP;
  char text[256] = "";
  rd_kafka_AclBinding_t* binding = rd_kafka_AclBinding_new(
      type, argv[2], RD_KAFKA_RESOURCE_PATTERN_PREFIXED, (std::string("User:") + argv[0]).c_str(),
      "*", static_cast<rd_kafka_AclOperation_t>(operation), RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW,
      text, sizeof text);
  if (binding == nullptr) {
    return Unexpected(ErrorCode::invalid, text);
  }
  rd_kafka_CreateAcls(client, &binding, 1, nullptr, queue);
  rd_kafka_AclBinding_destroy(binding);
  return finish(queue, RD_KAFKA_EVENT_CREATEACLS_RESULT);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 2 ? argv[2] : "";
  kafka::ClientOptions options;
  options.bootstrap_servers = argc > 1 ? argv[1] : "";
  Result<void> done =
      Unexpected(ErrorCode::invalid, "usage: cluster_admin BOOTSTRAP setting|user|allow …");
  if (mode == "setting" && argc == 6) {
    auto admin = std::move(kafka::Admin::connect(options).value());
    done = admin->change_settings(argv[3], {{argv[4], argv[5]}}, kAnswerMs);
  } else if ((mode == "user" && argc == 5) || (mode == "allow" && argc == 7)) {
    kafka::ClientBuilder builder(options);
    const kafka::KafkaHandle client = std::move(builder.make(RD_KAFKA_PRODUCER).value());
    const kafka::QueueHandle queue(rd_kafka_queue_new(client.get()));
    done = mode == "user" ? make_user(client.get(), queue.get(), argv[3], argv[4])
                          : allow(client.get(), queue.get(), argv + 3);
  }
  if (!done) {
    std::fprintf(stderr, "%s\n", done.error().message.c_str());
    return 1;
  }
  return 0;
}
