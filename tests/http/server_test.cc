#include "http/server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <ctime>
#include <future>
#include <thread>

#include "base/time.h"
#include "http/client.h"
#include "raw_connection.h"
#include "telemetry/telemetry.h"

namespace kpay::http {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t kRequestMs = 1500;
constexpr std::int64_t kReceiveMs = 800;
constexpr int kSeenMs = 100;  // by then the server knows what a connection is at

class ServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Router router;
    router.add("GET", "/hello/{name}", [](const Request& request) {
      return text_response("hello " + request.params.at("name"), "text/plain");
    });
    router.add("POST", "/echo", [](const Request& request) { return json_response(request.body); });
    router.add("GET", "/fail",
               [](const Request&) -> Response { throw std::runtime_error("oops"); });
    router.add("GET", "/large", [](const Request&) {
      return text_response(std::string(3U << 20U, 'x'), "text/plain");
    });
    router.add("GET", "/slow", [this](const Request&) {
      slow_begun_ = true;
      while (!slow_may_end_) {
        std::this_thread::yield();
      }
      return text_response("slow", "text/plain");
    });
    router_ = std::move(router);
    restart({.body_bytes_max = 1000});
  }
  void restart(ServerOptions options, std::int64_t times_as_patient = 1) {
    options.request_ms_max = times_as_patient * kRequestMs;
    options.receive_ms_max = times_as_patient * kReceiveMs;
    options.telemetry = &telemetry_;
    Result<std::unique_ptr<Server>> server = Server::start(std::move(options), router_);
    ASSERT_TRUE(server) << server.error().message;
    server_ = *std::move(server);
  }
  void TearDown() override { slow_may_end_ = true; }

  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(server_->port()) + path;
  }
  int status(const std::string& path) const {
    const Result<ClientResponse> answer = client_.get(url(path), milliseconds(3000));
    return answer ? answer->status : 0;
  }
  // What a server says to exactly these bytes.
  std::string say(const std::string& bytes) const {
    RawConnection connection(server_->port());
    connection.send(bytes);
    return connection.receive();
  }
  double gauge() {
    return telemetry_.metrics().gauge(telemetry::families::http_connections).value();
  }
  std::uint64_t refused() {
    return telemetry_.metrics()
        .counter(telemetry::families::events_total, {"HttpRequestRefused"})
        .value();
  }

  telemetry::Telemetry telemetry_{{.write = [](std::string_view) {}}};
  Client client_;
  std::atomic<bool> slow_begun_ = false;
  std::atomic<bool> slow_may_end_ = false;
  Router router_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, AnswersByMethodAndPath) {
  const Result<ClientResponse> answer = client_.get(url("/hello/a%2Fb"), milliseconds(3000));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->content_type, "text/plain");
  EXPECT_EQ(answer->body, "hello a/b");
}

TEST_F(ServerTest, HeadIsGetWithoutItsBody) {
  RawConnection connection(server_->port());
  connection.send("HEAD /hello/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const std::string answer = connection.receive(500);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_NE(answer.find("Content-Length: 7\r\n"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
}

TEST_F(ServerTest, UnknownPathsAndMethodsGetProblems) {
  const std::string lost = say("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(lost.starts_with("HTTP/1.1 404 Not Found\r\n")) << lost;
  EXPECT_NE(lost.find("Content-Type: application/problem+json\r\n"), std::string::npos);
  EXPECT_NE(lost.find("\"detail\":\"There is nothing at /nowhere.\""), std::string::npos);
  const std::string wrong = say("DELETE /echo HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(wrong.starts_with("HTTP/1.1 405 Method Not Allowed\r\n")) << wrong;
  EXPECT_NE(wrong.find("\r\nAllow: POST\r\n"), std::string::npos);
  EXPECT_TRUE(say("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n").starts_with("HTTP/1.1 400 "));
}

TEST_F(ServerTest, AHandlerThatThrowsIsA500AndIsNoted) {
  const std::string answer = say("GET /fail HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 500 Internal Server Error\r\n")) << answer;
  EXPECT_EQ(answer.find("oops"), std::string::npos);
  EXPECT_EQ(refused(), 1U);
  EXPECT_EQ(status("/hello/x"), 200);
}

TEST_F(ServerTest, AConnectionServesManyRequestsInTurn) {
  RawConnection connection(server_->port());
  for (int i = 0; i < 20; ++i) {
    connection.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n{" +
                    std::to_string(i % 10) + "}");
    const std::string answer = connection.receive();
    EXPECT_TRUE(answer.ends_with("\r\n\r\n{" + std::to_string(i % 10) + "}")) << answer;
  }
  connection.send(
      "GET /hello/1 HTTP/1.1\r\nHost: a\r\n\r\nGET /hello/2 HTTP/1.1\r\nHost: a\r\n\r\n");
  std::string both = connection.receive();
  both += both.find("hello 2") == std::string::npos ? connection.receive() : "";
  EXPECT_LT(both.find("hello 1"), both.find("hello 2"));
}

TEST_F(ServerTest, AKeptConnectionLosesNoRequestHoweverManyItServes) {
  RawConnection connection(server_->port());
  for (int i = 0; i < 1100; ++i) {
    ASSERT_TRUE(
        connection.send("GET /hello/" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n"));
    const std::string answer = connection.receive();
    ASSERT_TRUE(answer.ends_with("hello " + std::to_string(i))) << i << ": " << answer;
    ASSERT_EQ(answer.find("Connection: close"), std::string::npos) << i;
  }
}

TEST_F(ServerTest, MoreClientsThanThreadsKeepTheirConnections) {
  constexpr int kClients = 64;
  constexpr int kRequests = 10;
  restart({.threads = 4});
  std::vector<std::unique_ptr<RawConnection>> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(std::make_unique<RawConnection>(server_->port()));
  }
  for (int round = 0; round < kRequests; ++round) {
    for (const auto& client : clients) {
      ASSERT_TRUE(client->send("GET /hello/x HTTP/1.1\r\nHost: a\r\n\r\n"));
    }
    for (const auto& client : clients) {
      const std::string answer = client->receive();
      ASSERT_TRUE(answer.ends_with("hello x")) << round << ": " << answer;
      ASSERT_EQ(answer.find("Connection: close"), std::string::npos) << round;
    }
  }
}

TEST_F(ServerTest, AHeadThatIsTooLargeIs431EvenWhileItIsStillSent) {
  const std::string answer =
      say("GET /hello/x HTTP/1.1\r\nX-Large: " + std::string(200'000, 'a') + "\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 431 ")) << answer.substr(0, 200);
  EXPECT_EQ(refused(), 1U);
}

TEST_F(ServerTest, ABodyThatIsTooLargeIs413BeforeItIsRead) {
  const std::string said_so = say("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n");
  EXPECT_TRUE(said_so.starts_with("HTTP/1.1 413 ")) << said_so;
  const std::string sent_it =
      say("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n" +
          std::string(900'000, 'x'));
  EXPECT_TRUE(sent_it.starts_with("HTTP/1.1 413 ")) << sent_it;
  ClientRequest request{.method = "POST", .url = url("/echo"), .body = std::string(1000, 'x')};
  EXPECT_EQ(client_.send(request)->body.size(), 1000U);
}

TEST_F(ServerTest, BytesThatAreNotHttpAre400) {
  EXPECT_TRUE(say("\x16\x03\x01 nonsense\r\n\r\n").starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(
      say("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
          .starts_with("HTTP/1.1 411 "));
}

TEST_F(ServerTest, SlowAndSilentClientsDoNotStopTheOthers) {
  std::vector<std::unique_ptr<RawConnection>> slow;
  for (std::size_t i = 0; i + 1 < limits::threads; ++i) {
    slow.push_back(std::make_unique<RawConnection>(server_->port()));
    slow.back()->send("GET /hel");
  }
  const std::int64_t begin = monotonic_ms();
  EXPECT_EQ(status("/hello/x"), 200);
  EXPECT_LT(monotonic_ms() - begin, kReceiveMs);
  const std::string answer = slow.front()->receive(2 * kReceiveMs);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 408 ")) << answer;
  EXPECT_TRUE(slow.front()->is_closed());
}

TEST_F(ServerTest, SilentClientsAndHalfRequestsCostNoThread) {
  restart({.threads = 1});
  std::vector<std::unique_ptr<RawConnection>> slow;
  for (int i = 0; i < 60; ++i) {
    slow.push_back(std::make_unique<RawConnection>(server_->port()));
    slow.back()->send(i % 3 == 0   ? ""
                      : i % 3 == 1 ? "GET /hel"
                                   : "POST /echo HTTP/1.1\r\nContent-Length: 9\r\n\r\nab");
  }
  const std::int64_t begin = monotonic_ms();
  EXPECT_EQ(status("/hello/x"), 200);
  EXPECT_LT(monotonic_ms() - begin, kReceiveMs) << "nobody waited for another one's patience";
  slow[2]->send("cdefghi");
  EXPECT_TRUE(slow[2]->receive().ends_with("\r\n\r\nabcdefghi"));
  EXPECT_TRUE(slow[0]->is_closed());
  EXPECT_TRUE(slow[1]->receive().starts_with("HTTP/1.1 408 "));
  EXPECT_TRUE(slow[5]->receive().starts_with("HTTP/1.1 408 "));
}

TEST_F(ServerTest, AtTheLimitTheOneThatWasSilentLongestGoesFirst) {
  restart({.connections_max = 4});
  const std::string request = "GET /hello/x HTTP/1.1\r\nHost: a\r\n\r\n";
  std::vector<std::unique_ptr<RawConnection>> kept;
  for (int i = 0; i < 4; ++i) {
    kept.push_back(std::make_unique<RawConnection>(server_->port()));
    kept.back()->send(request);
    ASSERT_TRUE(kept.back()->receive().ends_with("hello x"));
    ASSERT_FALSE(kept.back()->is_closed(kSeenMs));
  }
  kept[0]->send(request);  // now the second one has been silent longest
  ASSERT_TRUE(kept[0]->receive().ends_with("hello x"));
  ASSERT_FALSE(kept[0]->is_closed(kSeenMs));
  ASSERT_EQ(say(request).substr(0, 12), "HTTP/1.1 200");
  EXPECT_TRUE(kept[1]->is_closed(200));
  for (const std::size_t stays : {0, 2, 3}) {
    kept[stays]->send(request);
    EXPECT_TRUE(kept[stays]->receive().ends_with("hello x")) << stays;
  }
}

TEST_F(ServerTest, AtTheLimitTheIdleGoBeforeThoseInTheMiddleOfARequest) {
  restart({.connections_max = 2});
  RawConnection half(server_->port());
  half.send("GET /hello/y HTT");
  ASSERT_FALSE(half.is_closed(kSeenMs));
  RawConnection idle(server_->port());
  idle.send("GET /hello/x HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(idle.receive().ends_with("hello x"));
  ASSERT_FALSE(idle.is_closed(kSeenMs));
  ASSERT_TRUE(say("GET /hello/x HTTP/1.1\r\nHost: a\r\n\r\n").ends_with("hello x"));
  EXPECT_TRUE(idle.is_closed(200));
  half.send("P/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(half.receive().ends_with("hello y"));
}

TEST_F(ServerTest, RequestsThatComeTogetherAreAnsweredInTheirOrder) {
  restart({.threads = 1});
  RawConnection connection(server_->port());
  std::string requests;
  for (int i = 0; i < 50; ++i) {
    requests += "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n[" +
                std::to_string(i % 10) + "]";
  }
  connection.send(requests + "GET /hello/end HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  std::string answers;
  while (!answers.ends_with("hello end")) {
    const std::string more = connection.receive(1000);
    ASSERT_FALSE(more.empty()) << answers;
    answers += more;
  }
  std::size_t at = 0;
  for (int i = 0; i < 50; ++i) {
    at = answers.find("\r\n\r\n[" + std::to_string(i % 10) + "]", at);
    ASSERT_NE(at, std::string::npos) << i;
  }
}

TEST_F(ServerTest, AnEmptyLineBehindARequestKeepsNobodyBusy) {
  constexpr int kWaitMs = 400;
  RawConnection connection(server_->port());
  connection.send("GET /hello/x HTTP/1.1\r\nHost: a\r\n\r\n\r\n");
  ASSERT_TRUE(connection.receive().ends_with("hello x"));
  const std::clock_t begin = std::clock();
  EXPECT_FALSE(connection.is_closed(kWaitMs));
  EXPECT_LT((std::clock() - begin) * 1000 / CLOCKS_PER_SEC, kWaitMs / 4) << "of the processor";
  connection.send("GET /hello/y HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(connection.receive().ends_with("hello y"));
}

TEST_F(ServerTest, UnfinishedRequestsHoldABoundedNumberOfBytes) {
  constexpr std::size_t kBody = 8U << 20U;
  restart({.body_bytes_max = kBody}, 20);  // none is late before there are enough
  const std::string most = "POST /echo HTTP/1.1\r\nContent-Length: " + std::to_string(kBody) +
                           "\r\n\r\n" + std::string(kBody - 1, ' ');
  std::vector<std::unique_ptr<RawConnection>> half;
  for (std::size_t held = 0; held <= limits::unfinished_bytes_max + 2 * kBody; held += kBody) {
    half.push_back(std::make_unique<RawConnection>(server_->port()));
    half.back()->send(most);
  }
  std::string refusal;
  for (auto last = half.rbegin(); last != half.rend() && refusal.empty(); ++last) {
    refusal = (*last)->receive(1000);
  }
  EXPECT_TRUE(refusal.starts_with("HTTP/1.1 503 ")) << refusal.substr(0, 200);
  EXPECT_EQ(status("/hello/x"), 200) << "whole requests are answered all the while";
}

TEST_F(ServerTest, AClientThatDripsIsCutAtTheDeadline) {
  RawConnection connection(server_->port());
  const std::int64_t begin = monotonic_ms();
  bool open = connection.send("GET /hello/x HTTP/1.1\r\nX-Drip: ");
  while (open && monotonic_ms() - begin < 2 * kRequestMs) {
    open = connection.send("a") && !connection.is_closed(50);
  }
  EXPECT_FALSE(open);
  EXPECT_GT(monotonic_ms() - begin, kRequestMs - 100);
  EXPECT_LT(monotonic_ms() - begin, kRequestMs + 1000);
}

TEST_F(ServerTest, AClientThatGoesAwayInTheMiddleIsNoTrouble) {
  for (int i = 0; i < 50; ++i) {
    RawConnection connection(server_->port());
    connection.send(i % 2 == 0 ? "GET /large HTTP/1.1\r\nHost: a\r\n\r\n"
                               : "POST /echo HTTP/1.1\r\nContent-Length: 9\r\n\r\nab");
  }
  EXPECT_EQ(status("/hello/x"), 200);
  EXPECT_EQ(client_.get(url("/large"), milliseconds(5000))->body.size(), 3U << 20U);
}

TEST_F(ServerTest, RequestsAreServedConcurrently) {
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const std::string name = std::to_string(t) + "-" + std::to_string(i);
        const Result<ClientResponse> answer =
            client_.get(url("/hello/" + name), milliseconds(5000));
        right += answer && answer->body == "hello " + name ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(right, 400);
  EXPECT_EQ(telemetry_.metrics()
                .counter(telemetry::families::http_requests_total, {"/hello/{name}", "GET", "200"})
                .value(),
            400U);
}

TEST_F(ServerTest, StopsWithinASecondWithIdleAndHalfRequestsOpen) {
  RawConnection idle(server_->port());
  RawConnection half(server_->port());
  RawConnection kept(server_->port());
  half.send("GET /he");
  kept.send("GET /hello/x HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_NE(kept.receive().find("hello x"), std::string::npos);
  const std::int64_t begin = monotonic_ms();
  EXPECT_TRUE(server_->stop());
  EXPECT_LT(monotonic_ms() - begin, 1000);
  EXPECT_TRUE(kept.is_closed());
  EXPECT_FALSE(RawConnection(server_->port()).connected());
}

TEST_F(ServerTest, AStopLetsARequestInHandFinish) {
  RawConnection connection(server_->port());
  connection.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  while (!slow_begun_) {
    std::this_thread::yield();
  }
  std::future<bool> stopped = std::async(std::launch::async, [this] { return server_->stop(); });
  while (RawConnection(server_->port()).connected()) {
    std::this_thread::yield();
  }
  slow_may_end_ = true;
  EXPECT_TRUE(stopped.get());
  const std::string answer = connection.receive();
  EXPECT_TRUE(answer.ends_with("\r\n\r\nslow")) << answer;
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
}

TEST_F(ServerTest, AStopAnswersWhatWaitsForAThread) {
  restart({.threads = 1});
  RawConnection in_hand(server_->port());
  in_hand.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  while (!slow_begun_) {
    std::this_thread::yield();
  }
  RawConnection waits(server_->port());
  waits.send("GET /hello/x HTTP/1.1\r\nHost: a\r\n\r\n");
  while (gauge() < 2) {
    std::this_thread::yield();
  }
  std::future<bool> stopped = std::async(std::launch::async, [this] { return server_->stop(); });
  EXPECT_EQ(stopped.wait_for(milliseconds(200)), std::future_status::timeout);
  slow_may_end_ = true;
  EXPECT_TRUE(stopped.get());
  EXPECT_TRUE(in_hand.receive().ends_with("slow"));
  const std::string answer = waits.receive();
  EXPECT_TRUE(answer.ends_with("hello x")) << answer;
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
}

TEST_F(ServerTest, AStopDoesNotWaitForAHandlerThatHangs) {
  RawConnection connection(server_->port());
  connection.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  while (!slow_begun_) {
    std::this_thread::yield();
  }
  const std::int64_t begin = monotonic_ms();
  EXPECT_FALSE(server_->stop());
  EXPECT_LT(monotonic_ms() - begin, 1100);
  slow_may_end_ = true;
}

TEST_F(ServerTest, AnAddressThatIsTakenIsAnError) {
  const Result<std::unique_ptr<Server>> second = Server::start({.port = server_->port()}, Router());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::unavailable);
  EXPECT_NE(second.error().message.find(std::to_string(server_->port())), std::string::npos);
}

}  // namespace
}  // namespace kpay::http
