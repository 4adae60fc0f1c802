#include <gtest/gtest.h>

#include <fstream>

#include "config/gateway_config.h"

namespace kpay::config {
namespace {

Result<Config> read(const std::string& more) {
  return parse("instance: {id: gateway-1}\nkafka: {bootstrap_servers: [127.0.0.1:9092]}\n" + more,
               "gateway.yaml", gateway_schema());
}

TEST(GatewayConfig, LoopbackIsTheDefaultAndTheOnlyPlaceToListen) {
  const Result<Config> usual = read("");
  ASSERT_TRUE(usual) << usual.error().message;
  EXPECT_EQ(usual->text("http.listen"), "127.0.0.1:8080");
  EXPECT_TRUE(read("http: {listen: '[::1]:9000'}\n"));
  const Result<Config> open = read("http: {listen: '0.0.0.0:8080'}\n");
  ASSERT_FALSE(open);
  EXPECT_NE(open.error().message.find("gateway.yaml:3:"), std::string::npos);
  EXPECT_NE(open.error().message.find("is not loopback"), std::string::npos);
  EXPECT_NE(open.error().message.find("SSH tunnel"), std::string::npos);
}

TEST(GatewayConfig, TheDaemonsAreAskedWithAllThreeFilesOrNone) {
  EXPECT_TRUE(read("daemons: {tls_ca_file: /a, tls_certificate_file: /b, tls_key_file: /c}\n"));
  const Result<Config> some = read("daemons: {tls_ca_file: /a}\n");
  ASSERT_FALSE(some);
  EXPECT_NE(some.error().message.find("daemons.tls_key_file: is missing"), std::string::npos);
}

TEST(GatewayConfig, FieldsOfDaemonsWithTasksAreUnknown) {
  const Result<Config> config = read("state: {directory: /var/lib/kpay}\n");
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().message.find("state"), std::string::npos);
}

}  // namespace
}  // namespace kpay::config
