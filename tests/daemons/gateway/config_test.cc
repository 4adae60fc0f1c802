#include <gtest/gtest.h>

#include <fstream>

#include "config/gateway_config.h"

namespace kpay::config {
namespace {

Result<Config> read(const std::string& more) {
  return parse("instance: {id: gateway-1}\nkafka: {bootstrap_servers: [127.0.0.1:9092]}\n" + more,
               "gateway.yaml", gateway_schema());
}

TEST(GatewayConfig, LoopbackAndUsersAreTheDefault) {
  const Result<Config> usual = read("");
  ASSERT_TRUE(usual) << usual.error().message;
  EXPECT_EQ(usual->text("http.listen"), "127.0.0.1:8080");
  EXPECT_TRUE(read("http: {listen: '[::1]:9000'}\n"));
  EXPECT_EQ(usual->text("access.mode"), "users") << "people log in, unless it is said otherwise";
}

TEST(GatewayConfig, ElsewhereItListensOnlyWithTlsAndUsers) {
  const std::string elsewhere = "http: {listen: '0.0.0.0:8080'";
  const std::string tls = ", tls_certificate_file: /c, tls_key_file: /k";
  const Result<Config> open = read(elsewhere + "}\n");
  ASSERT_FALSE(open);
  EXPECT_NE(open.error().message.find("gateway.yaml:3:"), std::string::npos);
  EXPECT_NE(open.error().message.find("is not loopback"), std::string::npos);
  EXPECT_NE(open.error().message.find("SSH tunnel"), std::string::npos);
  EXPECT_TRUE(read(elsewhere + tls + "}\n"));
  const Result<Config> nobody = read(elsewhere + tls + "}\naccess: {mode: none}\n");
  ASSERT_FALSE(nobody);
  EXPECT_NE(nobody.error().message.find("everybody there could do everything"), std::string::npos);
  EXPECT_TRUE(read("access: {mode: none}\n")) << "on loopback";
  const Result<Config> half = read("http: {tls_key_file: /k}\n");
  ASSERT_FALSE(half);
  EXPECT_NE(half.error().message.find("http.tls_certificate_file: is missing"), std::string::npos);
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
