#include "daemons/load/generate.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "base/time.h"
#include "daemons/load/cli.h"

namespace kpay::load {

namespace {

constexpr std::size_t kPieceBytes = 64 * 1024;
constexpr Timestamp kFirstTime{1'767'225'600'000};  // 2026-01-01: a file shows no clock
constexpr std::int64_t kStepMs = 10;
constexpr std::uint64_t kCountMax = 1'000'000'000;

// Where the bad lines are: the middle of each of `bad` equal pieces.
std::uint64_t place_of_bad(const GenerateFlags& flags, std::uint64_t number) {
  return (2 * number + 1) * flags.count / (2 * flags.bad);
}

std::string line_of(const std::string& id, Kind kind, const core::Transfer& transfer,
                    std::uint64_t number) {
  std::string text = id;
  text.append(",").append(transfer.from.text()).append(",").append(transfer.to.text()).append(",");
  const std::string amount = core::format_amount(transfer.amount);
  if (kind == Kind::missing_field) {
    return text + amount + "\n";
  }
  text += kind == Kind::letters_in_amount ? "1O" + amount : amount;
  text.append(",").append(transfer.amount.currency.text()).append(",");
  return text + to_rfc3339({kFirstTime.ms + static_cast<std::int64_t>(number) * kStepMs}) + "\n";
}

}  // namespace

Result<std::map<std::string, std::uint64_t>> generate(
    const GenerateFlags& flags, const std::function<bool(std::string_view)>& out) {
  if (flags.bad > flags.count) {
    return Unexpected(ErrorCode::invalid, "--bad " + std::to_string(flags.bad) +
                                              " is more than --count " +
                                              std::to_string(flags.count) + ", which includes it");
  }
  Result<PaymentMix> mix = PaymentMix::make(flags.mix);
  if (!mix) {
    return Unexpected(mix.error());
  }
  std::map<std::string, std::uint64_t> counts;
  std::string piece = "id,from,to,amount,currency,time\n";
  std::string last_good;
  std::uint64_t bad = 0;
  for (std::uint64_t i = 0; i < flags.count; ++i) {
    Kind kind = Kind::good;
    if (bad < flags.bad && i == place_of_bad(flags, bad)) {
      kind = kBadLines[bad++ % kBadLines.size()];
    }
    if (kind == Kind::same_id_other_content && last_good.empty()) {
      kind = Kind::unknown_payee;  // there is no id to repeat yet
    }
    const std::string own = "p-" + std::to_string(i + 1);
    const core::Transfer transfer = mix->next(kind);
    piece += line_of(kind == Kind::same_id_other_content ? last_good : own, kind, transfer, i);
    last_good = kind == Kind::good ? own : last_good;
    ++counts[std::string(to_string(kind))];
    if (piece.size() >= kPieceBytes || i + 1 == flags.count) {
      if (!out(piece)) {
        return Unexpected(ErrorCode::io, "the payments can't be written: is the disk full?");
      }
      piece.clear();
    }
  }
  return counts;
}

void add_generate(CLI::App& app, Session& session) {
  auto flags = std::make_shared<GenerateFlags>();
  CLI::App* command = app.add_subcommand("generate", "Write payments as CSV to standard output");
  command->add_option("--count", flags->count, "How many lines [100000]")
      ->check(CLI::Range(std::uint64_t{1}, kCountMax));
  command->add_option("--bad", flags->bad, "How many of them are bad [0]");
  tool::add_mix_options(*command, flags->mix);
  command->callback([&session, flags] {
    session.report_on_stderr = true;
    session.chosen = [flags]() -> Result<Ending> {
      const Result<std::map<std::string, std::uint64_t>> counts =
          generate(*flags, [](std::string_view piece) {
            return std::fwrite(piece.data(), 1, piece.size(), stdout) == piece.size();
          });
      if (!counts) {
        return Unexpected(counts.error());
      }
      Ending ending;
      ending.report.add("lines", flags->count).add("kinds", *counts);
      return ending;
    };
  });
}

}  // namespace kpay::load
