// What a payment costs in the five stages alone: no runtime, no log, no disk. One thread.
//
//   core_bench [payments] [accounts]
//
// Prints nanoseconds of CPU a payment, by stage, after a first round that fills caches and tables.
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "core/commands.h"
#include "stages/specs.h"
#include "stream/table.h"
#include "wire/codec.h"

namespace kpay {
namespace {

constexpr Timestamp kStart{1'780'000'000'000};
constexpr std::size_t kOutputsMax = 2;

struct Item {
  Uuid subject;
  Timestamp time;
  std::size_t at = 0;
  std::size_t size = 0;
};

// Events one after the other, their bytes in one piece.
struct Batch {
  std::vector<Item> items;
  Bytes bytes;

  void add(const Uuid& subject, Timestamp time, ByteView payload) {
    items.push_back({subject, time, bytes.size(), payload.size()});
    bytes.insert(bytes.end(), payload.begin(), payload.end());
  }
  void clear() {
    items.clear();
    bytes.clear();
  }
};

class BatchEmitter final : public stream::Emitter {
 public:
  void emit(std::size_t output, ByteView, const stream::Outgoing& event) override {
    batches[output].add(event.subject, event.time, event.payload);
  }
  std::uint64_t next_number(std::size_t output, ByteView) const override {
    return batches[output].items.size() + 1;
  }

  Batch batches[kOutputsMax];
};

// The thread's own CPU time: others on the machine don't count.
class Timer {
 public:
  [[nodiscard]] double ns() const { return now() - start_; }

 private:
  [[nodiscard]] static double now() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
  }

  double start_ = now();
};

struct Task {
  explicit Task(const stream::StageSpec& spec) : name(spec.name), stage(spec.make(0, 1)) {}

  void run(const Batch& in, Timestamp appended) {
    const Timer timer;
    for (const Item& item : in.items) {
      stream::Event event;
      event.subject = item.subject;
      event.time = item.time;
      event.appended = appended;
      event.payload = ByteView(in.bytes).subspan(item.at, item.size);
      if (stage->apply(event, item.time, out).has_value()) {
        std::fprintf(stderr, "%s: a dead letter\n", name.c_str());
        std::exit(1);
      }
    }
    spent_ns += timer.ns();
  }
  void clear() {
    out.batches[0].clear();
    out.batches[1].clear();
  }
  // As a checkpoint does each second: changed rows become bytes.
  void freeze() {
    const Timer timer;
    for (stream::TableBase* table : stage->tables()) {
      table->freeze([this](ByteView key, std::optional<ByteView> value) {
        frozen_bytes += key.size() + (value ? value->size() : 0);
      });
    }
    frozen_ns += timer.ns();
  }

  std::string name;
  std::unique_ptr<stream::Stage> stage;
  BatchEmitter out;
  double spent_ns = 0;
  double frozen_ns = 0;
  std::size_t frozen_bytes = 0;
};

class Bench {
 public:
  Bench() {
    for (const stream::StageSpec& spec : stages::all_specs()) {
      tasks_.emplace_back(spec);
    }
  }

  void open_accounts(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      core::OpenAccount open{core::CommandId(next_id()), account(i), {1'000'000'000, eur_}};
      add(open);
    }
    accounts_ = count;
    run();
  }

  void pay(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      core::Transfer transfer;
      transfer.payment = core::PaymentId(next_id());
      const std::size_t from = random() % accounts_;
      transfer.from = account(from);
      transfer.to = account((from + 1 + random() % (accounts_ - 1)) % accounts_);
      transfer.amount = {1 + static_cast<std::int64_t>(random() % 1000), eur_};
      transfer.reference = "invoice 2026-11-22, with thanks";
      add(core::SubmitPayment{transfer});
    }
    run();
  }

  void reset_times() {
    for (Task& task : tasks_) {
      task.spent_ns = 0;
      task.frozen_ns = 0;
      task.frozen_bytes = 0;
    }
  }

  void print(std::size_t payments) const {
    double total = 0;
    double frozen = 0;
    for (const Task& task : tasks_) {
      const auto per = [&](double value) { return value / static_cast<double>(payments); };
      std::printf("%-10s %7.0f ns a payment; freeze %5.0f ns, %4.0f bytes\n", task.name.c_str(),
                  per(task.spent_ns), per(task.frozen_ns),
                  per(static_cast<double>(task.frozen_bytes)));
      total += per(task.spent_ns);
      frozen += per(task.frozen_ns);
    }
    std::printf("%-10s %7.0f ns a payment; freeze %5.0f ns\n", "all", total, frozen);
  }

 private:
  static core::AccountId account(std::size_t i) {
    return *core::AccountId::parse("DE" + std::to_string(10'000'000'000'000'000'000ULL + i));
  }

  std::uint64_t random() {
    state_ ^= state_ << 13U;
    state_ ^= state_ >> 7U;
    state_ ^= state_ << 17U;
    return state_;
  }

  Uuid next_id() {
    std::array<std::uint8_t, 10> entropy{};
    const std::uint64_t value = random();
    std::memcpy(entropy.data() + 2, &value, sizeof value);
    return make_uuid_v7(now_, entropy);
  }

  void add(const core::Command& command) {
    incoming_.add(core::id_of(command), now_, codec_.encode(command));
  }

  void run() {
    Task& intake = tasks_[0];
    Task& accounts = tasks_[1];
    intake.run(incoming_, now_);
    incoming_.clear();
    // Credits come after the debits that cause them: the account stage runs until it is silent.
    Batch legs = std::move(intake.out.batches[0]);
    Batch outcomes = std::move(intake.out.batches[1]);
    while (!legs.items.empty()) {
      accounts.clear();
      accounts.run(legs, now_);
      legs = accounts.out.batches[0];
      const Batch& more = accounts.out.batches[1];
      for (const Item& item : more.items) {
        outcomes.add(item.subject, item.time, ByteView(more.bytes).subspan(item.at, item.size));
      }
    }
    now_.ms += 20;
    for (std::size_t i = 2; i < tasks_.size(); ++i) {
      tasks_[i].run(outcomes, now_);
    }
    for (Task& task : tasks_) {
      task.clear();
      task.freeze();
    }
  }

  core::Currency eur_ = *core::Currency::parse("EUR");
  std::vector<Task> tasks_;
  wire::CommandCodec codec_;
  Batch incoming_;
  std::size_t accounts_ = 0;
  Timestamp now_ = kStart;
  std::uint64_t state_ = 0x2545f4914f6cdd1dULL;
};

int run(std::size_t payments, std::size_t accounts) {
  constexpr std::size_t kAtOnce = 20'000;
  Bench bench;
  bench.open_accounts(accounts);
  bench.pay(payments);
  bench.reset_times();
  for (std::size_t done = 0; done < payments; done += kAtOnce) {
    bench.pay(std::min(kAtOnce, payments - done));
  }
  std::printf("%zu payments, %zu accounts\n", payments, accounts);
  bench.print(payments);
  return 0;
}

}  // namespace
}  // namespace kpay

int main(int argc, char** argv) {
  const auto number = [&](int i, std::size_t otherwise) {
    return argc > i ? static_cast<std::size_t>(std::strtoull(argv[i], nullptr, 10)) : otherwise;
  };
  return kpay::run(number(1, 200'000), std::max<std::size_t>(number(2, 10'000), 2));
}
