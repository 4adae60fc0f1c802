// generate: the same file for a seed, with as many bad lines as were asked for.
#include "daemons/load/generate.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "daemons/load/payment_file.h"

namespace kpay::load {
namespace {

std::string text_of(std::uint64_t count, std::uint64_t bad, std::uint64_t seed) {
  GenerateFlags flags;
  flags.count = count;
  flags.bad = bad;
  flags.mix.accounts = 50;
  flags.mix.seed = seed;
  std::string text;
  const auto counts = generate(flags, [&](std::string_view piece) {
    text += piece;
    return true;
  });
  EXPECT_TRUE(counts);
  return text;
}

TEST(Generate, the_same_seed_gives_the_same_file) {
  EXPECT_EQ(text_of(1000, 30, 1), text_of(1000, 30, 1));
  EXPECT_NE(text_of(1000, 30, 1), text_of(1000, 30, 2));
}

TEST(Generate, every_kind_of_bad_line_is_there_equally_often) {
  GenerateFlags flags;
  flags.count = 1000;
  flags.bad = 100;
  flags.mix.accounts = 50;
  const auto counts = generate(flags, [](std::string_view) { return true; });
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->at("good"), 900U);
  for (const Kind kind : kBadLines) {
    EXPECT_EQ(counts->at(std::string(to_string(kind))), 10U) << to_string(kind);
  }
}

TEST(Generate, good_lines_can_be_read_and_two_kinds_can_not) {
  const std::string text = text_of(1000, 100, 1);
  Result<PaymentFile> file = PaymentFile::open("p.csv", text);
  ASSERT_TRUE(file);
  Result<FilePayment> line = FilePayment();
  int readable = 0;
  int bad = 0;
  while (file->next(line)) {
    line ? ++readable : ++bad;
  }
  EXPECT_EQ(readable, 980);
  EXPECT_EQ(bad, 20);
}

TEST(Generate, a_file_of_bad_lines_only_is_possible_and_more_is_not) {
  EXPECT_EQ(std::ranges::count(text_of(20, 20, 1), '\n'), 21);
  GenerateFlags flags;
  flags.count = 1;
  flags.bad = 2;
  flags.mix.accounts = 2;
  EXPECT_FALSE(generate(flags, [](std::string_view) { return true; }));
}

TEST(Generate, amounts_are_from_one_minor_unit_to_the_largest) {
  tool::MixFlags flags;
  flags.accounts = 3;
  flags.amount_max = "0.03";
  Result<PaymentMix> mix = PaymentMix::make(flags);
  ASSERT_TRUE(mix);
  std::map<std::int64_t, int> seen;
  for (int i = 0; i < 300; ++i) {
    const core::Transfer transfer = mix->next(Kind::good);
    ++seen[transfer.amount.minor];
    EXPECT_NE(transfer.from, transfer.to);
  }
  EXPECT_EQ(seen.size(), 3U);
  EXPECT_EQ(seen.begin()->first, 1);
}

}  // namespace
}  // namespace kpay::load
