#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/time.h"
#include "http/broadcaster.h"
#include "http/client.h"
#include "http/server.h"
#include "raw_connection.h"
#include "telemetry/telemetry.h"

namespace kpay::http {
namespace {

// A CA, a server and a client of it, and a stranger who signed himself: made once, by openssl.
class TlsTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = ::testing::TempDir() + "kpay_tls_" + std::to_string(::getpid());
    std::filesystem::create_directories(dir_);
    std::ofstream(dir_ + "/make.sh") << R"sh(set -e
cd "$(dirname "$0")"
key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }
self() { key "$1"; openssl req -x509 -new -key "$1.key" -subj "/CN=$1" -days 2 -out "$1.pem"; }
signed() {
  key "$1"
  openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr"
  printf 'subjectAltName=%s\n' "$2" >"$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
    -extfile "$1.ext" -out "$1.pem"
}
self ca
self stranger
signed server DNS:localhost,IP:127.0.0.1
signed elsewhere DNS:elsewhere.example
signed gateway DNS:gateway
)sh";
    ready_ = std::system(("sh " + dir_ + "/make.sh >/dev/null 2>&1").c_str()) == 0;
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(dir_); }

  void SetUp() override { ASSERT_TRUE(ready_) << "openssl makes the certificates of this test"; }

  static std::string file(const std::string& name) { return dir_ + "/" + name; }
  void start(const std::string& name, bool mutual) {
    Router router;
    router.add("GET", "/who", [](const Request& request) {
      return text_response("you are " + request.principal, "text/plain");
    });
    router.add("POST", "/size", [](const Request& request) {
      return text_response("size " + std::to_string(request.body.size()), "text/plain");
    });
    Result<std::unique_ptr<Server>> server = Server::start(
        {.tls = ServerTls{file(name + ".pem"), file(name + ".key"), mutual ? file("ca.pem") : ""},
         .telemetry = &telemetry_},
        std::move(router));
    ASSERT_TRUE(server) << server.error().message;
    server_ = *std::move(server);
  }
  Result<ClientResponse> get(const ClientOptions& options, const std::string& host = "localhost") {
    return Client(options).get("https://" + host + ":" + std::to_string(server_->port()) + "/who",
                               std::chrono::seconds(3));
  }
  std::uint64_t refused() {
    return telemetry_.metrics()
        .counter(telemetry::families::events_total, {"HttpRequestRefused"})
        .value();
  }

  static inline std::string dir_;
  static inline bool ready_ = false;
  telemetry::Telemetry telemetry_{{.write = [](std::string_view) {}}};
  std::unique_ptr<Server> server_;
};

TEST_F(TlsTest, AClientOfTheCaIsKnownByItsName) {
  start("server", true);
  for (const char* host : {"localhost", "127.0.0.1"}) {
    const Result<ClientResponse> answer =
        get({file("ca.pem"), file("gateway.pem"), file("gateway.key")}, host);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->body, "you are gateway");
  }
}

TEST_F(TlsTest, AClientWithoutACertificateIsRefusedInTheHandshake) {
  start("server", true);
  const Result<ClientResponse> answer = get({.ca_file = file("ca.pem")});
  ASSERT_FALSE(answer);
  server_->stop();
  EXPECT_EQ(refused(), 1U);
}

TEST_F(TlsTest, AClientOfAnotherCaIsRefused) {
  start("server", true);
  EXPECT_FALSE(get({file("ca.pem"), file("stranger.pem"), file("stranger.key")}));
}

TEST_F(TlsTest, APlainClientAtATlsPortGetsNothing) {
  start("server", true);
  RawConnection connection(server_->port());
  connection.send("GET /who HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(connection.receive().find("HTTP/1.1 200"), std::string::npos);
  EXPECT_TRUE(connection.is_closed());
}

TEST_F(TlsTest, TheClientRefusesAServerThatItCannotProve) {
  start("server", false);
  EXPECT_TRUE(get({.ca_file = file("ca.pem")}));
  const Result<ClientResponse> unknown = get({.ca_file = file("stranger.pem")});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::refused) << unknown.error().message;
  start("elsewhere", false);
  const Result<ClientResponse> other_name = get({.ca_file = file("ca.pem")});
  ASSERT_FALSE(other_name);
  EXPECT_EQ(other_name.error().code, ErrorCode::refused) << other_name.error().message;
}

TEST_F(TlsTest, VersionsBeforeTls12AreRefused) {
  start("server", false);
  const std::string port = std::to_string(server_->port());
  const std::string command = "openssl s_client -connect 127.0.0.1:" + port + " -CAfile " +
                              file("ca.pem") + " -cipher DEFAULT@SECLEVEL=0 ";
  const auto works = [&](const std::string& version) {
    return std::system((command + version + " </dev/null >/dev/null 2>&1").c_str()) == 0;
  };
  EXPECT_TRUE(works("-tls1_2"));
  EXPECT_TRUE(works("-tls1_3"));
  EXPECT_FALSE(works("-tls1_1"));
}

TEST_F(TlsTest, AStalledHandshakeHoldsNobodyUp) {
  start("server", true);
  RawConnection silent(server_->port());
  silent.send("\x16\x03\x01");
  EXPECT_TRUE(get({file("ca.pem"), file("gateway.pem"), file("gateway.key")}));
  const auto begin = std::chrono::steady_clock::now();
  server_->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(1100));
}

// The second request lies in the record with the end of the first one's body: OpenSSL has it
// then, and the descriptor isn't readable.
TEST_F(TlsTest, ARequestThatOpensslHasReadAlreadyIsAnswered) {
  constexpr std::size_t kBody = 10'000;  // s_client makes a record of 8,192 bytes, and another one
  start("server", false);
  std::ofstream(file("requests"), std::ios::binary)
      << "POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: " << kBody << "\r\n\r\n"
      << std::string(kBody, 'x') << "GET /who HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  const std::int64_t begin = monotonic_ms();
  const std::string command =
      "openssl s_client -quiet -connect 127.0.0.1:" + std::to_string(server_->port()) + " <" +
      file("requests") + " >" + file("answers") + " 2>/dev/null";
  EXPECT_EQ(std::system(command.c_str()), 0);
  EXPECT_LT(monotonic_ms() - begin, limits::keep_alive_ms) << "nobody waited for more bytes";
  std::ifstream in(file("answers"));
  const std::string answers(std::istreambuf_iterator<char>(in), {});
  EXPECT_NE(answers.find("size 10000"), std::string::npos) << answers;
  EXPECT_TRUE(answers.ends_with("you are ")) << answers;
}

TEST_F(TlsTest, KeptConnectionsAreServedByFewThreadsAndEachKeepsItsName) {
  Router router;
  router.add("GET", "/who",
             [](const Request& request) { return text_response(request.principal, "text/plain"); });
  Result<std::unique_ptr<Server>> server = Server::start(
      {.tls = ServerTls{file("server.pem"), file("server.key"), file("ca.pem")}, .threads = 2},
      std::move(router));
  ASSERT_TRUE(server) << server.error().message;
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, name = i % 2 == 0 ? "gateway" : "server"] {
      const Client client({.ca_file = file("ca.pem"),
                           .certificate_file = file(std::string(name) + ".pem"),
                           .key_file = file(std::string(name) + ".key"),
                           .connections = std::make_shared<Connections>()});
      for (int n = 0; n < 10; ++n) {
        const Result<ClientResponse> answer =
            client.get("https://localhost:" + std::to_string((*server)->port()) + "/who",
                       std::chrono::seconds(5));
        right += answer && answer->body == name;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(right, 80);
}

TEST_F(TlsTest, ANewCertificateHoldsFromTheNextHandshakeAndAWrongOneIsRefused) {
  const auto put = [](const std::string& from) {
    for (const char* end : {".pem", ".key"}) {
      std::filesystem::copy_file(file(from + end), file(std::string("now") + end),
                                 std::filesystem::copy_options::overwrite_existing);
    }
  };
  put("server");
  start("now", false);
  EXPECT_TRUE(get({.ca_file = file("ca.pem")}));
  EXPECT_FALSE(*server_->refresh_tls()) << "nothing has changed";
  put("elsewhere");
  EXPECT_TRUE(get({.ca_file = file("ca.pem")})) << "it is not read yet";
  ASSERT_TRUE(server_->refresh_tls());
  const Result<ClientResponse> other = get({.ca_file = file("ca.pem")});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::refused) << other.error().message;
  put("server");
  EXPECT_TRUE(*server_->refresh_tls());
  EXPECT_TRUE(get({.ca_file = file("ca.pem")}));
  std::filesystem::copy_file(file("stranger.key"), file("now.key"),
                             std::filesystem::copy_options::overwrite_existing);
  const Result<bool> wrong = server_->refresh_tls();
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message.find("is not the key of the certificate"), std::string::npos);
  EXPECT_FALSE(*server_->refresh_tls()) << "told once";
  EXPECT_TRUE(get({.ca_file = file("ca.pem")})) << "what was there before holds on";
}

TEST_F(TlsTest, AStreamIsServedToo) {
  constexpr std::int64_t kAgeMs = 500;
  auto stream = std::make_shared<Broadcaster>(2, 10'000, kAgeMs);
  const std::string text = std::string(300'000, 'x') + "end";
  stream->publish(text);
  Router router;
  router.add("GET", "/events", [&](const Request&) {
    Response response{.content_type = "text/event-stream"};
    response.stream = stream;
    return response;
  });
  Result<std::unique_ptr<Server>> server = Server::start(
      {.tls = ServerTls{file("server.pem"), file("server.key"), ""}}, std::move(router));
  ASSERT_TRUE(server) << server.error().message;
  const Result<ClientResponse> answer =
      Client({.ca_file = file("ca.pem")})
          .get("https://localhost:" + std::to_string((*server)->port()) + "/events",
               std::chrono::seconds(10));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, text) << "whole, and cut when it was old";
  // The client sees the end before the broadcaster has counted it.
  const std::int64_t deadline = monotonic_ms() + 5000;
  while (stream->connections() != 0 && monotonic_ms() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_EQ(stream->connections(), 0U);
}

TEST_F(TlsTest, FilesThatAreWrongAreAnErrorAtTheStart) {
  const Result<std::unique_ptr<Server>> server = Server::start(
      {.tls = ServerTls{file("server.pem"), file("nothing.key"), file("ca.pem")}}, Router());
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().code, ErrorCode::invalid) << server.error().message;
}

}  // namespace
}  // namespace kpay::http
