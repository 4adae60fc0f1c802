// http_load: HTTP clients with connections that they keep, as the measure of the gateway.
//
//   http_load HOST PORT post CLIENTS SECONDS          closed loop: one payment after the other
//   http_load HOST PORT batch CLIENTS SECONDS LINES   the same, so many payments in one request
//   http_load HOST PORT open CLIENTS SECONDS RATE BOOTSTRAP
//                 open loop; from the intended send to the answer, and to the public result
//   http_load HOST PORT get CLIENTS COUNT PATH...     reads, path by path in turn
//
// Prints one JSON object. Payments of 0.01 EUR go between acc-0 and acc-999. KPAY_TOKEN: a bearer
// token. One thread has all connections, another reads results.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/time.h"
#include "daemons/load/answers.h"
#include "daemons/load/id_series.h"
#include "stages/specs.h"

namespace {

using namespace kpay;

constexpr std::uint32_t kAccounts = 1000;
constexpr std::int64_t kPatienceUs = 20'000'000;  // for what is under way at the end

std::int64_t now_us() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(since).count();
}

[[noreturn]] void die(const std::string& why) {
  std::fprintf(stderr, "http_load: %s\n", why.c_str());
  std::exit(1);
}

double number(const char* text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), value);
  if (error != std::errc{} || *end != '\0' || value <= 0) {
    die(std::string(text) + " is no number above 0");
  }
  return value;
}

class Latencies {
 public:
  void add(std::int64_t us) { all_.push_back(us); }
  [[nodiscard]] std::size_t count() const { return all_.size(); }
  [[nodiscard]] std::string json() {
    std::sort(all_.begin(), all_.end());
    const auto at = [&](double share) {
      const auto place = static_cast<std::size_t>(share * static_cast<double>(all_.size()));
      return all_.empty() ? 0.0
                          : static_cast<double>(all_[std::min(place, all_.size() - 1)]) / 1000;
    };
    std::array<char, 200> text{};
    std::snprintf(text.data(), text.size(),
                  R"({"count":%zu,"p50":%.3f,"p95":%.3f,"p99":%.3f,"max":%.3f})", all_.size(),
                  at(0.5), at(0.95), at(0.99), at(1));
    return text.data();
  }

 private:
  std::vector<std::int64_t> all_;
};

// Connections, each with at most one request under way.
class Clients {
 public:
  Clients(std::string host, std::uint16_t port, std::size_t count)
      : host_(std::move(host)), port_(port), clients_(count), poll_(epoll_create1(0)) {
    const char* token = std::getenv("KPAY_TOKEN");
    head_ = " HTTP/1.1\r\nHost: " + host_ + ":" + std::to_string(port_) + "\r\n";
    head_ += token == nullptr ? "" : std::string("Authorization: Bearer ") + token + "\r\n";
    for (std::size_t i = 0; i < count; ++i) {
      connect(i);
    }
  }
  ~Clients() {
    for (const Client& each : clients_) {
      ::close(each.socket);
    }
    ::close(poll_);
  }
  Clients(const Clients&) = delete;
  Clients& operator=(const Clients&) = delete;

  [[nodiscard]] std::size_t size() const { return clients_.size(); }
  [[nodiscard]] bool busy(std::size_t client) const { return clients_[client].busy; }
  [[nodiscard]] std::size_t under_way() const {
    return static_cast<std::size_t>(std::count_if(clients_.begin(), clients_.end(),
                                                  [](const Client& each) { return each.busy; }));
  }

  /// `from_us` is what its latency counts from.
  void ask(std::size_t client, const std::string& line, const std::string& headers,
           const std::string& body, std::int64_t from_us) {
    Client& to = clients_[client];
    to.out = line + head_ + headers;
    if (!body.empty()) {
      to.out += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    }
    to.out += "\r\n" + body;
    to.sent = 0;
    to.in.clear();
    to.from_us = from_us;
    to.busy = true;
    write(client);
  }

  /// Serves what is there, waiting at most so long for anything.
  void serve(int wait_ms) {
    std::array<epoll_event, 256> events{};
    const int ready = epoll_wait(poll_, events.data(), static_cast<int>(events.size()), wait_ms);
    for (int i = 0; i < ready; ++i) {
      const auto client = static_cast<std::size_t>(events[static_cast<std::size_t>(i)].data.u64);
      if ((events[static_cast<std::size_t>(i)].events & EPOLLOUT) != 0) {
        write(client);
      }
      read(client);
    }
  }

  Latencies latencies;
  std::map<int, std::uint64_t> statuses;
  std::uint64_t closed = 0;  ///< connections that the server ended with a request under way

 private:
  struct Client {
    int socket = -1;
    bool busy = false;
    std::string out;
    std::size_t sent = 0;
    std::string in;
    std::int64_t from_us = 0;
  };

  void connect(std::size_t client) {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    const int one = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (inet_pton(AF_INET, host_.c_str(), &address.sin_addr) != 1 ||
        ::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      die(host_ + ":" + std::to_string(port_) + ": " + std::strerror(errno));
    }
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.u64 = client;
    epoll_ctl(poll_, EPOLL_CTL_ADD, socket, &event);
    clients_[client].socket = socket;
  }

  void again(std::size_t client) {
    Client& lost = clients_[client];
    ::close(lost.socket);
    closed += lost.busy ? 1 : 0;
    lost.busy = false;
    connect(client);
  }

  void write(std::size_t client) {
    Client& to = clients_[client];
    while (to.busy && to.sent < to.out.size()) {
      const ssize_t sent = ::send(to.socket, to.out.data() + to.sent, to.out.size() - to.sent,
                                  MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent <= 0) {
        if (sent < 0 && errno != EAGAIN) {
          again(client);
        }
        return;
      }
      to.sent += static_cast<std::size_t>(sent);
    }
  }

  void read(std::size_t client) {
    Client& from = clients_[client];
    std::array<char, 65'536> bytes;
    for (;;) {
      const ssize_t got = ::recv(from.socket, bytes.data(), bytes.size(), MSG_DONTWAIT);
      if (got < 0 && errno == EAGAIN) {
        return;
      }
      if (got <= 0) {
        again(client);
        return;
      }
      from.in.append(bytes.data(), static_cast<std::size_t>(got));
      if (from.busy && is_whole(from.in)) {
        latencies.add(now_us() - from.from_us);
        ++statuses[std::atoi(from.in.c_str() + 9)];  // behind "HTTP/1.1 "
        from.busy = false;
      }
    }
  }

  static bool is_whole(const std::string& answer) {
    const std::size_t head = answer.find("\r\n\r\n");
    if (head == std::string::npos) {
      return false;
    }
    const std::size_t length = answer.find("Content-Length: ");
    if (length < head) {
      return answer.size() >=
             head + 4 + static_cast<std::size_t>(std::atoll(answer.c_str() + length + 16));
    }
    return answer.ends_with("\r\n0\r\n\r\n");
  }

  std::string host_;
  std::uint16_t port_;
  std::string head_;
  std::vector<Client> clients_;
  int poll_;
};

class Payments {
 public:
  /// The headers and the body of one; `number` is in its id.
  std::pair<std::string, std::string> one(std::uint32_t at) {
    return {"Content-Type: application/json\r\nIdempotency-Key: " +
                to_string(ids.make(at, wall_clock_now())) + "\r\n",
            "{" + transfer() + "}"};
  }
  std::string line(std::uint32_t at) {
    return R"({"id":")" + to_string(ids.make(at, wall_clock_now())) + "\"," + transfer() + "}\n";
  }
  const load::IdSeries ids;

 private:
  std::string transfer() {
    const std::uint32_t from = next_++ % kAccounts;
    return R"("from":"acc-)" + std::to_string(from) + R"(","to":"acc-)" +
           std::to_string((from + 7) % kAccounts) + R"(","amount":"0.01","currency":"EUR")";
  }
  std::uint32_t next_ = 0;
};

void finish(Clients& clients) {
  const std::int64_t deadline = now_us() + kPatienceUs;
  while (clients.under_way() > 0 && now_us() < deadline) {
    clients.serve(20);
  }
}

void print(Clients& clients, double seconds, double each, const std::string& more = "") {
  std::string statuses;
  for (const auto& [status, count] : clients.statuses) {
    statuses +=
        (statuses.empty() ? "\"" : ",\"") + std::to_string(status) + "\":" + std::to_string(count);
  }
  const double done = static_cast<double>(clients.latencies.count());
  std::printf(R"({"seconds":%.3f,"requests_per_s":%.1f,"payments_per_s":%.1f,"statuses":{%s},)"
              R"("closed":%llu,"latency_ms":%s%s})"
              "\n",
              seconds, done / seconds, done * each / seconds, statuses.c_str(),
              static_cast<unsigned long long>(clients.closed), clients.latencies.json().c_str(),
              more.c_str());
}

void closed_loop(Clients& clients, double seconds, std::uint32_t lines) {
  Payments payments;
  std::uint32_t next = 0;
  const std::int64_t began = now_us();
  const std::int64_t end = began + static_cast<std::int64_t>(seconds * 1e6);
  while (now_us() < end) {
    for (std::size_t i = 0; i < clients.size(); ++i) {
      if (clients.busy(i)) {
        continue;
      }
      if (lines == 0) {
        const auto [headers, body] = payments.one(next++);
        clients.ask(i, "POST /api/v1/payments", headers, body, now_us());
        continue;
      }
      std::string body;
      for (std::uint32_t n = 0; n < lines; ++n) {
        body += payments.line(next++);
      }
      clients.ask(i, "POST /api/v1/payments:batch", "Content-Type: application/x-ndjson\r\n", body,
                  now_us());
    }
    clients.serve(5);
  }
  finish(clients);
  print(clients, static_cast<double>(now_us() - began) / 1e6, lines == 0 ? 1 : lines);
}

void reads(Clients& clients, std::size_t count, const std::vector<std::string>& paths) {
  std::size_t asked = 0;
  const std::int64_t began = now_us();
  while (clients.latencies.count() + clients.closed < count) {
    for (std::size_t i = 0; i < clients.size() && asked < count; ++i) {
      if (!clients.busy(i)) {
        clients.ask(i, "GET " + paths[asked++ % paths.size()], "", "", now_us());
      }
    }
    clients.serve(5);
  }
  print(clients, static_cast<double>(now_us() - began) / 1e6, 0);
}

void open_loop(Clients& clients, double seconds, double rate, const char* bootstrap) {
  tool::ConnectionFlags flags;
  flags.client_id = "http-load";
  flags.bootstrap = bootstrap;
  const Result<tool::Reached> reached = tool::reach_system(flags);
  if (!reached) {
    die(reached.error().message);
  }
  const auto confirmed = reached->ends(stages::kTopicConfirmed);
  const auto failed = reached->ends(stages::kTopicFailed);
  if (!confirmed || !failed) {
    die("the public results can't be read");
  }
  Payments payments;
  Latencies results;
  const auto count = static_cast<std::uint32_t>(seconds * rate);
  const std::int64_t began = now_us() + 200'000;
  const auto intended = [&](std::uint32_t at) {
    return began + static_cast<std::int64_t>(static_cast<double>(at) * 1e6 / rate);
  };
  std::atomic<bool> stopping = false;
  load::AnswerTakers takers;
  takers.result = [&](const core::PaymentResult& result) {
    if (const auto at = payments.ids.number_of(result.payment.value())) {
      results.add(now_us() - intended(*at));
    }
  };
  Result<std::unique_ptr<load::AnswerReader>> answers =
      load::AnswerReader::open(*reached, {*confirmed, *failed, {}, {}}, std::move(takers));
  if (!answers) {
    die(answers.error().message);
  }
  std::thread reader([&] {
    while (!stopping && (*answers)->poll(20)) {
    }
  });
  std::size_t client = 0;
  for (std::uint32_t at = 0; at < count;) {
    for (; at < count && intended(at) <= now_us(); ++at) {
      std::size_t tried = 0;
      for (; tried < clients.size() && clients.busy(client); ++tried) {
        client = (client + 1) % clients.size();
      }
      if (tried == clients.size()) {
        break;  // all are busy: it is late, and its latency says so
      }
      const auto [headers, body] = payments.one(at);
      clients.ask(client, "POST /api/v1/payments", headers, body, intended(at));
    }
    clients.serve(1);
  }
  finish(clients);
  std::this_thread::sleep_for(std::chrono::seconds(2));
  stopping = true;
  reader.join();
  print(clients, seconds, 1, ",\"to_result_ms\":" + results.json());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) {
    die("usage: http_load HOST PORT post|batch|open|get CLIENTS ..., see its first lines");
  }
  const std::string mode = argv[3];
  Clients clients(argv[1], static_cast<std::uint16_t>(number(argv[2])),
                  static_cast<std::size_t>(number(argv[4])));
  if (mode == "post") {
    closed_loop(clients, number(argv[5]), 0);
  } else if (mode == "batch" && argc == 7) {
    closed_loop(clients, number(argv[5]), static_cast<std::uint32_t>(number(argv[6])));
  } else if (mode == "open" && argc == 8) {
    open_loop(clients, number(argv[5]), number(argv[6]), argv[7]);
  } else if (mode == "get" && argc > 6) {
    reads(clients, static_cast<std::size_t>(number(argv[5])), {argv + 6, argv + argc});
  } else {
    die("no such measurement: " + mode);
  }
}
