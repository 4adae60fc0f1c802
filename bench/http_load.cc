// http_load: HTTP clients with connections that they keep, as the measure of the gateway.
//
//   http_load HOST PORT post CLIENTS SECONDS          closed loop: one payment after the other
//   http_load HOST PORT batch CLIENTS SECONDS LINES   the same, so many payments in one request
//   http_load HOST PORT open CLIENTS SECONDS RATE BOOTSTRAP
//                 open loop; from the intended send to the answer, and to the public result
//   http_load HOST PORT get CLIENTS COUNT PATH...     reads, path by path in turn
//
// Prints one JSON object. Payments of 0.01 EUR go between acc-1 and acc-1000. KPAY_TOKEN: a bearer
// token. One thread has all connections, another reads results. A request whose connection ends
// is sent again, the same, and its latency counts from the first time ("closed"); "reopened" are
// connections that the server ended between two requests. payments_per_s are those that were
// accepted (200, 202, lines of a batch) within the seconds; "unanswered" were given up.
#include <atomic>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/time.h"
#include "daemons/load/answers.h"
#include "daemons/load/id_series.h"
#include "http_clients.h"
#include "stages/specs.h"

namespace {

using namespace kpay;
using namespace kpay::bench;

constexpr std::uint32_t kAccounts = 1000;
constexpr std::int64_t kPatienceUs = 20'000'000;  // for what is under way at the end

double number(const char* text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), value);
  if (error != std::errc{} || *end != '\0' || value <= 0) {
    die(std::string(text) + " is no number above 0");
  }
  return value;
}

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
    return R"("from":"acc-)" + std::to_string(from + 1) + R"(","to":"acc-)" +
           std::to_string((from + 7) % kAccounts + 1) + R"(","amount":"0.01","currency":"EUR")";
  }
  std::uint32_t next_ = 0;
};

// Those that are lost in the end, too.
void finish(Clients& clients) {
  const std::int64_t deadline = now_us() + kPatienceUs;
  while (clients.under_way() > 0 && now_us() < deadline) {
    for (std::size_t i = 0; i < clients.size(); ++i) {
      if (!clients.busy(i) && !clients.ask_again(i)) {
        break;
      }
    }
    clients.serve(20);
  }
}

void print(Clients& clients, double seconds, const std::string& more = "") {
  std::string statuses;
  for (const auto& [status, count] : clients.statuses) {
    statuses +=
        (statuses.empty() ? "\"" : ",\"") + std::to_string(status) + "\":" + std::to_string(count);
  }
  const auto done = static_cast<double>(clients.latencies.count());
  std::printf(R"({"seconds":%.3f,"requests_per_s":%.1f,"payments_per_s":%.1f,"statuses":{%s},)"
              R"("closed":%llu,"reopened":%llu,"unanswered":%zu,"latency_ms":%s%s})"
              "\n",
              seconds, done / seconds, static_cast<double>(clients.accepted) / seconds,
              statuses.c_str(), static_cast<unsigned long long>(clients.closed),
              static_cast<unsigned long long>(clients.reopened), clients.under_way(),
              clients.latencies.json().c_str(), more.c_str());
}

void closed_loop(Clients& clients, double seconds, std::uint32_t lines) {
  Payments payments;
  std::uint32_t next = 0;
  const std::int64_t began = now_us();
  const std::int64_t end = began + static_cast<std::int64_t>(seconds * 1e6);
  clients.count_until_us = end;
  while (now_us() < end) {
    for (std::size_t i = 0; i < clients.size(); ++i) {
      if (clients.busy(i) || clients.ask_again(i)) {
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
  print(clients, seconds);
}

void reads(Clients& clients, std::size_t count, const std::vector<std::string>& paths) {
  std::size_t asked = 0;
  std::size_t answered = 0;
  const std::int64_t began = now_us();
  std::int64_t deadline = began + kPatienceUs;  // of the next answer
  while (clients.latencies.count() < count && now_us() < deadline) {
    for (std::size_t i = 0; i < clients.size(); ++i) {
      if (!clients.busy(i) && !clients.ask_again(i) && asked < count) {
        clients.ask(i, "GET " + paths[asked++ % paths.size()], "", "", now_us());
      }
    }
    clients.serve(5);
    if (clients.latencies.count() > answered) {
      answered = clients.latencies.count();
      deadline = now_us() + kPatienceUs;
    }
  }
  print(clients, static_cast<double>(now_us() - began) / 1e6);
}

// What became of payments, read by a thread of its own.
class Results {
 public:
  using Intended = std::function<std::optional<std::int64_t>(const core::PaymentResult&)>;

  Results(const char* bootstrap, Intended intended) : intended_(std::move(intended)) {
    tool::ConnectionFlags flags;
    flags.client_id = "http-load";
    flags.bootstrap = bootstrap;
    Result<tool::Reached> reached = tool::reach_system(flags);
    if (!reached) {
      die(reached.error().message);
    }
    reached_ = std::make_unique<tool::Reached>(*std::move(reached));
    const auto confirmed = reached_->ends(stages::kTopicConfirmed);
    const auto failed = reached_->ends(stages::kTopicFailed);
    if (!confirmed || !failed) {
      die("the public results can't be read");
    }
    load::AnswerTakers takers;
    takers.result = [this](const core::PaymentResult& result) {
      if (const auto from_us = intended_(result)) {
        latencies_.add(now_us() - *from_us);
        ++count_;
      }
    };
    auto reader =
        load::AnswerReader::open(*reached_, {*confirmed, *failed, {}, {}}, std::move(takers));
    if (!reader) {
      die(reader.error().message);
    }
    reader_ = *std::move(reader);
    thread_ = std::thread([this] { read(); });
  }

  /// Waits for so many results, and says how many there were. Dies of what the reader died of.
  std::uint64_t finish(std::uint64_t count) {
    const std::int64_t deadline = now_us() + kPatienceUs;
    while (count_ < count && !failed_ && now_us() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    stopping_ = true;
    thread_.join();
    if (failed_) {
      die("results: " + error_);
    }
    return count_;
  }
  /// AFTER finish().
  [[nodiscard]] Latencies& latencies() { return latencies_; }

 private:
  void read() {
    while (!stopping_) {
      const Result<std::size_t> read = reader_->poll(20);
      if (!read) {
        error_ = read.error().message;
        failed_ = true;
        return;
      }
    }
  }

  const Intended intended_;
  std::unique_ptr<tool::Reached> reached_;
  std::unique_ptr<load::AnswerReader> reader_;
  Latencies latencies_;
  std::string error_;
  std::atomic<std::uint64_t> count_ = 0;
  std::atomic<bool> failed_ = false;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

void open_loop(Clients& clients, double seconds, double rate, const char* bootstrap) {
  Payments payments;
  std::atomic<std::int64_t> began = 0;
  const auto intended = [&](std::uint32_t at) {
    return began + static_cast<std::int64_t>(static_cast<double>(at) * 1e6 / rate);
  };
  Results results(bootstrap, [&](const core::PaymentResult& result) -> std::optional<std::int64_t> {
    const auto at = payments.ids.number_of(result.payment.value());
    return at ? std::optional(intended(*at)) : std::nullopt;
  });
  const auto count = static_cast<std::uint32_t>(seconds * rate);
  began = now_us() + 200'000;
  const std::int64_t deadline = intended(count) + kPatienceUs;
  std::uint32_t at = 0;
  std::size_t client = 0;
  const auto find_free = [&] {  // when all are busy: it is late, and its latency says so
    std::size_t tried = 0;
    for (; tried < clients.size() && clients.busy(client); ++tried) {
      client = (client + 1) % clients.size();
    }
    return tried < clients.size();
  };
  while (at < count && now_us() < deadline) {
    while (find_free() && clients.ask_again(client)) {
    }
    for (; at < count && intended(at) <= now_us() && find_free(); ++at) {
      const auto [headers, body] = payments.one(at);
      clients.ask(client, "POST /api/v1/payments", headers, body, intended(at));
    }
    clients.serve(intended(at) - now_us() < 1000 ? 0 : 1);
  }
  finish(clients);
  const std::uint64_t known = results.finish(clients.accepted_in_all);
  const std::uint64_t missing =
      clients.accepted_in_all > known ? clients.accepted_in_all - known : 0;
  print(clients, seconds,
        ",\"unsent\":" + std::to_string(count - at) + ",\"unanswered_results\":" +
            std::to_string(missing) + ",\"to_result_ms\":" + results.latencies().json());
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
