// Everything that is kept in corpus/, once through its target. A broken promise aborts; the last
// file that is named is the one.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iostream>

#include "fuzz/seeds.h"
#include "fuzz/target.h"
#include "golden/golden.h"

namespace kpay::fuzz {
namespace {

constexpr std::size_t kFilesMax = 48;               // of one target
constexpr std::size_t kBytesMax = 1024 * 1024 - 1;  // of all

std::filesystem::path corpus() {
  return std::filesystem::path(KPAY_SOURCE_DIR) / "tests" / "fuzz" / "corpus";
}

Bytes content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return to_bytes(as_bytes(std::string(std::istreambuf_iterator<char>(file), {})));
}

std::vector<std::filesystem::path> kept(std::string_view target) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(corpus() / target)) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

class FuzzReplay : public ::testing::TestWithParam<Target> {};

TEST_P(FuzzReplay, KeepsItsPromisesOnEveryKeptInput) {
  const Target& target = GetParam();
  target.run({});
  const std::vector<std::filesystem::path> files = kept(target.name);
  EXPECT_FALSE(files.empty());
  EXPECT_LE(files.size(), kFilesMax);
  for (const std::filesystem::path& file : files) {
    std::cout << file.string() << std::endl;
    const Bytes input = content(file);
    EXPECT_LE(input.size(), target.bytes_max) << "the fuzzer would not try it";
    target.run(input);
  }
}

std::string name_of(const ::testing::TestParamInfo<Target>& info) {
  return std::string(info.param.name);
}

INSTANTIATE_TEST_SUITE_P(Targets, FuzzReplay,
                         ::testing::ValuesIn(all_targets().begin(), all_targets().end()), name_of);

TEST(FuzzCorpus, HasTheSeedsThatTheEncodersWrite) {
  for (const auto& [name, seed] : all_seeds()) {
    const std::filesystem::path path = corpus() / name;
    if (testing::rewrite_golden()) {
      std::filesystem::create_directories(path.parent_path());
      std::ofstream(path, std::ios::binary) << as_text(seed);
      continue;
    }
    ASSERT_TRUE(std::filesystem::exists(path)) << path << ": KPAY_REWRITE_GOLDEN=1 writes it";
    // SQLite's own bytes differ from one of its versions to the next.
    if (!name.starts_with("state_file/") && !name.starts_with("snapshot/")) {
      EXPECT_EQ(as_text(content(path)), as_text(seed)) << path;
    }
  }
}

TEST(FuzzCorpus, HasAFolderForEachTargetAndStaysSmall) {
  std::size_t bytes = 0;
  std::size_t folders = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(corpus())) {
    bytes += entry.is_regular_file() ? entry.file_size() : 0;
    folders += entry.is_directory() ? 1 : 0;
  }
  EXPECT_EQ(folders, all_targets().size());
  EXPECT_LE(bytes, kBytesMax);
}

}  // namespace
}  // namespace kpay::fuzz
