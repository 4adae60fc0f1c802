#include "config/value.h"

#include <gtest/gtest.h>

namespace kpay::config {
namespace {

std::string error_of(const Field& field, std::string_view text) {
  const Result<Value> value = parse_value(field, text, "");
  return value ? "accepted" : value.error().message;
}

const Field kThreads{.path = "t", .type = Type::integer, .min = 1, .max = 64, .about = "."};
const Field kInterval{.path = "t", .type = Type::duration, .min = 50, .max = 60'000, .about = "."};
const Field kBytes{.path = "t", .type = Type::size, .min = 1, .max = 1LL << 40U, .about = "."};
const Field kListen{.path = "t", .type = Type::address, .about = "."};
const Field kBroker{.path = "t", .type = Type::address, .min = 1, .about = "."};
const Field kFile{.path = "t", .type = Type::file, .about = "."};
const Field kId{.path = "t", .max = 8, .characters = "a-z0-9-", .about = "."};

TEST(Value, DurationsHaveAUnit) {
  const auto ms = [](std::string_view text) {
    return std::get<std::chrono::milliseconds>(*parse_value(kInterval, text, "")).count();
  };
  EXPECT_EQ(ms("500ms"), 500);
  EXPECT_EQ(ms("1s"), 1000);
  EXPECT_EQ(ms("1m"), 60'000);
  for (const char* bad : {"1", "s", "", "1 s", "-1s", "1.5s", "1S", "1d", "99999999999999999999s",
                          "9223372036854775807h", "0x10s"}) {
    EXPECT_NE(
        error_of(kInterval, bad).find("is not a duration; write a whole number with ms, s, m"),
        std::string::npos)
        << bad << " → " << error_of(kInterval, bad);
  }
  EXPECT_EQ(error_of(kInterval, "49ms"),
            "\"49ms\" is out of bounds; write a whole number with ms, s, m or h, from 50ms to 1m");
}

TEST(Value, SizesHaveAUnitOfPowersOfTwo) {
  EXPECT_EQ(std::get<std::int64_t>(*parse_value(kBytes, "64MiB", "")), 64LL << 20U);
  EXPECT_EQ(std::get<std::int64_t>(*parse_value(kBytes, "7B", "")), 7);
  for (const char* bad : {"64", "64MB", "64mib", "1.5GiB", "0B"}) {
    EXPECT_NE(error_of(kBytes, bad), "accepted") << bad;
  }
}

TEST(Value, NumbersAreWholeAndWithinBothBounds) {
  for (const char* good : {"1", "64"}) {
    EXPECT_EQ(error_of(kThreads, good), "accepted");
  }
  for (const char* bad :
       {"0", "65", "-1", "1e1", "0x4", " 4", "4 ", "four", "4.0", "9223372036854775808"}) {
    EXPECT_NE(error_of(kThreads, bad).find("write a whole number from 1 to 64"), std::string::npos)
        << bad;
  }
}

TEST(Value, AddressesAreHostAndPort) {
  EXPECT_EQ(parsed_address("[::1]:80"), (Address{"::1", 80}));
  EXPECT_EQ(to_string(Address{"::1", 80}), "[::1]:80");
  EXPECT_EQ(parsed_address("broker-1.example:9092"), (Address{"broker-1.example", 9092}));
  for (const char* bad : {"host", "host:", ":1", "host:65536", "host:-1", "host:+1", "::1:80",
                          "[]:1", "ho st:1", "http://host:1"}) {
    EXPECT_NE(error_of(kListen, bad), "accepted") << bad;
  }
  EXPECT_EQ(error_of(kListen, "127.0.0.1:0"), "accepted");
  EXPECT_EQ(error_of(kBroker, "127.0.0.1:0"),
            "\"127.0.0.1:0\" has port 0; write host:port with a port from 1 to 65535");
}

TEST(Value, LoopbackIsKnownByItsNumbersAndItsOneName) {
  for (const char* host : {"127.0.0.1", "127.8.8.8", "::1", "localhost"}) {
    EXPECT_TRUE(is_loopback({host, 1})) << host;
  }
  for (const char* host : {"0.0.0.0", "::", "10.0.0.1", "127.example.com", "localhost.example"}) {
    EXPECT_FALSE(is_loopback({host, 1})) << host;
  }
}

TEST(Value, OnlyPathsExpandAndOnlyTheCredentialsDirectory) {
  const std::string path = "${CREDENTIALS_DIRECTORY}/key";
  EXPECT_EQ(std::get<std::string>(*parse_value(kFile, path, "/run/credentials/x")),
            "/run/credentials/x/key");
  EXPECT_NE(error_of(kFile, path).find("which is not set"), std::string::npos);
  EXPECT_NE(error_of(kFile, "/a/${HOME}").find("not expanded"), std::string::npos);
  EXPECT_NE(error_of(kFile, "relative/key").find("not an absolute path"), std::string::npos);
}

TEST(Value, TextsAreBoundedPrintableAndOfTheAllowedCharacters) {
  EXPECT_EQ(error_of(kId, "a-1"), "accepted");
  EXPECT_EQ(error_of(kId, ""), "is empty; write 1 to 8 characters of [a-z0-9-]");
  for (const char* bad : {"A", "a b", "a.b", "ninechars", "a\nb", "é"}) {
    EXPECT_NE(error_of(kId, bad).find("write 1 to 8 characters of [a-z0-9-]"), std::string::npos)
        << bad;
  }
}

TEST(Value, WrittenAsAFileWouldHaveIt) {
  EXPECT_EQ(to_text(kInterval, std::chrono::milliseconds(1500)), "1500ms");
  EXPECT_EQ(to_text(kInterval, std::chrono::milliseconds(120'000)), "2m");
  EXPECT_EQ(to_text(kBytes, Value(std::int64_t{32} << 20U)), "32MiB");
  EXPECT_EQ(duration_text(0), "0ms");
}

}  // namespace
}  // namespace kpay::config
