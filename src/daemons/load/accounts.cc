// accounts: opens accounts, and can wait until they are there.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "base/time.h"
#include "daemons/load/answers.h"
#include "daemons/load/cli.h"
#include "daemons/load/id_series.h"
#include "daemons/load/progress.h"
#include "daemons/tool/command_sender.h"
#include "stages/specs.h"

namespace kpay::load {

namespace {

constexpr int kLingerMs = 5;
constexpr int kWaitMs = 50;
constexpr std::uint32_t kCountMax = 100'000'000;

struct Flags {
  std::uint32_t count = 0;
  std::uint32_t first = 1;
  std::string currency = "EUR";
  std::string opening = "0";
  std::string account_prefix = "acc-";
  bool wait = false;
  int timeout_s = 120;
};

// How the commands ended, each counted once.
struct Tally {
  std::vector<bool> answered;
  std::uint64_t opened = 0;
  std::uint64_t existed = 0;
  std::map<std::string, std::uint64_t> refused;

  void take(std::uint32_t number, const core::CommandOutcome& outcome) {
    if (answered[number]) {
      return;
    }
    answered[number] = true;
    if (outcome.status == core::CommandStatus::done) {
      ++opened;
    } else if (outcome.refusal == core::Refusal::account_exists) {
      ++existed;
    } else {
      ++refused[std::string(core::to_string(outcome.refusal))];
    }
  }
  [[nodiscard]] std::uint64_t finished() const {
    std::uint64_t sum = opened + existed;
    for (const auto& [rule, count] : refused) {
      sum += count;
    }
    return sum;
  }
};

Result<core::Money> opening_of(const Flags& flags) {
  const std::optional<core::Currency> currency = core::Currency::parse(flags.currency);
  const std::optional<core::Money> opening =
      currency ? core::parse_amount(flags.opening, *currency) : std::nullopt;
  if (!opening) {
    return Unexpected(ErrorCode::invalid, "\"" + flags.opening + " " + flags.currency +
                                              "\" is no amount of a currency of ISO 4217, as "
                                              "1000.00 EUR");
  }
  const std::string longest =
      flags.account_prefix + std::to_string(std::uint64_t{flags.first} + flags.count);
  if (!core::AccountId::parse(longest)) {
    return Unexpected(ErrorCode::invalid, "\"" + longest +
                                              "\" is no account id: 1 to 34 "
                                              "characters of A-Z a-z 0-9 . _ : -");
  }
  return *opening;
}

Result<void> send_all(const Flags& flags, const core::Money& opening, const IdSeries& ids,
                      tool::CommandSender& sender, Progress& progress) {
  for (std::uint32_t i = 0; i < flags.count && !interrupted(); ++i) {
    const std::string account = flags.account_prefix + std::to_string(flags.first + i);
    const core::OpenAccount command{core::CommandId(ids.make(i, wall_clock_now())),
                                    core::AccountId::parse(account).value(), opening};
    if (Result<void> sent = sender.send(command); !sent) {
      return sent;
    }
    progress.tick(sender.sent(), 0, flags.count);
  }
  return sender.flush();
}

Result<bool> wait_for_all(const Flags& flags, AnswerReader& answers, const Tally& tally,
                          Progress& progress) {
  const std::int64_t deadline = monotonic_ms() + flags.timeout_s * std::int64_t{1000};
  while (tally.finished() < flags.count && !interrupted()) {
    if (monotonic_ms() >= deadline) {
      return false;
    }
    if (const Result<std::size_t> got = answers.poll(kWaitMs); !got) {
      return Unexpected(got.error());
    }
    progress.tick(flags.count, tally.finished(), flags.count);
  }
  return true;
}

Ending told(const Flags& flags, std::uint64_t sent, const Tally& tally, bool in_time,
            double seconds) {
  Ending ending;
  ending.report.add("sent", sent);
  if (flags.wait) {
    ending.report.add("opened", tally.opened)
        .add("existed", tally.existed)
        .add("refused", tally.refused)
        .add("unanswered", sent - std::min(sent, tally.finished()));
    ending.exit = tally.refused.empty() ? tool::Exit::ok : tool::Exit::partial;
  }
  ending.report.add("seconds", seconds, 3);
  ending.exit = interrupted() ? tool::Exit::interrupted
                : in_time     ? ending.exit
                              : tool::Exit::timed_out;
  return ending;
}

// Reads outcomes into `tally`, from now on; nothing when they aren't waited for.
Result<std::unique_ptr<AnswerReader>> watch(const Flags& flags, const tool::Reached& reached,
                                            const IdSeries& ids, Tally& tally) {
  if (!flags.wait) {
    return std::unique_ptr<AnswerReader>();
  }
  Result<std::vector<std::int64_t>> ends = reached.ends(stages::kTopicComplete);
  if (!ends) {
    return Unexpected(ends.error());
  }
  AnswerTakers takers;
  takers.outcome = [&ids, &tally](const core::Outcome& outcome) {
    const std::optional<std::uint32_t> number = ids.number_of(core::subject_of(outcome));
    const auto* command = std::get_if<core::CommandOutcome>(&outcome);
    if (command != nullptr && number && *number < tally.answered.size()) {
      tally.take(*number, *command);
    }
  };
  return AnswerReader::open(reached, {{}, {}, *ends}, std::move(takers));
}

Result<Ending> open_accounts(const Session& session, const Flags& flags) {
  Result<core::Money> opening = opening_of(flags);
  if (!opening) {
    return Unexpected(opening.error());
  }
  Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  const IdSeries ids;
  Tally tally;
  tally.answered.resize(flags.count);
  Result<std::unique_ptr<AnswerReader>> answers = watch(flags, *reached, ids, tally);
  if (!answers) {
    return Unexpected(answers.error());
  }
  Result<std::unique_ptr<tool::CommandSender>> sender =
      tool::CommandSender::connect(*reached, kLingerMs);
  if (!sender) {
    return Unexpected(sender.error());
  }
  Progress progress("accounts");
  if (Result<void> sent = send_all(flags, *opening, ids, **sender, progress); !sent) {
    return Unexpected(sent.error());
  }
  const Result<bool> in_time =
      flags.wait ? wait_for_all(flags, **answers, tally, progress) : Result<bool>(true);
  if (!in_time) {
    return Unexpected(in_time.error());
  }
  return told(flags, (*sender)->sent(), tally, *in_time, progress.seconds());
}

}  // namespace

void add_accounts(CLI::App& app, Session& session) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("accounts", "Open accounts PREFIX1, PREFIX2, ...");
  command->add_option("--count", flags->count, "How many")
      ->required()
      ->check(CLI::Range(1U, kCountMax));
  command->add_option("--first", flags->first, "The first one's number [1]")
      ->check(CLI::Range(0U, 1'000'000'000U));
  command->add_option("--currency", flags->currency, "Of the accounts [EUR]");
  command->add_option("--opening", flags->opening, "Opening balance of each [0]");
  command->add_option("--account-prefix", flags->account_prefix, "Ids begin with it [acc-]");
  command->add_flag("--wait", flags->wait, "Until all of them are there");
  command->add_option("--timeout", flags->timeout_s, "Seconds to wait [120]")
      ->check(CLI::Range(1, 86'400));
  command->callback([&session, flags] {
    session.chosen = [&session, flags] { return open_accounts(session, *flags); };
  });
}

}  // namespace kpay::load
