// The index on what real tasks write: the same rows from the same log, whatever the order in which
// partitions are read, and however often it is begun again.
#include "query/index.h"

#include "query/indexed.h"

namespace kpay::query {
namespace {

TEST_F(IndexTest, R2TheSameLogGivesTheSameRowsInAnyOrderOfPartitions) {
  audit::Pipeline run;
  busy(run);
  index(run, options_of(run, path_), 1);
  const std::vector<std::string> first = rows(path_);
  EXPECT_GT(first.size(), 1000U);
  for (std::uint32_t seed = 2; seed <= 5; ++seed) {
    const std::string again = (dir_ / ("again-" + std::to_string(seed))).string();
    index(run, options_of(run, again), seed);
    EXPECT_EQ(first, rows(again)) << "seed " << seed;
  }
}

TEST_F(IndexTest, ADeletedFileIsBuiltAgainWithTheSameRows) {
  audit::Pipeline run;
  busy(run);
  index(run, options_of(run, path_), 1);
  const std::vector<std::string> before = rows(path_);
  for (const char* part : {"", "-wal", "-shm"}) {
    fs::remove(path_ + part);
  }
  index(run, options_of(run, path_), 7);
  EXPECT_EQ(before, rows(path_));
}

TEST_F(IndexTest, WhatComesAgainAfterARestartIsKnown) {
  audit::Pipeline run;
  busy(run, 4);
  const Progress first = index(run, options_of(run, path_), 1);
  EXPECT_EQ(first.counts.skipped, 0U);
  for (int i = 0; i < 4; ++i) {
    run.some(40);
    run.advance(700);
  }
  run.advance(15'000);
  const Progress second = index(run, options_of(run, path_), 2);
  EXPECT_EQ(second.counts.skipped, first.counts.events);
  EXPECT_GT(second.counts.events, 0U);
  const std::string whole = (dir_ / "whole").string();
  index(run, options_of(run, whole), 3);
  EXPECT_EQ(rows(whole), rows(path_));
}

// The journal's way: the index is flushed, the auditor's state is kept; the process dies whenever
// it wants, when the index has more than that.
TEST_F(IndexTest, AnAuditorThatGoesOnFromWhatItKeptGivesTheSameRows) {
  audit::Pipeline run;
  busy(run);
  index(run, options_of(run, path_), 1);
  const std::vector<std::string> whole = rows(path_);
  const audit::Copy copy = audit::copy_of(run.driver(), audit::kPartitions);
  std::uint64_t skipped = 0;
  for (std::uint32_t seed = 1; seed <= 4; ++seed) {
    const IndexOptions options =
        options_of(run, (dir_ / ("stopped-" + std::to_string(seed))).string());
    const auto open = [&options] {
      Result<std::unique_ptr<Index>> opened = Index::open(options);
      EXPECT_TRUE(opened);
      return std::make_unique<Feeder>(std::move(*opened),
                                      [](const Error& error) { ADD_FAILURE() << error.message; });
    };
    std::unique_ptr<Feeder> feeder = open();
    audit::Reader reader(run.driver(), audit::kPartitions, seed, feeder.get());
    Bytes kept;
    int stops = 0;
    std::mt19937 dice(seed);
    reader.after_step = [&] {
      if (dice() % 40 == 0) {
        ASSERT_TRUE(feeder->flush(1, reader.auditor().next()));
        kept = reader.auditor().kept();
      } else if (!kept.empty() && dice() % 60 == 0) {
        ++stops;
        skipped += feeder->progress().counts.skipped;
        feeder.reset();
        feeder = open();
        reader.restart(kept, feeder.get());
        EXPECT_TRUE(feeder->reaches(reader.auditor().next()));
      }
    };
    reader.read(copy);
    EXPECT_GE(stops, 5) << "seed " << seed;
    EXPECT_TRUE(feeder->flush(1, reader.auditor().next()));
    EXPECT_EQ(whole, rows(options.path)) << "seed " << seed;
  }
  EXPECT_GT(skipped, 0U) << "the index had more than was kept";
}

TEST_F(IndexTest, ChangesAreToldOnceInTheOrderOfTheirPartitions) {
  audit::Pipeline run;
  busy(run, 3);
  std::vector<Change> told;
  IndexOptions options = options_of(run, path_);
  options.changes = [&told](const std::vector<Change>& changes) {
    told.insert(told.end(), changes.begin(), changes.end());
    return Result<void>();
  };
  const Progress first = index(run, options, 1);
  EXPECT_EQ(told.size(), first.counts.postings);
  run.some(40);
  run.advance(15'000);
  const Progress second = index(run, options, 2);
  EXPECT_GT(second.counts.postings, 0U);
  EXPECT_EQ(told.size(), first.counts.postings + second.counts.postings) << "known ones, again";
  std::map<std::int32_t, audit::Place> last;
  for (const Change& each : told) {
    const auto [at, is_first] = last.try_emplace(each.place.partition, each.place);
    EXPECT_TRUE(is_first || at->second < each.place);
    at->second = each.place;
  }
}

TEST_F(IndexTest, WhatCouldNotBeToldIsNotWrittenEither) {
  audit::Pipeline run;
  busy(run, 1);
  IndexOptions options = options_of(run, path_);
  options.changes = [](const std::vector<Change>&) {
    return Result<void>(Unexpected(ErrorCode::unavailable, "the brokers are away"));
  };
  std::string problem;
  {
    Result<std::unique_ptr<Index>> opened = Index::open(options);
    ASSERT_TRUE(opened);
    Feeder feeder(std::move(*opened), [&](const Error& error) { problem = error.message; });
    audit::Reader reader(run.driver(), audit::kPartitions, 1, &feeder);
    reader.read(audit::copy_of(run.driver(), audit::kPartitions));
    EXPECT_FALSE(feeder.flush(1, reader.auditor().next()));
  }
  EXPECT_EQ(problem, "the brokers are away");
  options.changes = {};
  index(run, options, 2);
  const std::string whole = (dir_ / "whole").string();
  index(run, options_of(run, whole), 3);
  EXPECT_EQ(rows(whole), rows(path_));
}

TEST_F(IndexTest, AFileThatIsOlderThanWhatTheAuditorKeptIsSeen) {
  audit::Pipeline run;
  busy(run, 2);
  const IndexOptions options = options_of(run, path_);
  const audit::Copy copy = audit::copy_of(run.driver(), audit::kPartitions);
  audit::Offsets early;
  audit::Offsets late;
  {
    Result<std::unique_ptr<Index>> opened = Index::open(options);
    ASSERT_TRUE(opened);
    audit::Offsets none;
    none.fill(std::vector<std::int64_t>(audit::kPartitions));
    EXPECT_FALSE((*opened)->reaches(none)) << "nothing was flushed";
    Feeder feeder(std::move(*opened), [](const Error& error) { ADD_FAILURE() << error.message; });
    audit::Reader reader(run.driver(), audit::kPartitions, 1, &feeder);
    int steps = 0;
    reader.after_step = [&] {
      if (++steps == 20) {
        early = reader.auditor().next();
        ASSERT_TRUE(feeder.flush(1, early));
      }
    };
    reader.read(copy);
    late = reader.auditor().next();
  }
  Result<std::unique_ptr<Index>> again = Index::open(options);
  ASSERT_TRUE(again);
  EXPECT_TRUE((*again)->reaches(early));
  EXPECT_FALSE((*again)->reaches(late)) << "it was never flushed there";
  EXPECT_FALSE((*again)->fresh());
}

// The log is trimmed, and the file is gone: the auditor goes on, and statements with it.
TEST_F(IndexTest, AFileThatIsBegunLateHasTheBalancesOfBefore) {
  audit::Pipeline run;
  busy(run);
  index(run, options_of(run, path_), 1);
  const audit::Copy copy = audit::copy_of(run.driver(), audit::kPartitions);
  const std::int64_t begun_ms = run.driver().log_time().ms - 16'000;
  IndexOptions late = options_of(run, (dir_ / "late").string());
  Result<std::unique_ptr<Index>> opened = Index::open(late);
  ASSERT_TRUE(opened);
  ASSERT_TRUE((*opened)->begin_at(begun_ms));
  Feeder feeder(std::move(*opened), [](const Error& error) { ADD_FAILURE() << error.message; });
  audit::Reader reader(run.driver(), audit::kPartitions, 3);
  int steps = 0;
  reader.after_step = [&] {
    if (++steps == 200) {
      reader.restart(reader.auditor().kept(), &feeder);
      reader.auditor().carry_over();
    }
  };
  reader.read(copy);
  ASSERT_TRUE(feeder.flush(1, reader.auditor().next()));
  EXPECT_EQ(feeder.progress().kept_from_ms, begun_ms);
  Reader all(path_);
  Reader some(late.path);
  std::size_t carried = 0;
  for (int i = 0; i < 20; ++i) {
    const std::string account(audit::Pipeline::account(i).text());
    const PostingFilter filter{.account = account, .limit = 500, .oldest_first = true};
    const auto page = some.postings(filter);
    const auto whole = all.postings(filter);
    ASSERT_TRUE(page && whole);
    if (page->postings.empty() || page->postings.front().kind != "carried") {
      continue;
    }
    ++carried;
    std::int64_t balance = std::stoll(page->postings.front().balance_minor);
    for (std::size_t line = 1; line < page->postings.size(); ++line) {
      balance += page->postings[line].delta_minor;
      EXPECT_EQ(std::to_string(balance), page->postings[line].balance_minor) << account;
    }
    EXPECT_EQ(page->postings.back().balance_minor, whole->postings.back().balance_minor);
    EXPECT_LE(page->postings.size(), whole->postings.size()) << account;
    const auto opening = some.balance(account, begun_ms);
    ASSERT_TRUE(opening);
    EXPECT_EQ(opening->minor, page->postings.front().balance_minor)
        << "what is kept begins with it";
  }
  EXPECT_GT(carried, 5U);
}

TEST_F(IndexTest, R8ReplaysAfterCrashesAreOneHop) {
  audit::Pipeline run;
  auto process = run.driver().start("a");
  for (int i = 0; i < 12; ++i) {
    run.some(30);
    run.advance(230);
    run.driver().kill(process);
    process = run.driver().start("a");
  }
  run.advance(15'000);
  index(run, options_of(run, path_), 1);
  Reader reader(path_);
  const Result<PaymentPage> page = reader.payments({.status = Status::completed, .limit = 500});
  ASSERT_TRUE(page);
  ASSERT_GT(page->payments.size(), 50U);
  for (const Journey& each : page->payments) {
    const auto told = reader.journey(each.id);
    ASSERT_TRUE(told && *told);
    std::map<What, int> hops;
    for (const Hop& hop : (*told)->journey.hops) {
      ++hops[hop.what];
    }
    EXPECT_EQ(hops[What::debit], 1) << to_string(each.id);
    EXPECT_EQ(hops[What::credit], 1);
    EXPECT_EQ(hops[What::result], 1);
  }
}

TEST_F(IndexTest, AFileOfOtherTopicsIsSetAside) {
  audit::Pipeline run;
  busy(run, 1);
  index(run, options_of(run, path_), 1);
  IndexOptions other = options_of(run, path_);
  other.input_ids[1] = Uuid{{9}};
  const auto opened = Index::open(other);
  ASSERT_TRUE(opened);
  EXPECT_TRUE((*opened)->fresh());
  EXPECT_NE((*opened)->aside().find("other-topics"), std::string::npos);
  EXPECT_TRUE(fs::exists((*opened)->aside()));
}

TEST_F(IndexTest, ADamagedFileIsSetAside) {
  std::filesystem::create_directories(dir_);
  FILE* file = std::fopen(path_.c_str(), "w");
  for (int i = 0; i < 20'000; ++i) {
    std::fputs("nonsense", file);
  }
  std::fclose(file);
  audit::Pipeline run;
  const auto opened = Index::open(options_of(run, path_));
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_NE((*opened)->aside().find("damaged"), std::string::npos);
}

TEST_F(IndexTest, OnlyOneProcessHasTheFile) {
  audit::Pipeline run;
  const auto first = Index::open(options_of(run, path_));
  ASSERT_TRUE(first);
  const auto second = Index::open(options_of(run, path_));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::conflict);
}

TEST_F(IndexTest, WhatIsTooOldIsDeletedAndBalancesStayRight) {
  audit::Pipeline run;
  busy(run);
  index(run, options_of(run, path_), 1);
  Reader before(path_);
  const std::string account(audit::Pipeline::account(3).text());
  const Result<Balance> balance = before.balance(account, std::numeric_limits<std::int64_t>::max());
  const Result<PostingPage> all = before.postings({.account = account, .limit = 500});
  ASSERT_TRUE(balance && all);

  IndexOptions options = options_of(run, (dir_ / "kept").string());
  options.keep_ms = 1'000;
  // Everything of the log is older than that, but what has not ended.
  const Progress progress = index(run, options, 1, run.driver().log_time().ms);
  index(run, options, 1, run.driver().log_time().ms + 1);
  EXPECT_GT(progress.counts.expired, 100U);
  EXPECT_GT(progress.kept_from_ms, 0);
  Reader reader(options.path);
  const Result<Balance> kept = reader.balance(account, std::numeric_limits<std::int64_t>::max());
  const Result<PostingPage> left = reader.postings({.account = account, .limit = 500});
  ASSERT_TRUE(kept && left);
  EXPECT_EQ(kept->minor, balance->minor);
  EXPECT_LT(left->postings.size(), all->postings.size());
  EXPECT_EQ(left->postings.size(), 1U) << "the newest one stays: what the next one begins with";
  const Result<PaymentPage> ended = reader.payments({.status = Status::completed, .limit = 500});
  ASSERT_TRUE(ended);
  EXPECT_TRUE(ended->payments.empty());
}

}  // namespace
}  // namespace kpay::query
