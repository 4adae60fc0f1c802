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
      wrong = "books: two debit legs of payment " + to_string(id);
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
      wrong = "books: two outcomes of payment " + to_string(id);
    }
  } else if (const auto& command = std::get<core::CommandOutcome>(outcome);
             command.status != core::CommandStatus::rejected &&
             !commands.emplace(id, command).second) {
    wrong = "books: two outcomes of command " + to_string(id);
  }
}

void Books::post() {
  for (const auto& [id, event] : debits) {
    const auto outcome = payments.find(id);
    if (outcome == payments.end() || !outcome->second.opened) {
      wrong = "books: payment " + to_string(id) + " was debited and has no outcome";
    }
  }
  for (const auto& [id, outcome] : payments) {
    if (outcome.opened != debits.contains(id)) {
      wrong = "books: the outcome of payment " + to_string(id) + " is of no debit leg";
    }
    if (outcome.status == core::PaymentStatus::completed) {
      balances[std::string(outcome.from.text())] -= outcome.amount.minor;
      balances[std::string(outcome.to.text())] += outcome.amount.minor;
    }
  }
  for (const auto& [id, event] : account_ops) {
    const auto outcome = commands.find(id);
    if (outcome == commands.end()) {
      wrong = "books: account command " + to_string(id) + " has no outcome";
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
    for (const stream::TableBase* rows : replicas[i]->tables()) {
      if (world.places()[i].stage != stage || rows->name() != table) {
        continue;
      }
      const std::optional<Bytes> place = rows->key_from_text(key);
      const std::optional<Bytes> row = place ? rows->get(*place) : std::nullopt;
      for (const stream::Field& each : row ? rows->fields(*row) : stream::Fields{}) {
        if (each.name == field) {
          const auto* count = std::get_if<std::uint64_t>(&each.value);
          const auto* value = std::get_if<std::int64_t>(&each.value);
          sum += count != nullptr ? static_cast<std::int64_t>(*count) : value ? *value : 0;
        }
      }
    }
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
      return "balance: account " + account + " has " + std::to_string(kept) +
             ", its outcomes make " + std::to_string(balance);
    }
    all += kept;
  }
  std::int64_t put_in = 0;
  for (const auto& [currency, value] : books.put_in) {
    put_in += value;
  }
  if (all != put_in) {
    return "conservation: balances are " + std::to_string(all) + ", openings and deposits " +
           std::to_string(put_in);
  }
  for (const char* currency : {"EUR", "USD", "JPY", "XXX"}) {
    if (sum(kIntakeStage, "totals", currency, "opened_count") !=
        sum(kSettleStage, "totals", currency, "closed_count")) {
      return std::string("in flight: ") + currency + " is not 0 at the end";
    }
    if (sum(kSettleStage, "totals", currency, "repeated") != 0) {
      return std::string("repeated: settle heard an outcome twice, ") + currency;
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
        const stream::LogRecord record = *world.log().read(index, p, offset).value();
        check(!codec.decode(record.value, result), "a public result can be read");
        if (result.number > highest) {  // the rule that docs/wire.md gives to its readers
          highest = result.number;
          if (!told.emplace(result.payment.value(), result.confirmed).second) {
            return "results: payment " + to_string(result.payment.value()) + " is told twice";
          }
        }
      }
    }
  }
  for (const auto& [id, outcome] : books.payments) {
    const auto found = told.find(id);
    if (found == told.end() ||
        found->second != (outcome.status == core::PaymentStatus::completed)) {
      return "results: payment " + to_string(id) + " is not told as it ended";
    }
  }
  return told.size() == books.payments.size() ? std::string()
                                              : "results: a payment is told that never was";
}

/// Every command that a client sent has its answer, a duplicate that of the first.
std::string judge_answers(World& world, const Books& books) {
  wire::CommandCodec codec;
  core::Command command;
  const stream::TopicIndex index = world.topics().index_of(stages::kTopicIncoming);
  for (std::int32_t p = 0; p < world.setting().partitions; ++p) {
    for (std::int64_t offset = 0; offset < world.log().bounds(index, p).end; ++offset) {
      const stream::LogRecord record = *world.log().read(index, p, offset).value();
      if (record.value.empty() || record.value[0] == std::byte{'K'} ||
          codec.decode(record.value, command) ||
          partition_of(core::key_of(command), world.setting().partitions) != p) {
        continue;
      }
      if (!books.answered.contains(core::id_of(command))) {
        return "answers: command " + to_string(core::id_of(command)) + " has none";
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
