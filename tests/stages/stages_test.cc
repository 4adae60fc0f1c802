#include <gtest/gtest.h>

#include <random>

#include "core/dead_letter.h"
#include "core/horizon.h"
#include "core/limits.h"
#include "core/logic.h"
#include "golden/golden.h"
#include "stages/flow.h"

namespace kpay::stages {
namespace {

using core::Refusal;
using testing::FieldMap;
using testing::Flow;
using testing::kHour;
using testing::kMinute;
using testing::kNow;
using testing::Sent;
using testing::Task;

constexpr std::int32_t kPartitions = 4;

void open_two(Flow& flow) {
  flow.write_and_run(testing::open(1001, "alice", 100'000));
  flow.write_and_run(testing::open(1002, "bob", 0));
}

std::string text(std::uint32_t n) { return to_string(testing::id(n)); }

TEST(Stages, A_payment_goes_its_way_through_all_five) {
  Flow flow(kPartitions);
  open_two(flow);
  flow.log.clear();
  flow.write_and_run(testing::submit(1));
  std::vector<std::string> topics;
  for (const Sent& sent : flow.log) {
    topics.push_back(sent.topic);
    EXPECT_EQ(sent.subject, testing::id(1));
    EXPECT_EQ(sent.time, kNow) << "event time is set once, R3";
  }
  EXPECT_EQ(topics, (std::vector<std::string>{kTopicIncoming, kTopicInflight, kTopicInflight,
                                              kTopicComplete, kTopicConfirmed}));
  EXPECT_EQ(flow.row("account", "accounts", "alice")["balance_minor"], "98766");
  EXPECT_EQ(flow.row("account", "accounts", "bob")["balance_minor"], "1234");
  EXPECT_EQ(flow.row("settle", "payments", text(1))["status"], "completed");
  EXPECT_EQ(flow.sum("intake", "totals", "EUR", "opened_value"), 1234);
  EXPECT_EQ(flow.sum("settle", "totals", "EUR", "closed_value"), 1234);
  EXPECT_EQ(flow.sum("confirmed", "days", "2026-05-28/EUR", "confirmed_count"), 1);
}

TEST(Stages, R5_The_windows_latency_is_append_time_minus_event_time) {
  Flow flow(kPartitions);
  open_two(flow);
  flow.hop_ms = 7;
  flow.write_and_run(testing::submit(1));
  const FieldMap window = flow.row("throughput", "windows", "2026-05-28T20:26Z");
  EXPECT_EQ(window.at("latency_ms_max"), "21") << "three hops";
  EXPECT_EQ(window.at("latency_ms_p99"), "21");
  EXPECT_EQ(window.at("EUR.completed_value"), "1234");
  EXPECT_EQ(window.at("EUR.largest_payment"), text(1));
}

TEST(Stages, The_public_result_tells_payment_number_and_reason) {
  Flow flow(1);
  open_two(flow);
  flow.write_and_run(testing::submit(1));
  flow.write_and_run(testing::submit(2));
  flow.write_and_run(testing::submit(3, 1'000'000));
  wire::ResultCodec codec;
  std::uint64_t number = 0;
  for (const Sent& sent : flow.on(kTopicConfirmed)) {
    core::PaymentResult result;
    ASSERT_FALSE(codec.decode(sent.payload, result).has_value());
    EXPECT_EQ(result.number, ++number);
    EXPECT_EQ(result.finished.ms, kNow.ms + 15);
  }
  EXPECT_EQ(number, 2U);
  ASSERT_EQ(flow.on(kTopicFailed).size(), 1U);
  core::PaymentResult result;
  ASSERT_FALSE(codec.decode(flow.on(kTopicFailed)[0].payload, result).has_value());
  EXPECT_EQ(result.number, 1U);
  EXPECT_EQ(result.refusal, Refusal::exceeds_balance);
}

TEST(Stages, R12_The_same_command_twice_has_one_effect_and_other_content_none) {
  Flow flow(kPartitions);
  open_two(flow);
  flow.write_and_run(testing::submit(1));
  flow.log.clear();
  flow.write_and_run(testing::submit(1));
  EXPECT_EQ(flow.log.size(), 1U) << "nothing follows from a duplicate";
  flow.write_and_run(testing::submit(1, 9999));
  EXPECT_EQ(flow.row("settle", "payments", text(1))["amount_minor"], "1234");
  EXPECT_EQ(flow.row("settle", "rejections", text(1))["refusal"], "exists_with_different_content");
  EXPECT_TRUE(flow.on(kTopicFailed).empty()) << "a rejection is no public result";
  EXPECT_EQ(flow.row("account", "accounts", "alice")["balance_minor"], "98766");
  EXPECT_EQ(flow.sum("intake", "totals", "EUR", "duplicates"), 1);
  EXPECT_EQ(flow.sum("intake", "totals", "EUR", "rejected"), 1);
}

TEST(Stages, R12_Ids_are_forgotten_after_the_horizon_and_then_refused_as_expired) {
  Flow flow(1);
  open_two(flow);
  flow.write_and_run(testing::submit(1));
  flow.now.ms += core::kHorizonMs;
  flow.tick();
  EXPECT_FALSE(flow.row("intake", "ids", text(1)).empty());
  flow.now.ms += core::kExpiryChunkMs + 1;
  flow.tick();
  EXPECT_TRUE(flow.row("intake", "ids", text(1)).empty());
  EXPECT_TRUE(flow.row("settle", "payments", text(1)).empty());
  EXPECT_TRUE(flow.row("settle", "commands", text(1001)).empty());
  EXPECT_EQ(flow.task("intake", 0).table("expiry").size(), 0U);
  flow.write_and_run(testing::submit(1));
  EXPECT_EQ(flow.row("settle", "rejections", text(1))["refusal"], "id_expired");
  EXPECT_EQ(flow.row("account", "accounts", "bob")["balance_minor"], "1234");
}

TEST(Stages, R12_Forgetting_is_bounded_for_each_event_and_goes_on_with_the_next) {
  Flow flow(1);
  constexpr std::uint32_t kIds = 10 * core::kExpiryChunkIds;
  for (std::uint32_t i = 0; i < kIds; ++i) {
    flow.write_and_run(testing::submit(i));
  }
  const stream::TableBase& ids = flow.task("intake", 0).table("ids");
  EXPECT_EQ(ids.size(), kIds);
  flow.now.ms += core::kHorizonMs + kMinute;
  for (std::size_t left = 9; left > 0; --left) {
    flow.write_and_run(testing::submit(0));
    EXPECT_EQ(ids.size(), left * core::kExpiryChunkIds);
  }
}

TEST(Stages, R25_A_refund_reaches_a_closed_account) {
  Flow flow(kPartitions);
  flow.write_and_run(testing::open(1001, "alice", 300));
  flow.write(testing::submit(1, 300, "alice", "nobody"));
  flow.write(testing::close(2, "alice"));
  flow.run();
  const FieldMap alice = flow.row("account", "accounts", "alice");
  EXPECT_EQ(alice.at("state"), "closed") << "it had nothing when it was closed";
  EXPECT_EQ(alice.at("balance_minor"), "300");
  EXPECT_EQ(flow.row("settle", "payments", text(1))["refusal"], "account_not_found");
  EXPECT_EQ(flow.sum("settle", "totals", "EUR", "closed_count"), 1);
}

TEST(Stages, R25_A_refund_without_an_account_goes_to_suspense_on_its_partition) {
  Flow flow(1);
  wire::InflightCodec codec;
  const core::InflightEvent refund = core::RefundLeg{testing::transfer(1), Refusal::account_closed};
  Task& task = flow.task("account", 0);
  const Sent sent{kTopicInflight, 0, testing::id(1), kNow, kNow, to_bytes(codec.encode(refund))};
  EXPECT_FALSE(task.apply(sent).has_value());
  EXPECT_FALSE(task.apply(sent).has_value());
  EXPECT_EQ(flow.row("account", "accounts", "suspense:EUR")["balance_minor"], "2468");
  EXPECT_EQ(flow.sum("account", "totals", "EUR", "suspense_count"), 2);
}

TEST(Stages, R10_An_event_on_the_wrong_partition_is_dead_lettered) {
  Flow flow(kPartitions);
  wire::CommandCodec commands;
  wire::InflightCodec inflight;
  wire::OutcomeCodec outcomes;
  const core::Transfer transfer = testing::transfer(1);
  struct Line {
    const char* stage;
    Bytes payload;
    Bytes key;
  };
  const Bytes payment = to_bytes(testing::id(1).view());
  const Line lines[] = {
      {"intake", to_bytes(commands.encode(testing::submit(1))), payment},
      {"intake", to_bytes(commands.encode(testing::open(1, "alice", 5))),
       to_bytes(transfer.from.view())},
      {"account", to_bytes(inflight.encode(core::DebitLeg{transfer})),
       to_bytes(transfer.from.view())},
      {"account", to_bytes(inflight.encode(core::CreditLeg{transfer})),
       to_bytes(transfer.to.view())},
      {"account", to_bytes(inflight.encode(core::RefundLeg{transfer, Refusal::account_closed})),
       to_bytes(transfer.from.view())},
      {"settle", to_bytes(outcomes.encode(core::completed(transfer))), payment},
      {"confirmed", to_bytes(outcomes.encode(core::completed(transfer))), payment},
      {"throughput", to_bytes(outcomes.encode(core::completed(transfer))), payment},
  };
  for (const Line& line : lines) {
    for (std::int32_t p = 0; p < kPartitions; ++p) {
      Flow fresh(kPartitions);
      const auto reason = fresh.task(line.stage, p).apply({"", p, {}, kNow, kNow, line.payload});
      EXPECT_EQ(reason.value_or(0),
                p == partition_of(line.key, kPartitions) ? 0 : core::kDeadWrongPartition)
          << line.stage;
    }
  }
}

TEST(Stages, R24_A_dead_letter_changes_no_row_and_sends_nothing) {
  for (const char* payload : {"", "not a message", "\x0a\x01"}) {
    Flow flow(1);
    for (const auto& task : flow.tasks()) {
      const Sent sent{"", 0, {}, kNow, kNow, to_bytes(as_bytes(payload))};
      EXPECT_TRUE(task->apply(sent).has_value()) << task->spec.name;
      EXPECT_TRUE(task->out.sent.empty());
      for (const stream::TableBase* table : task->stage->tables()) {
        EXPECT_EQ(table->changed(), 0U) << task->spec.name << " " << table->name();
      }
    }
  }
}

TEST(Stages, R13_The_longest_reference_passes_and_a_longer_one_is_refused_at_intake) {
  Flow flow(1);
  open_two(flow);
  const std::string longest(core::kReferenceMax, 'x');
  const std::string longer(core::kReferenceMax + 1, 'x');
  core::SubmitPayment submit = testing::submit(1);
  submit.transfer.reference = longest;
  flow.write_and_run(submit);
  EXPECT_EQ(flow.row("settle", "payments", text(1))["status"], "completed");
  submit = testing::submit(2);
  submit.transfer.reference = longer;
  flow.write_and_run(submit);
  EXPECT_EQ(flow.row("settle", "payments", text(2))["refusal"], "reference_too_long");
  for (const Sent& sent : flow.log) {
    EXPECT_LE(sent.payload.size(), core::kEventBytesMax);
  }
  for (const stream::StageSpec& spec : all_specs()) {
    EXPECT_EQ(spec.event_bytes_max, core::kEventBytesMax);
  }
}

TEST(Stages, Windows_older_than_a_day_are_erased_in_bounded_steps) {
  Flow flow(1);
  open_two(flow);
  flow.write_and_run(testing::submit(1));
  const stream::TableBase& windows = flow.task("throughput", 0).table("windows");
  EXPECT_EQ(windows.size(), 1U);
  flow.now.ms += 25 * kHour;
  for (std::int64_t step = 0; step <= 25 * 60 / core::kWindowsPerSweep; ++step) {
    EXPECT_EQ(windows.size(), step * core::kWindowsPerSweep <= core::kWindowsKept ? 1U : 0U);
    flow.tick();
  }
  EXPECT_EQ(windows.size(), 0U);
}

// Random traffic over few accounts, with repeats, conflicts and refusals.
void traffic(Flow& flow, std::uint64_t seed, int from, int to) {
  std::mt19937_64 random(seed);
  const auto name = [&] { return std::string(1, static_cast<char>('a' + random() % 12)); };
  for (int i = 0; i < to; ++i) {
    const auto n = static_cast<std::uint32_t>(random() % 800);
    core::Command command =
        testing::submit(n, static_cast<std::int64_t>(random() % 400) - 20, name(), name());
    const std::uint64_t kind = random() % 12;
    if (kind == 0) {
      command = testing::open(n, name(), static_cast<std::int64_t>(random() % 5000));
    } else if (kind == 1) {
      command = testing::deposit(n, name(), static_cast<std::int64_t>(random() % 5000));
    } else if (kind == 2) {
      command = testing::close(n, name());
    }
    if (i >= from) {
      flow.now = {kNow.ms + i * 50};
      flow.write(command);
      if (i % 5 == 0) {
        flow.run();
      }
    }
  }
  flow.run();
}

struct TaskRows {
  std::string task;
  std::vector<std::pair<Bytes, Bytes>> rows;
  Hash128 sum;
  friend bool operator==(const TaskRows&, const TaskRows&) = default;
};

std::vector<TaskRows> freeze(Flow& flow) {
  std::vector<TaskRows> all;
  for (const auto& task : flow.tasks()) {
    std::uint16_t number = 0;
    for (stream::TableBase* table : task->stage->tables()) {
      table->set_number(number++);
      TaskRows rows{task->spec.name + "." + table->name(), {}, {}};
      table->freeze([&](ByteView key, std::optional<ByteView> value) {
        if (value) {
          rows.rows.emplace_back(to_bytes(key), to_bytes(*value));
        }
      });
      rows.sum = table->sum();
      all.push_back(std::move(rows));
    }
  }
  return all;
}

TEST(Stages, R2_The_same_input_gives_the_same_rows_and_events_byte_for_byte) {
  Flow first(3);
  Flow second(3);
  traffic(first, 5, 0, 1500);
  traffic(second, 5, 0, 1500);
  EXPECT_TRUE(first.log == second.log);
  EXPECT_TRUE(freeze(first) == freeze(second));
}

TEST(Stages, Money_is_conserved_over_all_partitions) {
  Flow flow(3);
  traffic(flow, 6, 0, 3000);
  std::int64_t balances = 0;
  for (char c = 'a'; c < 'a' + 12; ++c) {
    const FieldMap row = flow.row("account", "accounts", std::string(1, c));
    balances += row.empty() ? 0 : std::stoll(row.at("balance_minor"));
  }
  balances += flow.sum("account", "accounts", "suspense:EUR", "balance_minor");
  EXPECT_EQ(balances, flow.sum("account", "totals", "EUR", "opened_value") +
                          flow.sum("account", "totals", "EUR", "deposits_value"));
  EXPECT_GT(flow.sum("settle", "totals", "EUR", "completed_count"), 100);
  for (const char* part : {"count", "value"}) {
    EXPECT_EQ(flow.sum("intake", "totals", "EUR", std::string("opened_") + part),
              flow.sum("settle", "totals", "EUR", std::string("closed_") + part));
  }
  EXPECT_EQ(flow.sum("settle", "totals", "EUR", "repeated"), 0);
}

TEST(Stages, A_state_restored_from_its_rows_goes_on_as_if_nothing_had_been) {
  Flow whole(2);
  traffic(whole, 7, 0, 1000);
  const std::vector<TaskRows> rows = freeze(whole);
  Flow restored(2);
  std::size_t at = 0;
  for (const auto& task : restored.tasks()) {
    std::uint16_t number = 0;
    for (stream::TableBase* table : task->stage->tables()) {
      table->set_number(number++);
      for (const auto& [key, value] : rows[at].rows) {
        ASSERT_TRUE(table->load(key, ByteView(value)).has_value()) << rows[at].task;
      }
      EXPECT_EQ(table->sum(), rows[at].sum) << rows[at].task;
      ++at;
    }
  }
  whole.log.clear();
  traffic(whole, 7, 1000, 2000);
  traffic(restored, 7, 1000, 2000);
  ASSERT_EQ(whole.log.size(), restored.log.size());
  for (std::size_t i = 0; i < whole.log.size(); ++i) {
    const bool numbered = whole.log[i].topic == kTopicConfirmed ||
                          whole.log[i].topic == kTopicFailed;  // numbers are the runtime's state
    ASSERT_TRUE(numbered || whole.log[i] == restored.log[i]) << i;
  }
}

TEST(Stages, The_layout_of_rows_is_a_golden_file) {
  Flow flow(1);
  open_two(flow);
  flow.write_and_run(testing::submit(1));
  flow.write_and_run(testing::submit(1, 2));
  flow.write_and_run(testing::submit(2, 1'000'000));
  flow.write_and_run(testing::submit(3, 5, "alice", "alice"));
  flow.write_and_run(testing::submit(4, 5, "alice", "nobody"));
  std::string lines;
  for (const TaskRows& table : freeze(flow)) {
    for (const auto& [key, value] : table.rows) {
      lines += table.task + " " + to_hex(key) + " " + to_hex(value) + "\n";
    }
  }
  testing::expect_golden("rows.txt", lines);
}

TEST(Stages, Bytes_that_are_no_row_are_corrupt) {
  Flow flow(1);
  traffic(flow, 8, 0, 300);
  const std::vector<TaskRows> rows = freeze(flow);
  Flow other(1);
  std::size_t at = 0;
  for (const auto& task : other.tasks()) {
    for (stream::TableBase* table : task->stage->tables()) {
      for (const auto& [key, value] : rows[at].rows) {
        Bytes shorter(value.begin(), value.end() - 1);
        Bytes longer = value;
        longer.push_back(std::byte{0});
        Bytes newer = value;
        newer[0] = std::byte{2};
        for (const Bytes& wrong : {shorter, longer, newer, Bytes{}}) {
          EXPECT_FALSE(table->load(key, ByteView(wrong)).has_value()) << rows[at].task;
        }
      }
      ++at;
    }
  }
}

TEST(Stages, Text_names_a_row_in_every_table) {
  Flow flow(1);
  traffic(flow, 9, 0, 300);
  for (const auto& task : flow.tasks()) {
    for (stream::TableBase* table : task->stage->tables()) {
      table->freeze([&](ByteView key, std::optional<ByteView> value) {
        ASSERT_TRUE(value.has_value());
        const auto again = table->key_from_text(table->key_text(key));
        ASSERT_TRUE(again.has_value()) << table->name();
        EXPECT_TRUE(equal(*again, key));
        EXPECT_FALSE(table->fields(*value).empty()) << table->name();
      });
      EXPECT_FALSE(table->key_from_text("no such key, at all").has_value()) << table->name();
    }
  }
}

TEST(Specs, Names_numbers_and_topics_stay_for_good) {
  const std::vector<stream::StageSpec> specs = all_specs();
  ASSERT_EQ(specs.size(), 5U);
  const char* names[] = {"intake", "account", "settle", "confirmed", "throughput"};
  const char* inputs[] = {"payments.incoming", "payments.inflight", "payments.complete",
                          "payments.complete", "payments.complete"};
  for (std::size_t i = 0; i < specs.size(); ++i) {
    EXPECT_EQ(specs[i].name, names[i]);
    EXPECT_EQ(specs[i].number, i + 1);
    EXPECT_EQ(specs[i].input, inputs[i]);
    EXPECT_EQ(specs[i].senders, i == 0 ? std::vector<std::uint16_t>{}
                                       : (std::vector<std::uint16_t>{kIntake, kAccount}));
    EXPECT_EQ(specs[i].logic, logic_of_build());
    EXPECT_EQ(specs[i].logic.version, core::kLogic.version);
  }
}

}  // namespace
}  // namespace kpay::stages
