// An auditor that is stopped at any moment and taken up by another one comes to the same as one
// that was never stopped; and a file that isn't whole, or isn't ours, is never taken up.
#include "audit/kept_file.h"

#include "audit/pipeline.h"

namespace kpay::audit {
namespace {

Auditor::Setup setup_of(Pipeline& run) {
  Auditor::Setup setup;
  setup.partitions = kPartitions;
  for (std::size_t i = 0; i < setup.input_ids.size(); ++i) {
    setup.input_ids[i] =
        run.driver().topics().id(run.driver().topics().index_of(name_of(static_cast<Topic>(i))));
  }
  return setup;
}

void ask_round(Auditor& auditor, const Copy& copy) {
  Offsets ends;
  for (std::size_t topic = 0; topic < kTopics; ++topic) {
    for (const auto& records : copy[topic]) {
      ends[topic].push_back(static_cast<std::int64_t>(records.size()));
    }
  }
  auditor.prepare_round();
  auditor.begin_round(std::move(ends), Timestamp{1});
}

// Some records of a partition that has any left. False: everything was read.
bool step(Auditor& auditor, const Copy& copy, std::mt19937& dice) {
  std::vector<std::pair<Topic, std::int32_t>> left;
  for (std::size_t number = 0; number < kTopics; ++number) {
    for (std::int32_t p = 0; p < kPartitions; ++p) {
      const auto topic = static_cast<Topic>(number);
      const auto size = static_cast<std::int64_t>(copy[number][static_cast<std::size_t>(p)].size());
      if (auditor.next(topic, p) < size && auditor.wants(topic, p)) {
        left.emplace_back(topic, p);
      }
    }
  }
  if (left.empty()) {
    return false;
  }
  const auto [topic, p] = left[dice() % left.size()];
  const auto& records = copy[number_of(topic)][static_cast<std::size_t>(p)];
  for (std::size_t count = 1 + dice() % 20; count > 0; --count) {
    const std::int64_t next = auditor.next(topic, p);
    if (next >= static_cast<std::int64_t>(records.size()) || !auditor.wants(topic, p)) {
      break;
    }
    const Record& record = records[static_cast<std::size_t>(next)];
    auditor.take(topic, p, {next, record.appended, {}, record.value});
  }
  auditor.settle();
  return true;
}

// Reads all; at so many moments the auditor is replaced by one that takes its state up.
std::unique_ptr<Auditor> read_all(Pipeline& run, const Copy& copy, std::uint32_t seed,
                                  int stops_left) {
  auto auditor = std::make_unique<Auditor>(setup_of(run));
  std::mt19937 dice(seed);
  std::mt19937 stops(seed + 1);
  const auto perhaps_stop = [&] {
    if (stops_left > 0 && stops() % 20 == 0) {
      --stops_left;
      const Bytes kept = auditor->kept();
      auditor = std::make_unique<Auditor>(setup_of(run));
      EXPECT_TRUE(auditor->take_up(kept));
    }
  };
  while (step(*auditor, copy, dice)) {
    perhaps_stop();
  }
  for (int i = 0; i < 6; ++i) {
    ask_round(*auditor, copy);
    auditor->settle();
    perhaps_stop();
  }
  return auditor;
}

void expect_same(const Auditor& a, const Auditor& b) {
  EXPECT_EQ(told(a.findings()), told(b.findings()));
  EXPECT_EQ(a.conserved(), b.conserved());
  EXPECT_EQ(a.counts().events, b.counts().events);
  EXPECT_EQ(a.counts().markers, b.counts().markers);
  EXPECT_EQ(a.counts().replayed, b.counts().replayed);
  EXPECT_EQ(a.ledger().waiting(), b.ledger().waiting());
  EXPECT_EQ(a.ledger().duplicates(), b.ledger().duplicates());
  EXPECT_EQ(a.ledger().open_letters(), b.ledger().open_letters());
  EXPECT_EQ(a.ledger().results().waiting(), b.ledger().results().waiting());
  EXPECT_EQ(a.chain_events(), b.chain_events());
  for (std::size_t topic = 0; topic < kEventTopics; ++topic) {
    EXPECT_EQ(a.cut(static_cast<Topic>(topic)), b.cut(static_cast<Topic>(topic)));
  }
  const auto& books = b.ledger().books().currencies();
  ASSERT_EQ(a.ledger().books().currencies().size(), books.size());
  for (const auto& [currency, of_a] : a.ledger().books().currencies()) {
    const CurrencyBooks& of_b = books.at(currency);
    EXPECT_EQ(to_string(of_a.inside()), to_string(of_b.inside()));
    EXPECT_EQ(to_string(of_a.balances), to_string(of_b.balances));
    EXPECT_EQ(of_a.completed.count, of_b.completed.count);
    EXPECT_EQ(of_a.refunded.count, of_b.refunded.count);
  }
}

// Payments of every kind, with crashes.
std::unique_ptr<Pipeline> lively_run(std::uint32_t seed) {
  auto run = std::make_unique<Pipeline>();
  std::mt19937 dice(seed);
  auto process = run->driver().start("a");
  for (int i = 0; i < 6; ++i) {
    run->some(30);
    run->driver().kill_at_append(process, static_cast<std::int64_t>(dice() % 80));
    run->advance(900);
    if (!run->driver().alive(process)) {
      process = run->driver().start("b");
    }
    run->advance(1200);
  }
  run->advance(12'000);
  return run;
}

TEST(Kept, AnAuditorStoppedAtAnyMomentComesToTheSame) {
  for (std::uint32_t seed = 1; seed <= 4; ++seed) {
    const auto run = lively_run(seed);
    const Copy copy = copy_of(run->driver(), kPartitions);
    const auto one = read_all(*run, copy, seed, 0);
    EXPECT_TRUE(one->conserved()) << told(one->findings());
    expect_same(*one, *read_all(*run, copy, seed, 3));
    expect_same(*one, *read_all(*run, copy, seed, 15));
  }
}

TEST(Kept, WhatWasFoundBeforeAStopIsKnownAfterIt) {
  const auto run = lively_run(9);
  Copy copy = copy_of(run->driver(), kPartitions);
  auto& legs = copy[number_of(Topic::inflight)][1];
  legs[legs.size() / 2].value.back() ^= std::byte{1};  // the last payload of a frame
  const auto one = read_all(*run, copy, 3, 0);
  EXPECT_GT(one->findings().total(), 0U);
  const auto other = read_all(*run, copy, 3, 8);
  for (std::size_t kind = 0; kind < kFindingKinds; ++kind) {
    const auto of = static_cast<FindingKind>(kind);
    EXPECT_EQ(one->findings().count(of), other->findings().count(of)) << to_string(of);
  }
  EXPECT_FALSE(other->conserved());
}

KeptIdentity identity() {
  KeptIdentity identity;
  identity.cluster_id = "cluster";
  identity.partitions = kPartitions;
  for (std::uint8_t i = 0; i < kTopics; ++i) {
    Uuid id;
    id.bytes[0] = i;
    identity.topic_ids.push_back(id);
  }
  return identity;
}

Bytes state_of_a_run() {
  const auto run = lively_run(2);
  return read_all(*run, copy_of(run->driver(), kPartitions), 2, 0)->kept();
}

TEST(Kept, AFileGivesTheStateThatWasPutIntoIt) {
  const Bytes state = state_of_a_run();
  const Bytes file = make_kept_file(identity(), state);
  const Result<ByteView> read = read_kept_file(identity(), file);
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_TRUE(equal(*read, state));
}

TEST(Kept, AFileThatIsDamagedOrCutOffIsNone) {
  const Bytes file = make_kept_file(identity(), state_of_a_run());
  std::mt19937 dice(1);
  for (int i = 0; i < 200; ++i) {
    Bytes bad = file;
    bad[dice() % bad.size()] ^= static_cast<std::byte>(1U << (dice() % 8U));
    EXPECT_EQ(read_kept_file(identity(), bad).error().code, ErrorCode::corrupt);
    bad.resize(dice() % file.size());
    EXPECT_EQ(read_kept_file(identity(), bad).error().code, ErrorCode::corrupt);
  }
}

TEST(Kept, R19AFileOfOtherTopicsOrAnotherClusterIsNone) {
  const Bytes file = make_kept_file(identity(), as_bytes("state"));
  KeptIdentity other = identity();
  other.cluster_id = "elsewhere";
  EXPECT_EQ(read_kept_file(other, file).error().message,
            "it is of cluster cluster, this is elsewhere");
  other = identity();
  other.topic_ids[3].bytes[5] = 1;
  EXPECT_EQ(read_kept_file(other, file).error().code, ErrorCode::conflict);
  other = identity();
  other.partitions = 5;
  EXPECT_EQ(read_kept_file(other, file).error().message,
            "it is of 3 partitions, the topics have 5");
}

// A checksum can be right and the state none: of another build, say. No byte makes it crash.
TEST(Kept, NoBytesAreTakenUpThatAreNoState) {
  const auto run = lively_run(4);
  const Bytes state = read_all(*run, copy_of(run->driver(), kPartitions), 4, 0)->kept();
  std::mt19937 dice(4);
  for (int i = 0; i < 200; ++i) {
    Bytes cut(state.begin(), state.begin() + static_cast<std::ptrdiff_t>(dice() % state.size()));
    Auditor auditor(setup_of(*run));
    EXPECT_FALSE(auditor.take_up(cut));
    Bytes flipped = state;
    flipped[dice() % flipped.size()] ^= static_cast<std::byte>(1U << (dice() % 8U));
    Auditor second(setup_of(*run));
    (void)second.take_up(flipped);
  }
}

}  // namespace
}  // namespace kpay::audit
