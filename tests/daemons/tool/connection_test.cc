#include "daemons/tool/connection.h"

#include "daemons/tool/contexts.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace kpay::tool {
namespace {

class ConnectionTest : public testing::Test {
 protected:
  void SetUp() override {
    unsetenv("KPAY_BOOTSTRAP_SERVERS");
    unsetenv("KPAY_TOPIC_PREFIX");
    unsetenv("KPAY_CONTEXT");
    setenv("XDG_CONFIG_HOME", folder_.c_str(), 1);
    std::filesystem::create_directories(folder_);
    flags_.client_id = "a-tool";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& name, const std::string& text) {
    const std::filesystem::path path = folder_ / name;
    std::ofstream(path) << text;
    std::filesystem::permissions(path, std::filesystem::perms(0600));
    return path.string();
  }

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("kpay-connection-" + std::to_string(getpid()));
  ConnectionFlags flags_;
};

TEST_F(ConnectionTest, WithoutAnyBrokerItSaysHowToNameOne) {
  const Result<Connection> connection = resolve(flags_);
  ASSERT_FALSE(connection);
  EXPECT_EQ(connection.error().code, ErrorCode::invalid);
  EXPECT_NE(connection.error().message.find("--bootstrap"), std::string::npos);
}

TEST_F(ConnectionTest, AContextIsAFileOfThatNameAndTheEnvironmentDoesNotOverrideIt) {
  std::filesystem::create_directories(contexts_folder());
  (void)file("kpay/contexts/prod.yaml",
             "kafka: {bootstrap_servers: [of-prod:1], topic_prefix: p.}\n");
  (void)file("kpay/contexts/lab.yaml", "kafka: {bootstrap_servers: [of-lab:1]}\n");
  EXPECT_EQ(context_names(), (std::vector<std::string>{"lab", "prod"}));
  setenv("KPAY_BOOTSTRAP_SERVERS", "of-environment:1", 1);
  flags_.context = "prod";
  Result<Connection> connection = resolve(flags_);
  ASSERT_TRUE(connection) << connection.error().message;
  EXPECT_EQ(connection->client.bootstrap_servers, "of-prod:1");
  EXPECT_EQ(connection->prefix, "p.");
  flags_.context.clear();
  setenv("KPAY_CONTEXT", "lab", 1);
  unsetenv("KPAY_BOOTSTRAP_SERVERS");
  EXPECT_EQ(resolve(flags_)->client.bootstrap_servers, "of-lab:1");
}

TEST_F(ConnectionTest, TheCurrentContextIsTakenWhereNothingElseSaysWhichCluster) {
  std::filesystem::create_directories(contexts_folder());
  (void)file("kpay/contexts/lab.yaml", "kafka: {bootstrap_servers: [of-lab:1]}\n");
  EXPECT_FALSE(resolve(flags_)) << "there is one, but nobody has chosen it";
  ASSERT_TRUE(use_context("lab"));
  EXPECT_EQ(current_context(), "lab");
  EXPECT_EQ(resolve(flags_)->client.bootstrap_servers, "of-lab:1");
  flags_.bootstrap = "of-flag:1";
  EXPECT_EQ(resolve(flags_)->client.bootstrap_servers, "of-flag:1");
  ASSERT_TRUE(use_context(""));
  EXPECT_EQ(current_context(), "");
}

TEST_F(ConnectionTest, AContextThatIsNotThereIsNamedWithThoseThatAre) {
  std::filesystem::create_directories(contexts_folder());
  (void)file("kpay/contexts/lab.yaml", "kafka: {bootstrap_servers: [of-lab:1]}\n");
  flags_.context = "prd";
  Result<Connection> connection = resolve(flags_);
  ASSERT_FALSE(connection);
  EXPECT_EQ(connection.error().code, ErrorCode::not_found);
  EXPECT_NE(connection.error().message.find("there are lab"), std::string::npos);
  for (const char* name : {"../lab", ".lab", "a/b", ""}) {
    EXPECT_FALSE(context_file(name)) << name;
    EXPECT_EQ(context_file(name).error().code, ErrorCode::invalid) << name;
  }
  EXPECT_FALSE(use_context("prd"));
}

TEST_F(ConnectionTest, AFlagGoesBeforeTheEnvironmentAndThatBeforeTheFile) {
  flags_.config_file =
      file("config.yaml", "kafka: {bootstrap_servers: [of-file:1], topic_prefix: file.}\n");
  Result<Connection> connection = resolve(flags_);
  ASSERT_TRUE(connection) << connection.error().message;
  EXPECT_EQ(connection->client.bootstrap_servers, "of-file:1");
  EXPECT_EQ(connection->topic("payments.incoming"), "file.payments.incoming");
  setenv("KPAY_BOOTSTRAP_SERVERS", "of-environment:1", 1);
  setenv("KPAY_TOPIC_PREFIX", "environment.", 1);
  connection = resolve(flags_);
  ASSERT_TRUE(connection);
  EXPECT_EQ(connection->client.bootstrap_servers, "of-environment:1");
  EXPECT_EQ(connection->prefix, "environment.");
  flags_.bootstrap = "of-flag:1";
  flags_.prefix = "flag.";
  flags_.partitions = 7;
  connection = resolve(flags_);
  ASSERT_TRUE(connection);
  EXPECT_EQ(connection->client.bootstrap_servers, "of-flag:1");
  EXPECT_EQ(connection->prefix, "flag.");
  EXPECT_EQ(connection->partitions, 7);
  EXPECT_EQ(connection->client.client_id, "a-tool");
}

TEST_F(ConnectionTest, TheFileGivesTlsAndTheSecretOfSasl) {
  const std::string password = file("password", "s3cret\n");
  const std::string ca = file("ca.pem", "");
  flags_.config_file = file("config.yaml",
                            "kafka:\n  bootstrap_servers: [a:1, b:2]\n"
                            "  security_protocol: sasl_ssl\n"
                            "  ssl_ca_file: " +
                                ca +
                                "\n"
                                "  sasl_mechanism: SCRAM-SHA-512\n"
                                "  sasl_username: ada\n"
                                "  sasl_password_file: " +
                                password + "\n");
  const Result<Connection> connection = resolve(flags_);
  ASSERT_TRUE(connection) << connection.error().message;
  EXPECT_EQ(connection->client.bootstrap_servers, "a:1,b:2");
  EXPECT_EQ(connection->client.security_protocol, "sasl_ssl");
  EXPECT_EQ(connection->client.ssl_ca_file, ca);
  EXPECT_EQ(connection->client.sasl_mechanism, "SCRAM-SHA-512");
  EXPECT_EQ(connection->client.sasl_username, "ada");
  EXPECT_EQ(connection->client.sasl_password, "s3cret");
}

TEST_F(ConnectionTest, ASecretThatIsNotThereIsNamed) {
  flags_.config_file = file("config.yaml",
                            "kafka:\n  bootstrap_servers: [a:1]\n"
                            "  security_protocol: sasl_plaintext\n"
                            "  sasl_mechanism: PLAIN\n  sasl_username: ada\n"
                            "  sasl_password_file: /nowhere/password\n");
  const Result<Connection> connection = resolve(flags_);
  ASSERT_FALSE(connection);
  EXPECT_NE(connection.error().message.find("/nowhere/password"), std::string::npos);
}

TEST_F(ConnectionTest, ATypoInTheFileNamesTheField) {
  flags_.config_file = file("config.yaml", "kafka: {bootstrap_server: [a:1]}\n");
  const Result<Connection> connection = resolve(flags_);
  ASSERT_FALSE(connection);
  EXPECT_EQ(connection.error().code, ErrorCode::invalid);
  EXPECT_NE(connection.error().message.find("bootstrap_servers"), std::string::npos);
}

}  // namespace
}  // namespace kpay::tool
