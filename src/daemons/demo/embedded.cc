#include "daemons/demo/embedded.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <map>
#include <random>

#include "core/commands.h"
#include "daemons/service/exit_codes.h"
#include "stages/specs.h"
#include "store/memory_store.h"
#include "stream/memory_driver.h"
#include "wire/codec.h"

namespace kpay::daemons {

namespace {

struct Options {
  int payments = 100'000;
  int accounts = 1'000;
  std::int32_t partitions = 4;
  std::uint64_t seed = 1;
  int crashes = 3;
};

// Stores outlive the process that crashes, as files do.
using Stores = std::map<std::pair<std::string, std::int32_t>, store::MemoryStore>;

class StoreView final : public store::StateStore {
 public:
  explicit StoreView(store::MemoryStore& store) : store_(&store) {}
  Result<std::optional<Bytes>> marker() override { return store_->marker(); }
  Result<void> load(const std::function<Result<void>(const store::StoredRow&)>& sink) override {
    return store_->load(sink);
  }
  Result<void> commit(std::vector<store::StoredRow>& rows, ByteView marker, bool replace) override {
    return store_->commit(rows, marker, replace);
  }
  Result<std::vector<store::KeyValue>> range(std::uint16_t table, ByteView from, ByteView to,
                                             std::size_t limit) override {
    return store_->range(table, from, to, limit);
  }
  Result<void> set_aside(const std::string& why) override { return store_->set_aside(why); }

 private:
  store::MemoryStore* store_;
};

class Embedded {
 public:
  explicit Embedded(const Options& options)
      : options_(options),
        specs_(stages::all_specs()),
        topics_("kpay.", stream::topics_of(specs_)),
        log_(wall_clock_now()),
        random_(options.seed) {
    stream::make_topics(log_, topics_, specs_, "embedded", new_uuid_v4(), options.partitions);
    boot();
  }

  void open_accounts();
  void send_payments();
  void run_until_idle();
  void crash();
  int statement();

 private:
  void boot();
  void send(const core::Command& command);
  void turn_clock(std::int64_t ms);
  core::AccountId account(int number) const;
  std::map<std::string, std::uint64_t> sum(const std::string& stage, const std::string& table,
                                           const std::string& key) const;

  Options options_;
  std::vector<stream::StageSpec> specs_;
  stream::TopicTable topics_;
  stream::MemoryLog log_;
  Stores stores_;
  std::mt19937_64 random_;
  wire::CommandCodec codec_;
  std::int64_t now_ms_ = 0;
  std::unique_ptr<stream::MemoryProcess> process_;
};

void Embedded::boot() {
  stream::MemoryProcess::Parts parts;
  parts.specs = &specs_;
  parts.topics = &topics_;
  parts.log = &log_;
  parts.cluster_id = "embedded";
  parts.partitions = options_.partitions;
  parts.options.owner = "embedded";
  parts.options.checkpoint_interval_ms = 100;
  parts.make_store = [this](const stream::StageSpec& spec, std::int32_t partition,
                            const stream::Identity&) -> Result<std::unique_ptr<store::StateStore>> {
    return std::unique_ptr<store::StateStore>(
        std::make_unique<StoreView>(stores_[{spec.name, partition}]));
  };
  parts.make_nonce = [] { return new_uuid_v4(); };
  parts.notice = [](const stream::StageSpec& spec, std::int32_t partition,
                    const stream::TaskNotice& notice) {
    if (notice.kind == stream::TaskNotice::Kind::held ||
        notice.kind == stream::TaskNotice::Kind::diverged) {
      std::fprintf(stderr, "%s/%d: %s\n", spec.name.c_str(), partition, notice.text.c_str());
    }
  };
  process_ = std::make_unique<stream::MemoryProcess>(std::move(parts));
  for (std::size_t spec = 0; spec < specs_.size(); ++spec) {
    for (std::int32_t partition = 0; partition < options_.partitions; ++partition) {
      process_->host().assign(spec, partition, now_ms_);
    }
  }
}

void Embedded::crash() {
  process_.reset();
  boot();
}

core::AccountId Embedded::account(int number) const {
  return core::AccountId::parse("acc-" + std::to_string(number)).value();
}

void Embedded::send(const core::Command& command) {
  const ByteView key = core::key_of(command);
  log_.append(topics_.index_of(stages::kTopicIncoming), partition_of(key, options_.partitions), key,
              codec_.encode(command));
}

void Embedded::turn_clock(std::int64_t ms) {
  now_ms_ += ms;
  log_.set_now({log_.now().ms + ms});
}

void Embedded::open_accounts() {
  const core::Currency euro = core::Currency::parse("EUR").value();
  for (int i = 1; i <= options_.accounts; ++i) {
    send(core::OpenAccount{core::CommandId(new_uuid_v7()), account(i), {100'000, euro}});
  }
}

// One in fifty goes to an account that doesn't exist: its credit is refused and refunded.
void Embedded::send_payments() {
  const core::Currency euro = core::Currency::parse("EUR").value();
  const auto pick = [this](int from, int below) {
    return from + static_cast<int>(random_() % static_cast<std::uint64_t>(below));
  };
  for (int i = 0; i < options_.payments; ++i) {
    const int payer = pick(1, options_.accounts);
    const int payee = pick(0, 50) == 0 ? options_.accounts + 1 : pick(1, options_.accounts);
    core::Transfer transfer;
    transfer.payment = core::PaymentId(new_uuid_v7());
    transfer.from = account(payer);
    transfer.to = account(payee);
    transfer.amount = {pick(1, 5'000), euro};
    send(core::SubmitPayment{transfer});
    if (options_.crashes > 0 && (i + 1) % (options_.payments / (options_.crashes + 1) + 1) == 0) {
      for (int step = 0; step < 200; ++step) {
        turn_clock(1);
        process_->step(now_ms_);
      }
      crash();
    }
  }
}

void Embedded::run_until_idle() {
  for (int quiet = 0; quiet < 3;) {
    turn_clock(1);
    quiet = process_->step(now_ms_) ? 0 : quiet + 1;
    if (quiet > 0) {
      turn_clock(100);  // timers: the last checkpoints
    }
  }
}

std::map<std::string, std::uint64_t> Embedded::sum(const std::string& stage,
                                                   const std::string& table,
                                                   const std::string& key) const {
  std::map<std::string, std::uint64_t> sums;
  for (const std::shared_ptr<stream::Task>& task : process_->host().tasks()) {
    for (const stream::TableBase* rows : task->tables()) {
      if (task->spec().name != stage || rows->name() != table) {
        continue;
      }
      const std::optional<Bytes> bytes = rows->key_from_text(key);
      const std::optional<Bytes> row = bytes ? rows->get(*bytes) : std::nullopt;
      for (const stream::Field& field : row ? rows->fields(*row) : stream::Fields{}) {
        if (const auto* count = std::get_if<std::uint64_t>(&field.value)) {
          sums[field.name] += *count;
        } else if (const auto* value = std::get_if<std::int64_t>(&field.value)) {
          sums[field.name] += static_cast<std::uint64_t>(*value);
        }
      }
    }
  }
  return sums;
}

int Embedded::statement() {
  std::map<std::string, std::uint64_t> intake = sum("intake", "totals", "EUR");
  std::map<std::string, std::uint64_t> settle = sum("settle", "totals", "EUR");
  std::map<std::string, std::uint64_t> account_sums = sum("account", "totals", "EUR");
  std::uint64_t balances = 0;
  for (int i = 1; i <= options_.accounts; ++i) {
    balances += sum("account", "accounts", std::string(account(i).text()))["balance_minor"];
  }
  const std::uint64_t failed = settle["failed_count"] + settle["failed_at_intake_count"];
  const std::uint64_t in_flight = intake["opened_count"] - settle["closed_count"];
  const bool balanced = balances == account_sums["opened_value"] && in_flight == 0 &&
                        intake["accepted_count"] == settle["completed_count"] + failed &&
                        intake["accepted_count"] == static_cast<std::uint64_t>(options_.payments);
  std::printf("accepted %lu = confirmed %lu + failed %lu, in flight %lu\n",
              intake["accepted_count"], settle["completed_count"], failed, in_flight);
  std::printf("balances %lu = opening balances %lu (EUR, minor units), refunded %lu\n", balances,
              account_sums["opened_value"], account_sums["refunded_count"]);
  std::printf("%s\n", balanced ? "The books balance." : "The books do NOT balance.");
  return balanced ? kExitOk : kExitFailure;
}

}  // namespace

int run_embedded(int argc, char** argv) {
  Options options;
  CLI::App app("all stages on a log in memory", "kpay-demo --embedded");
  app.add_option("--payments", options.payments, "how many")->check(CLI::Range(1, 10'000'000));
  app.add_option("--accounts", options.accounts, "how many")->check(CLI::Range(2, 1'000'000));
  app.add_option("--partitions", options.partitions, "of each topic")->check(CLI::Range(1, 1024));
  app.add_option("--seed", options.seed, "of the payments");
  app.add_option("--crashes", options.crashes, "in between")->check(CLI::Range(0, 1000));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  Embedded demo(options);
  const std::int64_t began = monotonic_ms();
  demo.open_accounts();
  demo.run_until_idle();
  demo.send_payments();
  demo.run_until_idle();
  std::printf("%d payments with %d crashes between in %.2f s\n", options.payments, options.crashes,
              static_cast<double>(monotonic_ms() - began) / 1000.0);
  return demo.statement();
}

}  // namespace kpay::daemons
