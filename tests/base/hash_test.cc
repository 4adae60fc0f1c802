#include "base/hash.h"

#include <gtest/gtest.h>

#include <set>

namespace kpay {
namespace {

// Kafka's own test vectors (UtilsTest.testMurmur2).
TEST(R10Murmur2, IsKafkas) {
  const std::pair<const char*, std::int32_t> vectors[] = {
      {"21", -973932308},
      {"foobar", -790332482},
      {"a-little-bit-long-string", -985981536},
      {"a-little-bit-longer-string", -1486304829},
      {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
      {"abc", 479470107},
  };
  for (const auto& [text, hash] : vectors) {
    EXPECT_EQ(static_cast<std::int32_t>(murmur2(as_bytes(text))), hash) << text;
  }
}

TEST(R10Murmur2, PartitionsAreWithinBoundsAndAllAreUsed) {
  std::set<std::int32_t> used;
  for (int i = 0; i < 1000; ++i) {
    const std::string key = "key-" + std::to_string(i);
    const std::int32_t partition = partition_of(as_bytes(key), 12);
    EXPECT_GE(partition, 0);
    EXPECT_LT(partition, 12);
    used.insert(partition);
  }
  EXPECT_EQ(used.size(), 12U);
  EXPECT_EQ(partition_of(as_bytes("anything"), 1), 0);
}

// The bytes of logs and files depend on these: a change is a change of format.
TEST(Hash128, ValuesAreForGood) {
  EXPECT_EQ(to_string(hash128({})), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(to_string(hash128(as_bytes("kpay"))), "c4103ba1959cc4b11e7955679927d8e2");
  EXPECT_EQ(to_string(hash128(as_bytes("kpay"), 1)), "7567dd223f9bc1c07ce494740dc18154");
  EXPECT_EQ(to_string(chain({}, as_bytes("kpay"))), "c4103ba1959cc4b11e7955679927d8e2");
  EXPECT_EQ(to_string(chain({1, 2}, as_bytes("kpay"))), "7567dd233f9bc1c0b95387e70c56797e");
  EXPECT_EQ(checksum64(as_bytes("kpay")), 8684405403946421547ULL);
}

TEST(Hash128, ChainingDependsOnOrderAndOnEveryBitBefore) {
  const Hash128 ab = chain(chain({}, as_bytes("a")), as_bytes("b"));
  EXPECT_NE(ab, chain(chain({}, as_bytes("b")), as_bytes("a")));
  std::set<std::string> seen;
  for (unsigned bit = 0; bit < 64; ++bit) {
    seen.insert(to_string(chain({1ULL << bit, 0}, as_bytes("x"))));
    seen.insert(to_string(chain({0, 1ULL << bit}, as_bytes("x"))));
  }
  EXPECT_EQ(seen.size(), 128U);
}

TEST(Hash128, ASumIsASetHash) {
  const Hash128 a = hash128(as_bytes("a"));
  const Hash128 b = hash128(as_bytes("b"));
  Hash128 sum = a;
  sum += b;
  Hash128 other = b;
  other += a;
  EXPECT_EQ(sum, other);
  sum -= a;
  sum -= b;
  EXPECT_EQ(sum, Hash128{});
}

TEST(Hash128, SumsCarryAndBorrowOverTheMiddle) {
  Hash128 sum{~0ULL, 1};
  sum += {1, 0};
  EXPECT_EQ(sum, (Hash128{0, 2}));
  sum -= {1, 0};
  EXPECT_EQ(sum, (Hash128{~0ULL, 1}));
}

TEST(Hash128, IsReadBackAsItWasWritten) {
  Bytes bytes;
  ByteWriter out(bytes);
  const Hash128 hash = hash128(as_bytes("x"));
  put(out, hash);
  ByteReader in(bytes);
  EXPECT_EQ(get_hash128(in), hash);
}

}  // namespace
}  // namespace kpay
