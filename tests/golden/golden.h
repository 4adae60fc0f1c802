// Golden files: what was once right, kept as text in tests/golden. Run a test with
// KPAY_REWRITE_GOLDEN=1 in the environment to write them anew, and read the difference.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

namespace kpay::testing {

inline std::filesystem::path golden_path(const std::string& name) {
  return std::filesystem::path(KPAY_SOURCE_DIR) / "tests" / "golden" / name;
}

inline bool rewrite_golden() {
  const char* const text = std::getenv("KPAY_REWRITE_GOLDEN");
  return text != nullptr && std::string(text) == "1";
}

inline std::optional<std::string> read_golden(const std::string& name) {
  std::ifstream file(golden_path(name), std::ios::binary);
  if (!file) {
    return std::nullopt;
  }
  return std::string(std::istreambuf_iterator<char>(file), {});
}

inline void write_golden(const std::string& name, const std::string& text) {
  std::filesystem::create_directories(golden_path(name).parent_path());
  std::ofstream(golden_path(name), std::ios::binary) << text;
}

/// Compares `text` with the golden file of that name, or writes it.
inline void expect_golden(const std::string& name, const std::string& text) {
  if (rewrite_golden()) {
    write_golden(name, text);
    return;
  }
  const std::optional<std::string> golden = read_golden(name);
  ASSERT_TRUE(golden.has_value()) << "no golden file " << name
                                  << ": KPAY_REWRITE_GOLDEN=1 writes it";
  EXPECT_EQ(text, *golden) << "golden file " << name;
}

}  // namespace kpay::testing
