// HTTP clients of one thread that keep their connections, and what they measure.
#pragma once

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace kpay::bench {

inline std::int64_t now_us() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(since).count();
}

[[noreturn]] inline void die(const std::string& why) {
  std::fprintf(stderr, "http_load: %s\n", why.c_str());
  std::exit(1);
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
  /// Those that a broken connection waits with, too.
  [[nodiscard]] std::size_t under_way() const {
    return lost_.size() +
           static_cast<std::size_t>(std::count_if(clients_.begin(), clients_.end(),
                                                  [](const Client& each) { return each.busy; }));
  }

  /// `from_us` is what its latency counts from.
  void ask(std::size_t client, const std::string& line, const std::string& headers,
           const std::string& body, std::int64_t from_us) {
    std::string text = line + head_ + headers;
    if (!body.empty()) {
      text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    }
    begin(client, {text + "\r\n" + body, from_us});
  }

  /// False when nothing was lost, so that this client is free for something new.
  bool ask_again(std::size_t client) {
    if (lost_.empty()) {
      return false;
    }
    Request request = std::move(lost_.front());
    lost_.pop_front();
    begin(client, std::move(request));
    return true;
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
  std::uint64_t closed = 0;    ///< connections that the server ended with a request under way
  std::uint64_t reopened = 0;  ///< and without one
  std::uint64_t accepted = 0;  ///< payments that were taken until count_until_us
  std::uint64_t accepted_in_all = 0;
  std::int64_t count_until_us = std::numeric_limits<std::int64_t>::max();

 private:
  struct Request {
    std::string text;
    std::int64_t from_us = 0;
  };
  struct Client {
    int socket = -1;
    bool busy = false;
    Request out;
    std::size_t sent = 0;
    std::string in;
  };

  void begin(std::size_t client, Request request) {
    Client& to = clients_[client];
    to.out = std::move(request);
    to.sent = 0;
    to.in.clear();
    to.busy = true;
    write(client);
  }

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
    ++(lost.busy ? closed : reopened);
    if (lost.busy) {
      lost_.push_back(std::move(lost.out));
    }
    lost.busy = false;
    connect(client);
  }

  void write(std::size_t client) {
    Client& to = clients_[client];
    while (to.busy && to.sent < to.out.text.size()) {
      const ssize_t sent = ::send(to.socket, to.out.text.data() + to.sent,
                                  to.out.text.size() - to.sent, MSG_DONTWAIT | MSG_NOSIGNAL);
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
        take_answer(from);
        if (ends_connection(from.in)) {
          again(client);
          return;
        }
      }
    }
  }

  void take_answer(Client& from) {
    const std::int64_t now = now_us();
    latencies.add(now - from.out.from_us);
    const int status = std::atoi(from.in.c_str() + 9);  // behind "HTTP/1.1 "
    ++statuses[status];
    from.busy = false;
    const std::uint64_t taken = payments_in(from.in, status);
    accepted_in_all += taken;
    accepted += now <= count_until_us ? taken : 0;
  }

  static std::uint64_t payments_in(const std::string& answer, int status) {
    if (status != 200 && status != 202) {
      return 0;
    }
    if (answer.find("application/x-ndjson") > answer.find("\r\n\r\n")) {
      return 1;
    }
    constexpr std::string_view kAccepted = R"("status":"accepted")";
    std::uint64_t count = 0;
    for (std::size_t at = 0; (at = answer.find(kAccepted, at)) != std::string::npos; ++at) {
      ++count;
    }
    return count;
  }

  static bool ends_connection(const std::string& answer) {
    return answer.find("\r\nConnection: close\r\n") < answer.find("\r\n\r\n");
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
  std::deque<Request> lost_;  // their connections ended before the answers
  int poll_;
};

}  // namespace kpay::bench
