#include <set>

#include "sim/verdict.h"
#include "wire/codec.h"

namespace kpay::sim {

namespace {

/// All that was said on a topic, in order for each sender, once.
using Said = std::vector<Bytes>;

/// What the run comes to, from the events alone.
struct Books {
  std::map<std::string, std::int64_t> balances;     // by account
  std::map<std::string, std::int64_t> put_in;       // by currency: openings and deposits
  std::map<Uuid, core::InflightEvent> debits;       // payments whose debit leg was sent
  std::map<Uuid, core::InflightEvent> account_ops;  // account commands that were forwarded
  std::map<Uuid, core::PaymentOutcome> payments;    // not rejected ones
  std::map<Uuid, core::CommandOutcome> commands;
  std::set<Uuid> answered;  // ids with any outcome
  std::string wrong;

  void take(const core::InflightEvent& event);
  void take(const core::Outcome& outcome);
  void post();
};

void Books::take(const core::InflightEvent& event) {
  const Uuid id = core::subject_of(event);
  if (std::holds_alternative<core::DebitLeg>(event)) {
    if (!debits.emplace(id, event).second) {
      wrong = verdict(Checker::duplicate_effect, "two debit legs of payment " + to_string(id));
    }
  } else if (!std::holds_alternative<core::CreditLeg>(event) &&
             !std::holds_alternative<core::RefundLeg>(event)) {
    account_ops.emplace(id, event);
  }
}

void Books::take(const core::Outcome& outcome) {
  const Uuid id = core::subject_of(outcome);
  answered.insert(id);
  if (const auto* payment = std::get_if<core::PaymentOutcome>(&outcome)) {
    if (payment->status != core::PaymentStatus::rejected &&
        !payments.emplace(id, *payment).second) {
      wrong = verdict(Checker::duplicate_effect, "two outcomes of payment " + to_string(id));
    }
  } else if (const auto& command = std::get<core::CommandOutcome>(outcome);
             command.status != core::CommandStatus::rejected &&
             !commands.emplace(id, command).second) {
    wrong = verdict(Checker::duplicate_effect, "two outcomes of command " + to_string(id));
  }
}

void Books::post() {
  for (const auto& [id, event] : debits) {
    const auto outcome = payments.find(id);
    if (outcome == payments.end() || !outcome->second.opened) {
      wrong = verdict(Checker::saga_balanced,
                      "payment " + to_string(id) + " was debited and has no outcome");
    }
  }
  for (const auto& [id, outcome] : payments) {
    if (outcome.opened != debits.contains(id)) {
      wrong = verdict(Checker::saga_balanced,
                      "the outcome of payment " + to_string(id) + " is of no debit leg");
    }
    if (outcome.status == core::PaymentStatus::completed) {
      balances[std::string(outcome.from.text())] -= outcome.amount.minor;
      balances[std::string(outcome.to.text())] += outcome.amount.minor;
    }
  }
  for (const auto& [id, event] : account_ops) {
    const auto outcome = commands.find(id);
    if (outcome == commands.end()) {
      wrong =
          verdict(Checker::saga_balanced, "account command " + to_string(id) + " has no outcome");
    } else if (outcome->second.status == core::CommandStatus::done) {
      core::Money money;
      if (const auto* open = std::get_if<core::OpenAccount>(&event)) {
        money = open->opening;
      } else if (const auto* deposit = std::get_if<core::Deposit>(&event)) {
        money = deposit->amount;
      }
      balances[std::string(core::account_of(event).text())] += money.minor;
      put_in[std::string(money.currency.text())] += money.minor;
    }
  }
}

template <class Codec, class Event>
void read(const std::vector<std::unique_ptr<Replica>>& replicas, const World& world,
          const char* topic, Books& books) {
  Codec codec;
  Event event;
  for (std::size_t i = 0; i < replicas.size(); ++i) {
    const stream::StageSpec& spec = world.specs()[world.places()[i].stage];
    for (std::size_t output = 0; output < spec.outputs.size(); ++output) {
      for (std::int32_t p = 0;
           spec.outputs[output].topic == topic && p < world.setting().partitions; ++p) {
        for (const Bytes& payload : replicas[i]->sent(output, p)) {
          if (stream::is_operator_record(payload)) {
            continue;  // handed on; see judge_operators()
          }
          check(!codec.decode(payload, event), "what a stage said can be read");
          books.take(event);
        }
      }
    }
  }
}

/// A number of a row, summed over the partitions of a stage.
std::int64_t sum_of(const World& world, const std::vector<std::unique_ptr<Replica>>& replicas,
                    std::size_t stage, const std::string& table, const std::string& key,
                    const std::string& field) {
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < replicas.size(); ++i) {
    sum += world.places()[i].stage == stage ? replicas[i]->number(table, key, field) : 0;
  }
  return sum;
}

constexpr std::size_t kIntakeStage = 0;
constexpr std::size_t kAccountStage = 1;
constexpr std::size_t kSettleStage = 2;

std::string judge_sums(World& world, const std::vector<std::unique_ptr<Replica>>& replicas,
                       const Books& books) {
  const auto sum = [&](std::size_t stage, const char* table, const std::string& key,
                       const char* field) {
    return sum_of(world, replicas, stage, table, key, field);
  };
  std::int64_t all = 0;
  for (const auto& [account, balance] : books.balances) {
    const std::int64_t kept = sum(kAccountStage, "accounts", account, "balance_minor");
    if (kept != balance) {
      return verdict(Checker::total, "account " + account + " has " + std::to_string(kept) +
                                         ", its outcomes make " + std::to_string(balance));
    }
    all += kept;
  }
  std::int64_t put_in = 0;
  for (const auto& [currency, value] : books.put_in) {
    put_in += value;
  }
  if (all != put_in) {
    return verdict(Checker::total, "balances are " + std::to_string(all) +
                                       ", openings and deposits " + std::to_string(put_in));
  }
  for (const char* currency : {"EUR", "USD", "JPY", "XXX"}) {
    if (sum(kIntakeStage, "totals", currency, "opened_count") !=
        sum(kSettleStage, "totals", currency, "closed_count")) {
      return verdict(Checker::total, std::string(currency) + " in flight is not 0 at the end");
    }
    if (sum(kSettleStage, "totals", currency, "repeated") != 0) {
      return verdict(Checker::duplicate_effect,
                     std::string("settle heard an outcome twice, ") + currency);
    }
    world.coverage().count("refunds", static_cast<std::uint64_t>(sum(kAccountStage, "totals",
                                                                     currency, "refunded_count")));
  }
  return {};
}

/// Public results against outcomes: the same payments, once each.
std::string judge_results(World& world, const Books& books) {
  wire::ResultCodec codec;
  core::PaymentResult result;
  std::map<Uuid, bool> told;
  for (const char* topic : {stages::kTopicConfirmed, stages::kTopicFailed}) {
    const stream::TopicIndex index = world.topics().index_of(topic);
    for (std::int32_t p = 0; p < world.setting().partitions; ++p) {
      std::uint64_t highest = 0;
      for (std::int64_t offset = 0; offset < world.log().bounds(index, p).end; ++offset) {
        const stream::LogRecord record = world.record(index, p, offset);
        check(!codec.decode(record.value, result), "a public result can be read");
        if (result.number > highest) {  // the rule that docs/wire.md gives to its readers
          highest = result.number;
          if (!told.emplace(result.payment.value(), result.confirmed).second) {
            return verdict(Checker::duplicate_effect,
                           "payment " + to_string(result.payment.value()) + " is told twice");
          }
        }
      }
    }
  }
  for (const auto& [id, outcome] : books.payments) {
    const auto found = told.find(id);
    if (found == told.end()) {
      return verdict(Checker::lost_ack, "payment " + to_string(id) + " has no public result");
    }
    if (found->second != (outcome.status == core::PaymentStatus::completed)) {
      return verdict(Checker::saga_balanced,
                     "payment " + to_string(id) + " is not told as it ended");
    }
  }
  return told.size() == books.payments.size()
             ? std::string()
             : verdict(Checker::duplicate_effect, "a payment is told that never was");
}

/// Every command that a client sent has its answer, a duplicate that of the first.
std::string judge_answers(World& world, const Books& books) {
  wire::CommandCodec codec;
  core::Command command;
  const stream::TopicIndex index = world.topics().index_of(stages::kTopicIncoming);
  for (std::int32_t p = 0; p < world.setting().partitions; ++p) {
    for (std::int64_t offset = 0; offset < world.log().bounds(index, p).end; ++offset) {
      const stream::LogRecord record = world.record(index, p, offset);
      if (record.value.empty() || record.value[0] == std::byte{'K'} ||
          codec.decode(record.value, command) ||
          partition_of(core::key_of(command), world.setting().partitions) != p) {
        continue;
      }
      if (!books.answered.contains(core::id_of(command))) {
        return verdict(Checker::lost_ack,
                       "command " + to_string(core::id_of(command)) + " has no answer");
      }
    }
  }
  return {};
}

}  // namespace

std::string judge_books(World& world, const std::vector<std::unique_ptr<Replica>>& replicas) {
  Books books;
  read<wire::InflightCodec, core::InflightEvent>(replicas, world, stages::kTopicInflight, books);
  read<wire::OutcomeCodec, core::Outcome>(replicas, world, stages::kTopicComplete, books);
  books.post();
  if (!books.wrong.empty()) {
    return books.wrong;
  }
  if (std::string wrong = judge_sums(world, replicas, books); !wrong.empty()) {
    return wrong;
  }
  if (std::string wrong = judge_results(world, books); !wrong.empty()) {
    return wrong;
  }
  return judge_answers(world, books);
}

}  // namespace kpay::sim
