#include "base/bytes.h"

#include <gtest/gtest.h>

namespace kpay {
namespace {

TEST(Bytes, WhatIsWrittenIsReadBackInTheSameOrder) {
  Bytes bytes;
  ByteWriter out(bytes);
  out.put(std::uint8_t{7});
  out.put(std::int32_t{-2});
  out.put(std::uint64_t{0x0102030405060708ULL});
  out.sized(std::string_view("text"));
  out.sized(std::string_view(""));
  ByteReader in(bytes);
  EXPECT_EQ(in.get<std::uint8_t>(), 7);
  EXPECT_EQ(in.get<std::int32_t>(), -2);
  EXPECT_EQ(in.get<std::uint64_t>(), 0x0102030405060708ULL);
  EXPECT_EQ(in.text(), "text");
  EXPECT_EQ(in.text(), "");
  EXPECT_TRUE(in.done());
}

TEST(Bytes, NumbersAreLittleEndian) {
  Bytes bytes;
  ByteWriter(bytes).put(std::uint32_t{0x01020304});
  EXPECT_EQ(to_hex(bytes), "04030201");
}

TEST(Bytes, ReadingBeyondTheEndGivesZerosAndIsRemembered) {
  const Bytes bytes{std::byte{1}, std::byte{2}, std::byte{3}};
  ByteReader in(bytes);
  EXPECT_EQ(in.get<std::uint16_t>(), 0x0201);
  EXPECT_EQ(in.get<std::uint16_t>(), 0);
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.get<std::uint8_t>(), 0) << "also when one byte would still be there";
  EXPECT_FALSE(in.done());
}

TEST(Bytes, ALengthThatIsNotThereGivesNothing) {
  Bytes bytes;
  ByteWriter out(bytes);
  out.put(std::uint32_t{0xffffffff});
  out.put(std::uint8_t{1});
  ByteReader in(bytes);
  EXPECT_TRUE(in.sized().empty());
  EXPECT_FALSE(in.ok());
}

TEST(Bytes, ANumberIsOverwrittenInPlace) {
  Bytes bytes;
  ByteWriter out(bytes);
  out.put(std::uint32_t{0});
  out.put(std::uint8_t{9});
  out.put_at(0, std::uint32_t{5});
  ByteReader in(bytes);
  EXPECT_EQ(in.get<std::uint32_t>(), 5U);
  EXPECT_EQ(in.get<std::uint8_t>(), 9);
}

TEST(Bytes, EqualityComparesLengthAndContent) {
  EXPECT_TRUE(equal({}, {}));
  EXPECT_TRUE(equal(as_bytes("ab"), as_bytes("ab")));
  EXPECT_FALSE(equal(as_bytes("ab"), as_bytes("abc")));
  EXPECT_FALSE(equal(as_bytes("ab"), as_bytes("ac")));
}

}  // namespace
}  // namespace kpay
