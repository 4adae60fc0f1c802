#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/time.h"
#include "daemons/ctl/amounts.h"
#include "daemons/ctl/audit_view.h"
#include "daemons/ctl/cli.h"
#include "daemons/tool/sweep.h"

namespace kpay::ctl {

namespace {

using Json = nlohmann::ordered_json;

// Among so many records of a partition is a statement, also when an auditor has just told its 500
// findings.
constexpr std::int64_t kRecordsBack = 2'000;
constexpr std::size_t kReadAheadKilobytes = 16'384;
constexpr int kPollMs = 100;

std::string text_of(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "0";
}

// What the books of a currency are, in a line; amounts are text in minor units.
std::vector<std::string> row_of(const std::string& currency, const Json& books) {
  std::vector<std::string> row{currency};
  for (const char* name : {"opened_minor", "deposits_minor", "balances_minor", "between_minor",
                           "dead_letters_minor"}) {
    row.push_back(amount_text(text_of(books, name), currency));
  }
  row.push_back(books.value("conserved", false) ? "yes" : "NO");
  return row;
}

std::string currencies_text(const Json& statement) {
  TextTable table(
      {"CURRENCY", "OPENED", "DEPOSITS", "BALANCES", "BETWEEN", "DEAD LETTERS", "CONSERVED"});
  const Json currencies = statement.value("currencies", Json::object());
  for (const auto& [currency, books] : currencies.items()) {
    if (books.is_object()) {
      table.add(row_of(currency, books));
    }
  }
  return table.text();
}

Answer answer_of(const AuditStatement& statement, std::int64_t now_ms) {
  Json said = Json::parse(statement.json);
  const bool fresh = statement.fresh(now_ms);
  const bool conserved = statement.state == "conserved" && fresh;
  Answer answer;
  const std::string reason = said.value("reason", "");
  answer.text = statement.state + (reason.empty() ? "" : ": " + reason) + "\n" +
                (statement.as_of_ms > 0 ? "as of " + to_rfc3339(Timestamp{statement.as_of_ms}) +
                                              ", said by " + said.value("instance", "?") + "\n"
                                        : "") +
                currencies_text(said);
  if (!fresh) {
    answer.note = "that was said " + std::to_string((now_ms - statement.at_ms) / 1000) +
                  " s ago, and nothing since: does kpay-journal run?\n";
  }
  answer.json =
      Json{{"conserved", conserved}, {"fresh", fresh}, {"statement", std::move(said)}}.dump();
  answer.exit = conserved ? tool::Exit::ok : tool::Exit::check_failed;
  return answer;
}

// The newest statements of ops.audit, and those that come.
class Listener {
 public:
  static Result<Listener> open(const tool::Reached& reached) {
    const Result<std::vector<stream::LogBounds>> bounds = reached.bounds(kAuditTopic);
    if (!bounds) {
      return Unexpected(bounds.error());
    }
    Listener listener;
    std::vector<tool::SweepPart> parts;
    for (std::size_t p = 0; p < bounds->size(); ++p) {
      const stream::LogBounds& each = (*bounds)[p];
      parts.push_back({reached.topic(kAuditTopic), static_cast<std::int32_t>(p),
                       std::max(each.begin, each.end - kRecordsBack)});
      listener.there_ += each.end - parts.back().begin;
    }
    Result<std::unique_ptr<tool::Sweep>> sweep =
        tool::Sweep::start(reached.connection.client, std::move(parts), kReadAheadKilobytes);
    if (!sweep) {
      return Unexpected(sweep.error());
    }
    listener.sweep_ = std::move(*sweep);
    return listener;
  }

  Result<void> listen() {
    const Result<std::size_t> taken =
        sweep_->poll(kPollMs, [this](std::size_t, const stream::LogRecord& record) {
          std::optional<AuditStatement> said = parse_statement(as_text(record.value));
          if (said && said->at_ms >= newest_.at_ms) {
            newest_ = std::move(*said);
          }
        });
    if (!taken) {
      return Unexpected(taken.error());
    }
    there_ -= static_cast<std::int64_t>(*taken);
    return {};
  }

  /// What stood there at the beginning is read.
  [[nodiscard]] bool caught_up() const noexcept { return there_ <= 0; }
  [[nodiscard]] const AuditStatement& newest() const noexcept { return newest_; }

 private:
  std::unique_ptr<tool::Sweep> sweep_;
  std::int64_t there_ = 0;
  AuditStatement newest_;
};

// A statement about what was in the log when it was asked for.
bool about(const AuditStatement& statement, std::int64_t asked_ms) {
  return statement.as_of_ms >= asked_ms || statement.state == "broken" ||
         statement.state == "unproven";
}

Result<Answer> show(const Session& session, int wait_s) {
  Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  Result<Listener> listener = Listener::open(*reached);
  if (!listener) {
    return Unexpected(listener.error());
  }
  const std::int64_t asked_ms = wall_clock_now().ms;
  const std::int64_t deadline = monotonic_ms() + (wait_s > 0 ? wait_s * 1000 : tool::kAnswerMs);
  const auto enough = [&] {
    return listener->caught_up() &&
           (wait_s == 0 ||
            (listener->newest().fresh(wall_clock_now().ms) && about(listener->newest(), asked_ms)));
  };
  while (!enough() && monotonic_ms() < deadline) {
    if (Result<void> listened = listener->listen(); !listened) {
      return Unexpected(listened.error());
    }
  }
  if (listener->newest().json.empty()) {
    return Unexpected(ErrorCode::not_found, "no auditor has said anything on " +
                                                reached->topic(kAuditTopic) +
                                                ": kpay-journal does (docs/audit.md)");
  }
  Answer answer = answer_of(listener->newest(), wall_clock_now().ms);
  if (wait_s > 0 && !enough()) {
    answer.exit = tool::Exit::timed_out;
    answer.note +=
        "no statement came about what was in the log at " + to_rfc3339(Timestamp{asked_ms}) + "\n";
  }
  return answer;
}

}  // namespace

void add_audit(CLI::App& app, Session& session) {
  CLI::App* audit = app.add_subcommand("audit", "What the conservation auditor says");
  audit->require_subcommand(1);
  CLI::App* command = audit->add_subcommand(
      "show", "Show its newest statement; exit 8 unless it says that all is conserved now");
  const auto wait_s = std::make_shared<int>(0);
  command
      ->add_option("--wait", *wait_s,
                   "Wait so many seconds for a statement about all that is in the log now")
      ->check(CLI::Range(0, 86'400));
  command->callback([&session, wait_s] {
    session.chosen = [&session, wait_s] { return show(session, *wait_s); };
  });
}

}  // namespace kpay::ctl
