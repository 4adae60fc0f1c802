#include "http/client.h"

#include <gtest/gtest.h>

#include "base/time.h"
#include "http/server.h"
#include "raw_connection.h"

namespace kpay::http {
namespace {

using std::chrono::milliseconds;

TEST(Client, SendsBodyHeadersAndQuery) {
  Router router;
  router.add("POST", "/x", [](const Request& request) {
    return json_response(request.body + "|" + request.headers.at("content-type") + "|" +
                             request.headers.at("x-reason") + "|" + request.query.at("q"),
                         202);
  });
  const std::unique_ptr<Server> server = *Server::start({}, std::move(router));
  ClientRequest request;
  request.method = "POST";
  request.url = "http://localhost:" + std::to_string(server->port()) + "/x?q=a%20b";
  request.body = "{}";
  request.headers = {{"X-Reason", "why"}};
  const Result<ClientResponse> answer = Client().send(request);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 202);
  EXPECT_EQ(answer->body, "{}|application/json|why|a b");
}

// Answers with the address of the connection that it came over.
std::unique_ptr<Server> tells_its_peer() {
  Router router;
  for (const char* method : {"GET", "POST"}) {
    router.add(method, "/peer",
               [](const Request& request) { return json_response(request.remote); });
  }
  return *Server::start({}, std::move(router));
}

TEST(Client, KeepsTheConnectionsOfReadsWhenItIsToldTo) {
  const std::unique_ptr<Server> server = tells_its_peer();
  const std::string url = "http://127.0.0.1:" + std::to_string(server->port()) + "/peer";
  const ClientOptions options{.connections = std::make_shared<Connections>()};
  const std::string first = Client(options).get(url, milliseconds(2000)).value().body;
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(Client(options).get(url, milliseconds(2000)).value().body, first);
  }
  ClientRequest write;
  write.method = "POST";
  write.url = url;
  EXPECT_NE(Client(options).send(write).value().body, first) << "a write is never sent again";
  EXPECT_NE(Client().get(url, milliseconds(2000)).value().body, first);
}

TEST(Client, AKeptConnectionThatItsServerGaveUpIsMadeAgain) {
  const ClientOptions options{.connections = std::make_shared<Connections>()};
  std::unique_ptr<Server> server = tells_its_peer();
  const std::uint16_t port = server->port();
  const std::string url = "http://127.0.0.1:" + std::to_string(port) + "/peer";
  ASSERT_TRUE(Client(options).get(url, milliseconds(2000)));
  server.reset();
  Router router;
  router.add("GET", "/peer", [](const Request&) { return json_response("another"); });
  ServerOptions same_port;
  same_port.port = port;
  server = *Server::start(same_port, std::move(router));
  const Result<ClientResponse> answer = Client(options).get(url, milliseconds(2000));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, "another");
}

TEST(Client, ErrorsSayWhetherARetryMayHelp) {
  const Client client;
  for (const char* bad :
       {"", "localhost:80", "ftp://x/", "http://", "http://x:99999/", "http://x/a b"}) {
    const Result<ClientResponse> answer = client.get(bad, milliseconds(100));
    ASSERT_FALSE(answer) << bad;
    EXPECT_EQ(answer.error().code, ErrorCode::invalid) << bad << " " << answer.error().message;
  }
  const Result<ClientResponse> nobody = client.get("http://127.0.0.1:1/", milliseconds(500));
  EXPECT_EQ(nobody.error().code, ErrorCode::unavailable);
  EXPECT_TRUE(nobody.error().message.starts_with("http://127.0.0.1:1/: "));
}

TEST(Client, GivesUpOnAServerThatDoesNotAnswer) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(fd, 1), 0);
  ASSERT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::int64_t begin = monotonic_ms();
  const Result<ClientResponse> answer = Client().get(
      "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/", milliseconds(300));
  ::close(fd);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::unavailable);
  EXPECT_NE(answer.error().message.find("no answer within 300 ms"), std::string::npos);
  EXPECT_LT(monotonic_ms() - begin, 1000);
}

}  // namespace
}  // namespace kpay::http
