// What the reader answers, compared with sums and filters over everything.
#include "query/reader.h"

#include <set>

#include "query/indexed.h"

namespace kpay::query {
namespace {

constexpr std::int64_t kEver = std::numeric_limits<std::int64_t>::max();

class ReaderTest : public IndexTest {
 protected:
  void SetUp() override {
    IndexTest::SetUp();
    busy(run_);
    run_.pay(1, 2, 5);  // not decided yet: nothing runs any more
    index(run_, options_of(run_, path_), 1);
    reader_.emplace(path_);
  }

  std::vector<Journey> all(PaymentFilter filter = {}) {
    std::vector<Journey> found;
    filter.limit = 7;
    do {
      Result<PaymentPage> page = reader_->payments(filter);
      EXPECT_TRUE(page) << (page ? "" : page.error().message);
      found.insert(found.end(), page->payments.begin(), page->payments.end());
      filter.cursor = page->next;
    } while (!filter.cursor.empty());
    return found;
  }
  std::vector<Posting> postings(PostingFilter filter) {
    std::vector<Posting> found;
    filter.limit = 5;
    do {
      Result<PostingPage> page = reader_->postings(filter);
      EXPECT_TRUE(page) << (page ? "" : page.error().message);
      found.insert(found.end(), page->postings.begin(), page->postings.end());
      filter.cursor = page->next;
    } while (!filter.cursor.empty());
    return found;
  }
  static std::set<Uuid> ids(const std::vector<Journey>& journeys) {
    std::set<Uuid> found;
    for (const Journey& each : journeys) {
      EXPECT_TRUE(found.insert(each.id).second) << "twice: " << to_string(each.id);
    }
    return found;
  }

  audit::Pipeline run_;
  std::optional<Reader> reader_;
};

TEST_F(ReaderTest, PagesHaveEachPaymentOnceNewestFirst) {
  const std::vector<Journey> found = all();
  EXPECT_GT(found.size(), 300U);
  EXPECT_EQ(ids(found).size(), found.size());
  for (std::size_t i = 1; i < found.size(); ++i) {
    EXPECT_GE(std::pair(found[i - 1].accepted_ms, found[i - 1].id),
              std::pair(found[i].accepted_ms, found[i].id));
  }
}

TEST_F(ReaderTest, FiltersGiveWhatTheWholeListHas) {
  const std::vector<Journey> whole = all();
  const std::int64_t middle_ms = whole[whole.size() / 2].accepted_ms;
  const core::AccountId account = audit::Pipeline::account(3);
  std::size_t most = 0;
  for (const std::optional<Status> status :
       {std::optional<Status>(), std::optional(Status::submitted), std::optional(Status::in_flight),
        std::optional(Status::completed), std::optional(Status::failed),
        std::optional(Status::rejected)}) {
    for (const bool of_account : {false, true}) {
      for (const bool half : {false, true}) {
        PaymentFilter filter;
        filter.status = status;
        filter.account = of_account ? account.text() : "";
        filter.from_ms = half ? middle_ms : 0;
        std::set<Uuid> wanted;
        for (const Journey& each : whole) {
          if ((!status || each.status == *status) &&
              (!of_account || each.from == account || each.to == account) &&
              each.accepted_ms >= filter.from_ms) {
            wanted.insert(each.id);
          }
        }
        EXPECT_EQ(ids(all(filter)), wanted);
        most += wanted.empty() ? 0 : 1;
      }
    }
  }
  EXPECT_GE(most, 14U) << "most filters have to find something";
}

TEST_F(ReaderTest, AJourneyHasEveryHopWithItsCauseAndWhatItDidToTheAccount) {
  const Journey completed = all({.status = Status::completed}).front();
  const Result<std::optional<Told>> told = reader_->journey(completed.id);
  ASSERT_TRUE(told && *told);
  const std::vector<Hop>& hops = (*told)->journey.hops;
  std::vector<What> whats;
  for (const Hop& hop : hops) {
    whats.push_back(hop.what);
  }
  ASSERT_EQ(whats,
            (std::vector{What::command, What::debit, What::credit, What::outcome, What::result}));
  for (std::size_t i = 1; i < 4; ++i) {
    EXPECT_EQ(hops[i].cause, hops[i - 1].place);
    EXPECT_GE(hops[i].appended_ms, hops[i - 1].appended_ms);
    ASSERT_TRUE((*told)->runners[i]) << "who sent hop " << i;
    EXPECT_FALSE((*told)->runners[i]->instance.empty());
    EXPECT_GT((*told)->runners[i]->logic_version, 0U);
  }
  for (const auto& [hop, sign, account] :
       {std::tuple(1U, -1, completed.from), std::tuple(2U, 1, completed.to)}) {
    const std::optional<Effect>& effect = (*told)->effects[hop];
    ASSERT_TRUE(effect);
    EXPECT_EQ(effect->account, account.text());
    EXPECT_EQ(std::stoll(effect->after_minor),
              std::stoll(effect->before_minor) + sign * completed.amount.minor);
  }
}

TEST_F(ReaderTest, APaymentThatNobodyHasDecidedIsSubmitted) {
  const std::vector<Journey> waiting = all({.status = Status::submitted});
  ASSERT_EQ(waiting.size(), 1U);
  EXPECT_EQ(waiting.front().finished_ms, 0);
  EXPECT_EQ(waiting.front().amount.minor, 5);
  EXPECT_EQ(waiting.front().reference, "a reference");
}

TEST_F(ReaderTest, RunningBalancesFollowFromEachOther) {
  std::size_t count = 0;
  for (int i = 0; i < 12; ++i) {
    const std::string account(audit::Pipeline::account(i).text());
    core::Sum balance;
    for (const Posting& each : postings({.account = account, .oldest_first = true})) {
      balance += each.delta_minor;
      EXPECT_EQ(each.balance_minor, to_string(balance)) << account;
      ++count;
    }
    EXPECT_EQ(to_string(balance), reader_->balance(account, kEver)->minor);
  }
  EXPECT_GT(count, 300U);
}

TEST_F(ReaderTest, AStatementsOpeningAndLinesMakeItsClosing) {
  const std::string account(audit::Pipeline::account(4).text());
  const std::vector<Posting> whole = postings({.account = account, .oldest_first = true});
  ASSERT_GT(whole.size(), 20U);
  const std::int64_t from_ms = whole[whole.size() / 3].posted_ms;
  const std::int64_t to_ms = whole[2 * whole.size() / 3].posted_ms;
  core::Sum balance(std::stoll(reader_->balance(account, from_ms)->minor));
  const auto lines =
      postings({.account = account, .from_ms = from_ms, .to_ms = to_ms, .oldest_first = true});
  EXPECT_GT(lines.size(), 3U);
  for (const Posting& each : lines) {
    balance += each.delta_minor;
  }
  EXPECT_EQ(to_string(balance), reader_->balance(account, to_ms)->minor);
  // The same lines from the other end.
  auto backwards = postings({.account = account, .from_ms = from_ms, .to_ms = to_ms});
  ASSERT_EQ(backwards.size(), lines.size());
  EXPECT_EQ(backwards.front().offset, lines.back().offset);
}

TEST_F(ReaderTest, APostingNamesTheOtherAccountAndTheReference) {
  const std::string account(audit::Pipeline::account(5).text());
  bool debit = false;
  for (const Posting& each : postings({.account = account})) {
    if (each.kind == "debit") {
      debit = true;
      EXPECT_FALSE(each.counterparty.empty());
      EXPECT_NE(each.counterparty, account);
    } else if (each.kind == "deposit" || each.kind == "opening") {
      EXPECT_TRUE(each.counterparty.empty());
    }
  }
  EXPECT_TRUE(debit);
}

TEST_F(ReaderTest, WhatIsNoCursorIsRefused) {
  for (const char* cursor : {"x", "1", "1.", "1.2", "1.2.x", "9999999999999999999.1.1"}) {
    EXPECT_FALSE(reader_->payments({.cursor = cursor, .limit = 1})) << cursor;
    EXPECT_FALSE(reader_->postings({.account = "a", .cursor = cursor, .limit = 1})) << cursor;
  }
}

TEST_F(ReaderTest, WhoIsUnknownHasNothing) {
  EXPECT_FALSE(*reader_->knows("nobody"));
  EXPECT_TRUE(reader_->postings({.account = "nobody", .limit = 5})->postings.empty());
  EXPECT_FALSE(*reader_->journey(Uuid{{1}}));
}

}  // namespace
}  // namespace kpay::query
