#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/time.h"
#include "daemons/ctl/amounts.h"
#include "daemons/ctl/books_reader.h"
#include "daemons/ctl/books_table.h"
#include "daemons/ctl/cli.h"
#include "daemons/ctl/recompute.h"

namespace kpay::ctl {

namespace {

using Json = nlohmann::ordered_json;

constexpr int kShowRounds = 6;
constexpr std::chrono::milliseconds kBetweenReadings{1000};

struct BooksFlags {
  int wait_idle_s = 0;
};

// A number while it fits in 64 bits, else decimal text.
Json number(const core::Sum& sum) {
  const std::optional<std::int64_t> narrow = sum.narrow();
  return narrow ? Json(*narrow) : Json(to_string(sum));
}

std::string money(const core::Sum& sum, const std::string& currency) {
  return amount_text(to_string(sum), currency) + " " + currency;
}

std::string with_value(std::uint64_t count, const core::Sum& value, const std::string& currency) {
  return std::to_string(count) + "  (" + money(value, currency) + ")";
}

Json to_json(const core::Tally& tally) {
  return {{"count", tally.count}, {"value_minor", number(tally.value)}};
}

Json to_json(const CurrencyBooks& books) {
  return {{"accepted", to_json(books.accepted)},
          {"completed", to_json(books.completed)},
          {"failed", to_json(books.failed)},
          {"refused_at_intake", to_json(books.refused)},
          {"in_flight", to_json(books.in_flight)},
          {"confirmed_results", to_json(books.confirmed_results)},
          {"failed_results", to_json(books.failed_results)},
          {"rejected", books.rejected},
          {"accounts", books.accounts},
          {"opening_minor", number(books.opening)},
          {"deposits_minor", number(books.deposits)},
          {"balances_minor", number(books.balances)},
          {"recomputed_minor", number(books.computed)},
          {"suspense_minor", number(books.suspense)},
          {"in_transit_minor", number(books.in_transit)},
          {"conserved", books.conserved()}};
}

std::string to_text(const std::string& currency, const CurrencyBooks& books) {
  TextTable table({currency, ""});
  const auto row = [&](const char* name, const core::Tally& tally) {
    table.add({name, with_value(tally.count, tally.value, currency)});
  };
  row("  accepted", books.accepted);
  row("  completed", books.completed);
  row("  failed", books.failed);
  row("  refused at intake", books.refused);
  row("  in flight", books.in_flight);
  table.add({"  rejected", std::to_string(books.rejected)});
  core::Sum paid_in = books.opening;
  paid_in += books.deposits;
  table.add({"  opening + deposits", money(paid_in, currency)});
  table.add({"  balances of " + std::to_string(books.accounts) + " accounts",
             money(books.balances, currency)});
  table.add({"  in transit", money(books.in_transit, currency)});
  table.add({"  conserved", books.conserved() ? "yes" : "NO"});
  return table.text();
}

Json ends_json(const VerifiedBooks& verified) {
  Json ends = Json::object();
  for (const auto& [topic, offsets] : verified.ends) {
    ends[topic] = offsets;
  }
  return ends;
}

std::string moving_text(const BooksReport& report) {
  std::string text;
  for (const auto& [count, what] :
       {std::pair(report.waiting, "commands wait at intake"),
        std::pair(report.in_flight, "payments are in flight"),
        std::pair(report.unprocessed, "legs and account commands lie after the accounts' cut"),
        std::pair(report.pending_results, "public results are still to come"),
        std::pair(report.put_aside,
                  "payments and account commands have an event that is a dead "
                  "letter")}) {
    if (count > 0) {
      text += std::to_string(count) + " " + what + "\n";
    }
  }
  return text;
}

std::string offsets_text(const VerifiedBooks& verified) {
  std::string text;
  for (const auto& [topic, ends] : verified.ends) {
    if (topic.starts_with("state.")) {
      continue;
    }
    text += (text.empty() ? "" : ", ") + topic + " [";
    for (std::size_t p = 0; p < ends.size(); ++p) {
      text += (p == 0 ? "" : " ") + std::to_string(ends[p]);
    }
    text += "]";
  }
  return text;
}

Answer verified_answer(const VerifiedBooks& verified, bool timed_out) {
  const BooksReport& report = verified.report;
  Json currencies = Json::object();
  Answer answer;
  for (const auto& [currency, books] : report.currencies) {
    currencies[currency] = to_json(books);
    answer.text += to_text(currency, books);
  }
  answer.json =
      Json{{"equal", report.right()},           {"idle", report.idle()},
           {"differences", report.differences}, {"first_differences", report.first},
           {"waiting", report.waiting},         {"in_flight", report.in_flight},
           {"unprocessed", report.unprocessed}, {"pending_results", report.pending_results},
           {"put_aside", report.put_aside},     {"records", verified.records},
           {"repeated", verified.repeated},     {"currencies", std::move(currencies)},
           {"ends", ends_json(verified)}}
          .dump();
  answer.text += moving_text(report);
  if (report.right()) {
    answer.text += "equal up to offsets " + offsets_text(verified) + "\n";
    answer.exit = timed_out ? tool::Exit::timed_out : tool::Exit::ok;
    answer.note = timed_out ? "it did not come to rest in time\n" : "";
    return answer;
  }
  answer.exit = tool::Exit::check_failed;
  answer.text += std::to_string(report.differences) + " differences";
  answer.text += report.differences == 0 ? ", but money is not conserved\n" : "; the first:\n";
  for (const std::string& difference : report.first) {
    answer.text += "  " + difference + "\n";
  }
  return answer;
}

Result<Answer> verify(const Session& session, const BooksFlags& flags) {
  Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  const auto progress = [terminal](const std::string& doing) {
    if (terminal) {
      std::fprintf(stderr, "\r%s\x1b[K", doing.c_str());
    }
  };
  const std::int64_t deadline = monotonic_ms() + 1000LL * flags.wait_idle_s;
  Result<VerifiedBooks> verified = read_books(*reached, progress);
  // A difference is one at every cut; only what is on its way is worth waiting for.
  while (verified && verified->report.right() && !verified->report.idle() &&
         monotonic_ms() < deadline) {
    std::this_thread::sleep_for(kBetweenReadings);
    verified = read_books(*reached, progress);
  }
  progress("");
  if (!verified) {
    return Unexpected(verified.error());
  }
  return verified_answer(*verified, flags.wait_idle_s > 0 && !verified->report.idle());
}

Json to_json(const ShownCurrency& shown) {
  return {
      {"accepted", {{"count", shown.accepted}, {"value_minor", number(shown.accepted_value)}}},
      {"in_flight", {{"count", shown.in_flight}, {"value_minor", number(shown.in_flight_value)}}},
      {"held", {{"count", 0}, {"value_minor", 0}}},
      {"confirmed", {{"count", shown.confirmed}, {"value_minor", number(shown.confirmed_value)}}},
      {"failed", {{"count", shown.failed}, {"value_minor", number(shown.failed_value)}}},
      {"rejected", shown.rejected},
      {"accounts", shown.accounts},
      {"opening_minor", number(shown.opening)},
      {"deposits_minor", number(shown.deposits)},
      {"balances_minor", number(shown.balances)},
      {"suspense_minor", number(shown.suspense)},
      {"in_transit_minor", number(shown.in_transit)},
      {"conserved", shown.conserved()}};
}

std::string to_text(const std::string& currency, const ShownCurrency& shown) {
  TextTable table({currency, ""});
  table.add({"  accepted", with_value(shown.accepted, shown.accepted_value, currency)});
  table.add({"  in flight", std::to_string(shown.in_flight) + "  (" +
                                money(shown.in_flight_value, currency) + ")"});
  table.add({"  held", "0"});
  table.add({"  confirmed", with_value(shown.confirmed, shown.confirmed_value, currency)});
  table.add({"  failed", with_value(shown.failed, shown.failed_value, currency)});
  table.add({"  rejected", std::to_string(shown.rejected)});
  core::Sum paid_in = shown.opening;
  paid_in += shown.deposits;
  table.add({"  opening + deposits", money(paid_in, currency)});
  table.add({"  balances of " + std::to_string(shown.accounts) + " accounts",
             money(shown.balances, currency)});
  table.add({"  suspense", money(shown.suspense, currency)});
  table.add({"  in transit", money(shown.in_transit, currency)});
  table.add({"  conserved", shown.conserved() ? "yes" : "NO"});
  return table.text();
}

// The row of unknown currencies counts rejections of account commands and little else.
bool is_empty(const ShownCurrency& shown) {
  return shown.accepted == 0 && shown.rejected == 0 && shown.accounts == 0;
}

Answer shown_answer(const ShownBooks& books) {
  Answer answer;
  Json currencies = Json::object();
  for (const auto& [currency, shown] : books.currencies) {
    currencies[currency] = to_json(shown);
    answer.text += is_empty(shown) ? "" : to_text(currency, shown);
  }
  answer.json = Json{{"conserved", books.conserved() && books.missing.empty()},
                     {"settled", books.settled},
                     {"missing", books.missing},
                     {"currencies", std::move(currencies)}}
                    .dump();
  if (!books.missing.empty()) {
    answer.note = "served by nobody, so not counted:";
    for (const std::string& partition : books.missing) {
      answer.note += " " + partition;
    }
    answer.note += "\n";
    answer.exit = tool::Exit::partial;
  } else if (!books.conserved()) {
    answer.exit = tool::Exit::check_failed;
  }
  if (!books.settled) {
    answer.note += "payments moved between the questions: the tables are of different moments\n";
  }
  return answer;
}

Result<Answer> show(const Session& session) {
  Result<Asked> asked = ask_daemons(session.flags, session.http);
  if (!asked) {
    return Unexpected(asked.error());
  }
  Result<ShownBooks> books = show_books(asked->tables, kShowRounds);
  if (!books) {
    return Unexpected(books.error());
  }
  return shown_answer(*books);
}

}  // namespace

void add_books(CLI::App& app, Session& session) {
  CLI::App* books = app.add_subcommand("books", "Show and verify where the money is");
  books->require_subcommand(1);
  books->add_subcommand("show", "The statement, from the daemons' tables; exit 8 if not conserved")
      ->callback([&session] { session.chosen = [&session] { return show(session); }; });
  const auto flags = std::make_shared<BooksFlags>();
  CLI::App* check = books->add_subcommand(
      "verify", "Recompute everything from the topics alone; exit 8 and names if it differs");
  check
      ->add_option("--wait-idle", flags->wait_idle_s,
                   "Seconds to wait until nothing is on its way; then exit 9 [0]")
      ->check(CLI::Range(0, 86'400));
  check->callback([&session, flags] {
    session.chosen = [&session, flags] { return verify(session, *flags); };
  });
  add_recompute(*books, session);
}

}  // namespace kpay::ctl
