// Manifest: the same ids for a file that is loaded again, and no others.
#include "daemons/load/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "core/horizon.h"

namespace kpay::load {
namespace {

class Manifests : public testing::Test {
 protected:
  ~Manifests() override { std::remove(path_.c_str()); }
  std::string path_ = testing::TempDir() + "manifest-" + std::to_string(::getpid());
  Manifest manifest_{Timestamp{1'795'000'000'123}, 0xfedcba9876543210U, "p.csv",   7,
                     {1, 0xffffffffffffffffU},     new_uuid_v4(),       {1, 2, 3}, {4, 5, 6}};
};

TEST_F(Manifests, what_was_written_is_read_again) {
  ASSERT_TRUE(write_manifest(path_, manifest_));
  const Result<Manifest> read = read_manifest(path_);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, manifest_);
}

TEST_F(Manifests, the_same_manifest_gives_the_same_ids) {
  ASSERT_TRUE(write_manifest(path_, manifest_));
  const Result<Manifest> again = read_manifest(path_);
  ASSERT_TRUE(again);
  EXPECT_EQ(payment_id(manifest_, "p-1"), payment_id(*again, "p-1"));
  EXPECT_NE(payment_id(manifest_, "p-1"), payment_id(manifest_, "p-2"));
  EXPECT_TRUE(payment_id(manifest_, "p-1").is_v7());
  EXPECT_EQ(payment_id(manifest_, "p-1").created(), manifest_.started);
}

TEST_F(Manifests, another_file_of_the_same_moment_has_other_ids) {
  Manifest other = manifest_;
  ++other.salt;
  EXPECT_NE(payment_id(manifest_, "p-1"), payment_id(other, "p-1"));
}

TEST_F(Manifests, nothing_there_is_not_found_and_nonsense_is_corrupt) {
  EXPECT_EQ(read_manifest(path_).error().code, ErrorCode::not_found);
  for (const char* text : {"", "{}", "[1]", R"({"version": 2})"}) {
    std::ofstream(path_) << text;
    EXPECT_EQ(read_manifest(path_).error().code, ErrorCode::corrupt) << text;
  }
}

// Other ids would be made of it, and every payment would be sent a second time.
TEST_F(Manifests, a_number_that_is_none_or_was_rounded_is_corrupt) {
  ASSERT_TRUE(write_manifest(path_, manifest_));
  std::ifstream in(path_);
  const std::string right(std::istreambuf_iterator<char>(in), {});
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = right;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    std::ofstream(path_, std::ios::trunc) << text;
    return read_manifest(path_);
  };
  ASSERT_TRUE(with("p.csv", "p.csv"));
  for (const auto& [from, to] :
       {std::pair("\"18364758544493064720\"", "\"salt\""),
        std::pair("\"18364758544493064720\"", "\"1836475854449306472\\n\""),
        std::pair("\"18364758544493064720\"", "\"99999999999999999999\""),
        std::pair("1795000000123", "1.795e12"), std::pair("1795000000123", "1e300"),
        std::pair("1795000000123", "-1"), std::pair("1795000000123", "281474976710656"),
        std::pair("\"version\": 1", "\"version\": 1.5"),
        std::pair("\"bytes\": 7", "\"bytes\": -7")}) {
    const Result<Manifest> read = with(from, to);
    ASSERT_FALSE(read) << to;
    EXPECT_EQ(read.error().code, ErrorCode::corrupt) << to;
  }
}

TEST_F(Manifests, a_files_name_may_be_of_any_bytes) {
  manifest_.file_name = "m\xfcnchen.csv";
  ASSERT_TRUE(write_manifest(path_, manifest_));
  const Result<Manifest> read = read_manifest(path_);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(payment_id(*read, "1"), payment_id(manifest_, "1"));
}

TEST_F(Manifests, a_changed_file_another_system_and_old_ids_are_refused) {
  const auto problem = [this](const Manifest& now) {
    const Result<void> fits = check_manifest("m", manifest_, now);
    return fits ? std::string() : fits.error().message;
  };
  Manifest now = manifest_;
  now.started.ms += core::kIdAgeMaxMs;
  EXPECT_EQ(problem(now), "");
  now.started.ms += 1;
  EXPECT_THAT(problem(now), testing::HasSubstr("more than 12 hours ago"));
  now = manifest_;
  now.started.ms -= core::kIdAheadMaxMs + 1;
  EXPECT_THAT(problem(now), testing::HasSubstr("future"));
  now = manifest_;
  now.file_hash.low += 1;
  EXPECT_THAT(problem(now), testing::HasSubstr("was changed since"));
  now = manifest_;
  now.incoming_id = new_uuid_v4();
  EXPECT_THAT(problem(now), testing::HasSubstr("another cluster"));
}

}  // namespace
}  // namespace kpay::load
