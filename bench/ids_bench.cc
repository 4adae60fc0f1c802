// What intake's remembered ids cost as the horizon fills (R12, R14): the stage alone, one thread.
//
//   ids_bench [ids ...]                      default: 1000000 10000000
//
// Fills one task with that many ids, spread over most of the horizon, and then measures: commands
// at that size, one checkpoint of 5,000 of them, a whole base, the restore of that base into an
// empty task, and commands in the state where each new id makes an old one fall out of the horizon.
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "core/commands.h"
#include "core/horizon.h"
#include "stages/specs.h"
#include "stream/table.h"
#include "wire/codec.h"

namespace kpay {
namespace {

constexpr Timestamp kStart{1'780'000'000'000};
constexpr std::size_t kAtOnce = 5'000;  // commands of one checkpoint
constexpr std::size_t kMeasured = 200'000;
constexpr std::size_t kSliceRows = 2'000;            // as a task's base does
constexpr std::size_t kRestoredBytes = 1ULL << 30U;  // of a base, so that it fits beside the task

class NoEmitter final : public stream::Emitter {
 public:
  void emit(std::size_t, ByteView, const stream::Outgoing&) override {}
  std::uint64_t next_number(std::size_t, ByteView) const override { return 1; }
};

double cpu_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

double resident_bytes() {
  std::ifstream status("/proc/self/statm");
  double pages = 0;
  status >> pages >> pages;
  return pages * 4096;
}

struct Cost {
  double apply_ns = 0;
  double freeze_ns = 0;
  std::size_t commands = 0;
  std::size_t bytes = 0;

  void print(const char* name) const {
    const auto per = [&](double value) { return value / static_cast<double>(commands); };
    std::printf("  %-22s %6.0f ns to apply, %5.0f ns to freeze, %4.0f bytes\n", name, per(apply_ns),
                per(freeze_ns), per(static_cast<double>(bytes)));
  }
};

class Intake {
 public:
  [[nodiscard]] stream::Stage& stage() { return *stage_; }
  [[nodiscard]] std::size_t ids() { return stage_->tables().front()->size(); }

  /// One checkpoint's commands; time goes on by `step_ms` in all.
  void take(std::size_t count, double step_ms, Cost& cost) {
    bytes_.clear();
    ends_.clear();
    std::vector<Timestamp> times;
    for (std::size_t i = 0; i < count; ++i) {
      clock_ms_ += step_ms / static_cast<double>(count);
      const Timestamp now{kStart.ms + static_cast<std::int64_t>(clock_ms_)};
      core::Transfer transfer;
      transfer.payment = core::PaymentId(next_id(now));
      transfer.from = from_;
      transfer.to = to_;
      transfer.amount = {1 + static_cast<std::int64_t>(random() % 1000), eur_};
      const ByteView payload = codec_.encode(core::SubmitPayment{transfer});
      bytes_.insert(bytes_.end(), payload.begin(), payload.end());
      ends_.push_back(bytes_.size());
      times.push_back(now);
    }
    double began = cpu_ns();
    for (std::size_t i = 0, at = 0; i < count; at = ends_[i++]) {
      stream::Event event;
      event.time = event.appended = times[i];
      event.payload = ByteView(bytes_).subspan(at, ends_[i] - at);
      if (stage_->apply(event, times[i], out_)) {
        std::fprintf(stderr, "a dead letter\n");
        std::exit(1);
      }
    }
    cost.apply_ns += cpu_ns() - began;
    began = cpu_ns();
    for (stream::TableBase* table : stage_->tables()) {
      table->freeze([&](ByteView key, std::optional<ByteView> value) {
        cost.bytes += key.size() + (value ? value->size() : 0);
      });
    }
    cost.freeze_ns += cpu_ns() - began;
    cost.commands += count;
  }

 private:
  std::uint64_t random() {
    state_ ^= state_ << 13U;
    state_ ^= state_ >> 7U;
    state_ ^= state_ << 17U;
    return state_;
  }
  Uuid next_id(Timestamp now) {
    std::array<std::uint8_t, 10> entropy{};
    const std::uint64_t value = random();
    std::memcpy(entropy.data() + 2, &value, sizeof value);
    return make_uuid_v7(now, entropy);
  }

  std::unique_ptr<stream::Stage> stage_ = stages::intake_spec().make(0, 1);
  NoEmitter out_;
  wire::CommandCodec codec_;
  Bytes bytes_;
  std::vector<std::size_t> ends_;
  double clock_ms_ = 0;
  std::uint64_t state_ = 0x2545f4914f6cdd1dULL;
  core::Currency eur_ = *core::Currency::parse("EUR");
  core::AccountId from_ = *core::AccountId::parse("DE10000000000000000001");
  core::AccountId to_ = *core::AccountId::parse("DE10000000000000000002");
};

// Rows of a base, as they would stand in frames: a place for each, and all bytes in one piece.
struct Base {
  struct Row {
    std::uint16_t table = 0;
    std::size_t key_size = 0;
    std::size_t size = 0;
  };
  std::vector<Row> rows;
  Bytes bytes;
};

void measure_base(Intake& intake) {
  Base base;
  base.bytes.reserve(kRestoredBytes + kRestoredBytes / 8);
  base.rows.reserve(kRestoredBytes / 32);
  double spent = 0;
  double longest = 0;
  std::size_t rows = 0;
  std::size_t total = 0;
  for (stream::TableBase* table : intake.stage().tables()) {
    table->base_begin();
    for (bool more = true; more;) {
      const double began = cpu_ns();
      more = table->base_slice(kSliceRows, [&](ByteView key, std::optional<ByteView> value) {
        ++rows;
        total += key.size() + value->size();
        if (base.bytes.size() < kRestoredBytes) {
          base.rows.push_back({table->number(), key.size(), key.size() + value->size()});
          base.bytes.insert(base.bytes.end(), key.begin(), key.end());
          base.bytes.insert(base.bytes.end(), value->begin(), value->end());
        }
      });
      const double took = cpu_ns() - began;
      spent += took;
      longest = std::max(longest, took);
    }
    table->base_end();
  }
  std::printf("  %-22s %6.2f s of CPU, longest slice %.2f ms, %zu rows, %.0f MiB\n", "a base",
              spent / 1e9, longest / 1e6, rows, static_cast<double>(total) / (1 << 20));
  Intake other;
  std::uint16_t number = 0;
  for (stream::TableBase* table : other.stage().tables()) {
    table->set_number(number++);
  }
  const double began = cpu_ns();
  std::size_t at = 0;
  for (const Base::Row& row : base.rows) {
    const ByteView bytes = ByteView(base.bytes).subspan(at, row.size);
    at += row.size;
    if (!other.stage().tables()[row.table]->load(bytes.first(row.key_size),
                                                 bytes.subspan(row.key_size))) {
      std::fprintf(stderr, "a row of the base can't be loaded\n");
      std::exit(1);
    }
  }
  const double took = cpu_ns() - began;
  std::printf("  %-22s %6.2f s of CPU for %zu rows, %.0f rows/s\n", "its restore", took / 1e9,
              base.rows.size(), static_cast<double>(base.rows.size()) / (took / 1e9));
}

void run(std::size_t ids) {
  Intake intake;
  std::uint16_t number = 0;
  for (stream::TableBase* table : intake.stage().tables()) {
    table->set_number(number++);
  }
  // All within nine tenths of the horizon, so that none falls out yet.
  const double fill_ms = static_cast<double>(core::kHorizonMs) * 0.9;
  const double step_ms = fill_ms / static_cast<double>(ids) * kAtOnce;
  const double before = resident_bytes();
  Cost fill;
  while (intake.ids() < ids) {
    intake.take(kAtOnce, step_ms, fill);
  }
  std::printf("%zu ids, %.0f bytes of memory each\n", intake.ids(),
              (resident_bytes() - before) / static_cast<double>(intake.ids()));
  fill.print("while filling");
  Cost full;
  for (std::size_t done = 0; done < kMeasured; done += kAtOnce) {
    intake.take(kAtOnce, step_ms, full);
  }
  full.print("filled");
  // On to where each id makes an old one fall out, and past it.
  Cost to_horizon;
  for (double ms = fill_ms; ms < 1.1 * static_cast<double>(core::kHorizonMs); ms += step_ms) {
    intake.take(kAtOnce, step_ms, to_horizon);
  }
  Cost expiring;
  while (expiring.commands < kMeasured || expiring.commands < ids / 5) {
    intake.take(kAtOnce, step_ms, expiring);
  }
  std::printf("  %zu ids at the horizon\n", intake.ids());
  expiring.print("one in, one out");
  measure_base(intake);
}

}  // namespace
}  // namespace kpay

int main(int argc, char** argv) {
  std::vector<std::size_t> sizes;
  for (int i = 1; i < argc; ++i) {
    sizes.push_back(static_cast<std::size_t>(std::strtoull(argv[i], nullptr, 10)));
  }
  if (sizes.empty()) {
    sizes = {1'000'000, 10'000'000};
  }
  for (const std::size_t ids : sizes) {
    if (ids < 1000) {
      std::fprintf(stderr, "usage: ids_bench [ids ...], 1000 or more each\n");
      return 2;
    }
    kpay::run(ids);
  }
}
