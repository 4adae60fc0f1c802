// query_bench [payments] [accounts] [folder]: what the query side's index costs a payment (time,
// disk), and how long its answers take when it is full. Prints one line for each.
#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "base/hash.h"
#include "query/feeder.h"
#include "query/reader.h"

namespace kpay::query {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::int32_t kPartitions = 12;
constexpr std::int64_t kBeginMs = 1'795'366'435'000;
constexpr std::size_t kPerMs = 20;  // payments a millisecond: neighbours in time share it
constexpr std::size_t kAsked = 400;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

core::AccountId account(std::size_t number) {
  return *core::AccountId::parse("acc-" + std::to_string(number));
}

// What real stages would write, told to the index as the auditor tells it.
class Log {
 public:
  Log(Feeder& feeder, std::size_t accounts) : feeder_(&feeder), balances_(accounts, 1'000'000) {}

  void open(std::size_t number) {
    const core::AccountId id = account(number);
    const std::int32_t at = partition_of(id.view(), kPartitions);
    audit::Entry entry;
    entry.kind = audit::EntryKind::open;
    entry.appended = Timestamp{kBeginMs};
    entry.currency = eur_;
    entry.delta = balances_[number];
    entry.account = id;
    feeder_->posted(next(audit::Topic::inflight, at), entry, id, core::Sum(balances_[number]));
  }

  void pay(std::size_t number) {
    const std::size_t from = dice_() % balances_.size();
    const std::size_t to = (from + 1 + dice_() % (balances_.size() - 1)) % balances_.size();
    const Timestamp at{kBeginMs + static_cast<std::int64_t>(number / kPerMs)};
    std::array<std::uint8_t, 10> entropy{};
    std::generate(entropy.begin(), entropy.end(),
                  [&] { return static_cast<std::uint8_t>(dice_()); });
    const core::Transfer transfer{core::PaymentId(make_uuid_v7(at, entropy)),
                                  account(from),
                                  account(to),
                                  {1 + static_cast<std::int64_t>(dice_() % 9999), eur_},
                                  {},
                                  "invoice 4711"};
    hops(transfer, at, number % 50 == 0);
    if (number % 50 != 0) {
      post(audit::EntryKind::debit, transfer, {at.ms + 5}, from, -transfer.amount.minor);
      post(audit::EntryKind::credit, transfer, {at.ms + 5}, to, transfer.amount.minor);
    }
  }

 private:
  audit::Place next(audit::Topic topic, std::int32_t partition) {
    return {topic, partition, ++ends_[audit::number_of(topic)][static_cast<std::size_t>(partition)],
            0};
  }

  void event(const audit::Place& place, const audit::Place& cause, std::uint16_t stage,
             const core::Transfer& transfer, Timestamp at, ByteView payload) {
    stream::EventHeader header;
    header.time = at;
    header.subject = transfer.payment.value();
    feeder_->event(place, {at.ms + 5}, {stage, cause}, header, payload);
  }

  void hops(const core::Transfer& transfer, Timestamp at, bool fails) {
    const std::int32_t of_id = partition_of(transfer.payment.value().view(), kPartitions);
    const auto command = next(audit::Topic::incoming, of_id);
    feeder_->command(command, at, commands_.encode(core::SubmitPayment{transfer}));
    debit_ = next(audit::Topic::inflight, partition_of(transfer.from.view(), kPartitions));
    event(debit_, command, stages::kIntake, transfer, at, legs_.encode(core::DebitLeg{transfer}));
    audit::Place last = debit_;
    if (!fails) {
      credit_ = next(audit::Topic::inflight, partition_of(transfer.to.view(), kPartitions));
      event(credit_, debit_, stages::kAccount, transfer, at,
            legs_.encode(core::CreditLeg{transfer}));
      last = credit_;
    }
    core::PaymentResult result{
        transfer.payment, 1,  !fails, core::Refusal::none, transfer.amount, transfer.from,
        transfer.to,      at, at};
    result.refusal = fails ? core::Refusal::exceeds_balance : core::Refusal::none;
    event(next(audit::Topic::complete, of_id), last, stages::kAccount, transfer, at,
          outcomes_.encode(fails ? core::failed(transfer, result.refusal, true)
                                 : core::completed(transfer)));
    feeder_->result(next(fails ? audit::Topic::failed : audit::Topic::confirmed, of_id),
                    {at.ms + 9}, results_.encode(result));
  }

  void post(audit::EntryKind kind, const core::Transfer& transfer, Timestamp appended,
            std::size_t number, std::int64_t delta) {
    audit::Entry entry;
    entry.kind = kind;
    entry.appended = appended;
    entry.currency = eur_;
    entry.delta = delta;
    entry.id = transfer.payment.value();
    balances_[number] += delta;
    const core::AccountId id = account(number);
    feeder_->posted(kind == audit::EntryKind::debit ? debit_ : credit_, entry, id,
                    core::Sum(balances_[number]));
  }

  Feeder* feeder_;
  std::vector<std::int64_t> balances_;
  std::mt19937_64 dice_{1};
  core::Currency eur_ = *core::Currency::parse("EUR");
  std::array<std::array<std::int64_t, kPartitions>, audit::kTopics> ends_{};
  audit::Place debit_;
  audit::Place credit_;
  wire::CommandCodec commands_;
  wire::InflightCodec legs_;
  wire::OutcomeCodec outcomes_;
  wire::ResultCodec results_;
};

std::uintmax_t bytes_in(const fs::path& folder) {
  std::uintmax_t bytes = 0;
  for (const auto& each : fs::directory_iterator(folder)) {
    bytes += each.file_size();
  }
  return bytes;
}

template <class Ask>
void measure(const char* what, const Ask& ask) {
  std::vector<double> ms;
  std::size_t rows = 0;
  for (std::size_t i = 0; i < kAsked; ++i) {
    const Clock::time_point begin = Clock::now();
    rows += ask(i);
    ms.push_back(seconds_since(begin) * 1000);
  }
  std::sort(ms.begin(), ms.end());
  std::printf("%-46s p50 %7.2f ms  p95 %7.2f ms  p99 %7.2f ms  rows/answer %.1f\n", what,
              ms[kAsked / 2], ms[kAsked * 95 / 100], ms[kAsked * 99 / 100],
              static_cast<double>(rows) / kAsked);
}

void ask(Reader& reader, std::size_t payments, std::size_t accounts) {
  std::mt19937_64 dice{2};
  const auto some_account = [&] { return std::string(account(dice() % accounts).text()); };
  const auto some_time = [&] {
    return kBeginMs + static_cast<std::int64_t>(dice() % payments / kPerMs);
  };
  const auto list = [&](const PaymentFilter& filter) {
    return reader.payments(filter).value().payments.size();
  };
  measure("payments, newest", [&](std::size_t) { return list({.limit = 50}); });
  measure("payments, before some time",
          [&](std::size_t) { return list({.to_ms = some_time(), .limit = 50}); });
  measure("payments, failed, before some time", [&](std::size_t) {
    return list({.status = Status::failed, .to_ms = some_time(), .limit = 50});
  });
  measure("payments, completed, before some time", [&](std::size_t) {
    return list({.status = Status::completed, .to_ms = some_time(), .limit = 50});
  });
  measure("payments of an account",
          [&](std::size_t) { return list({.account = some_account(), .limit = 50}); });
  measure("payments of an account, failed", [&](std::size_t) {
    return list({.account = some_account(), .status = Status::failed, .limit = 50});
  });
  std::vector<Uuid> ids;
  for (std::size_t i = 0; i < kAsked; ++i) {
    ids.push_back(
        reader.payments({.to_ms = some_time() + 1, .limit = 1}).value().payments.front().id);
  }
  measure("journey of a payment", [&](std::size_t i) {
    return reader.journey(ids[i]).value().value().journey.hops.size();
  });
  measure("postings of an account", [&](std::size_t) {
    return reader.postings({.account = some_account(), .limit = 50}).value().postings.size();
  });
  measure("balance of an account at some time", [&](std::size_t) {
    return reader.balance(some_account(), some_time()).value().minor.size();
  });
}

int run(std::size_t payments, std::size_t accounts, const fs::path& folder) {
  fs::remove_all(folder);
  fs::create_directories(folder);
  const std::string path = (folder / "query.db").string();
  {
    Result<std::unique_ptr<Index>> index = Index::open({path, kPartitions, {}, 0});
    Feeder feeder(std::move(index.value()), [](const Error& error) {
      std::fprintf(stderr, "%s\n", error.message.c_str());
      std::exit(1);
    });
    Log log(feeder, accounts);
    for (std::size_t i = 0; i < accounts; ++i) {
      log.open(i);
    }
    (void)feeder.flush(1, {});
    const std::uintmax_t before = bytes_in(folder);
    const Clock::time_point begin = Clock::now();
    for (std::size_t i = 0; i < payments; ++i) {
      log.pay(i);
    }
    (void)feeder.flush(2, {});
    const double took = seconds_since(begin);
    const Progress progress = feeder.progress();
    const auto count = static_cast<double>(payments);
    std::printf(
        "indexed %zu payments of %zu accounts in %.1f s: %.0f payments/s, writer %.1f us "
        "each, the auditor's thread waited %.1f s\n",
        payments, accounts, took, count / took,
        static_cast<double>(progress.written_ms) * 1000 / count,
        static_cast<double>(progress.waited_ms) / 1000);
    std::printf("disk: %.0f bytes a payment\n",
                static_cast<double>(bytes_in(folder) - before) / count);
  }
  Reader reader(path);
  ask(reader, payments, accounts);
  fs::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace kpay::query

int main(int argc, char** argv) {
  const auto number = [&](int at, std::size_t otherwise) {
    return argc > at ? static_cast<std::size_t>(std::strtoull(argv[at], nullptr, 10)) : otherwise;
  };
  const std::filesystem::path folder =
      argc > 3 ? std::filesystem::path(argv[3])
               : std::filesystem::temp_directory_path() / "kpay-query-bench";
  return kpay::query::run(number(1, 1'000'000), number(2, 100'000), folder);
}
