// preload: writes payments as fast as the cluster takes them; nobody is waited for.
#include <CLI/CLI.hpp>
#include <memory>

#include "base/time.h"
#include "daemons/load/cli.h"
#include "daemons/load/id_series.h"
#include "daemons/load/payment_mix.h"
#include "daemons/load/progress.h"
#include "daemons/tool/command_sender.h"

namespace kpay::load {

namespace {

constexpr int kLingerMs = 5;
constexpr std::uint32_t kCountMax = 1'000'000'000;

struct Flags {
  std::uint32_t count = 0;
  tool::MixFlags mix;
};

Result<Ending> preload(const Session& session, const Flags& flags) {
  Result<PaymentMix> mix = PaymentMix::make(flags.mix);
  if (!mix) {
    return Unexpected(mix.error());
  }
  Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  Result<std::unique_ptr<tool::CommandSender>> sender =
      tool::CommandSender::connect(*reached, kLingerMs);
  if (!sender) {
    return Unexpected(sender.error());
  }
  const IdSeries ids;
  Progress progress("preload");
  for (std::uint32_t i = 0; i < flags.count && !interrupted(); ++i) {
    core::Transfer transfer = mix->next(mix->next_kind());
    transfer.payment = core::PaymentId(ids.make(i, wall_clock_now()));
    if (Result<void> sent = (*sender)->send(core::SubmitPayment{transfer}); !sent) {
      return Unexpected(sent.error());
    }
    progress.tick((*sender)->sent(), (*sender)->acknowledged(), flags.count);
  }
  if (Result<void> flushed = (*sender)->flush(); !flushed) {
    return Unexpected(flushed.error());
  }
  const double seconds = progress.seconds();
  Ending ending;
  ending.report.add("sent", (*sender)->sent())
      .add("acknowledged", (*sender)->acknowledged())
      .add("seconds", seconds, 3)
      .add("records_per_s", static_cast<double>((*sender)->sent()) / std::max(seconds, 1e-3), 0);
  ending.exit = interrupted() ? tool::Exit::interrupted : tool::Exit::ok;
  return ending;
}

}  // namespace

void add_preload(CLI::App& app, Session& session) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("preload", "Write payments and don't wait for results");
  command->add_option("--count", flags->count, "How many")
      ->required()
      ->check(CLI::Range(1U, kCountMax));
  tool::add_mix_options(*command, flags->mix);
  tool::add_bad_share_option(*command, flags->mix);
  command->callback([&session, flags] {
    session.chosen = [&session, flags] { return preload(session, *flags); };
  });
}

}  // namespace kpay::load
