// The auditor on what right tasks write: in any order of partitions, through crashes, it finds
// nothing and its sums are right at every step.
#include "audit/auditor.h"

#include "audit/pipeline.h"

namespace kpay::audit {
namespace {

void expect_right(Pipeline& run, std::uint32_t seed) {
  const Copy copy = copy_of(run.driver(), kPartitions);
  Reader reader(run.driver(), kPartitions, seed);
  reader.read(copy);
  Auditor& auditor = reader.auditor();
  EXPECT_TRUE(auditor.conserved()) << "seed " << seed << "\n" << told(auditor.findings());
  EXPECT_EQ(auditor.behind(), 0);
  EXPECT_GT(auditor.as_of().ms, 0);
  const CurrencyBooks& eur = auditor.ledger().books().currencies().at(testing::currency("EUR"));
  EXPECT_GT(eur.completed.count, 0U);
  EXPECT_GT(eur.refunded.count, 0U);
  EXPECT_GT(eur.refused.count, 0U);
  EXPECT_EQ(eur.between.count, 0U);
  EXPECT_EQ(eur.accepted.count, eur.completed.count + eur.failed.count);
  EXPECT_EQ(auditor.ledger().results().told(Topic::confirmed).count, eur.completed.count);
  EXPECT_EQ(auditor.ledger().results().told(Topic::failed).count,
            eur.failed.count + eur.refused.count);
  EXPECT_EQ(auditor.held_bytes(), 0U);
}

TEST(Auditor, BooksAreRightAtEveryCutInAnyOrder) {
  Pipeline run;
  run.driver().start("a");
  for (int i = 0; i < 8; ++i) {
    run.some(40);
    run.advance(700);
  }
  run.advance(5000);
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    expect_right(run, seed);
  }
}

TEST(Auditor, WhatIsSettledIsForgotten) {
  Pipeline run;
  run.driver().start("a");
  for (int i = 0; i < 8; ++i) {
    run.some(40);
    run.advance(700);
  }
  run.advance(15'000);
  Reader reader(run.driver(), kPartitions, 1);
  reader.read(copy_of(run.driver(), kPartitions));
  EXPECT_EQ(reader.auditor().ledger().waiting(), 0U);
  EXPECT_EQ(reader.auditor().ledger().results().waiting(), 0U);
  EXPECT_EQ(reader.auditor().held_bytes(), 0U);
}

// Each crash repeats what was said since the last checkpoint, and frames may be cut elsewhere.
TEST(Auditor, R8ReplaysAfterCrashesAreNoFindings) {
  std::uint64_t replayed = 0;
  for (std::uint32_t seed = 1; seed <= 12; ++seed) {
    Pipeline run;
    std::mt19937 dice(seed);
    auto process = run.driver().start("a");
    for (int i = 0; i < 8; ++i) {
      run.some(30);
      run.driver().kill_at_append(process, static_cast<std::int64_t>(dice() % 60));
      run.advance(400 + static_cast<std::int64_t>(dice() % 900));
      if (!run.driver().alive(process)) {
        process = run.driver().start(dice() % 2 == 0 ? "a" : "b");
      } else {
        run.driver().kill(process);
        process = run.driver().start("a");
      }
      run.advance(static_cast<std::int64_t>(dice() % 1500));
    }
    run.advance(15'000);
    const Copy copy = copy_of(run.driver(), kPartitions);
    Reader reader(run.driver(), kPartitions, seed);
    reader.read(copy);
    EXPECT_TRUE(reader.auditor().conserved()) << "seed " << seed << "\n"
                                              << told(reader.auditor().findings());
    replayed += reader.auditor().counts().replayed;
  }
  EXPECT_GT(replayed, 100U);
}

}  // namespace
}  // namespace kpay::audit
