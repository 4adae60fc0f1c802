#include "kafka/table_cursor.h"

#include <gtest/gtest.h>

namespace kpay::kafka {
namespace {

TEST(TableCursor, IsReadAsItWasWrittenAndInNoOtherSpelling) {
  const TableCursor cursor{3, {std::byte{0x00}, std::byte{0xfe}}};
  EXPECT_EQ(cursor_text(cursor), "3:00fe");
  const std::optional<TableCursor> again = parse_cursor("3:00fe");
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->partition, 3);
  EXPECT_EQ(again->key, cursor.key);
  EXPECT_TRUE(parse_cursor("0:").has_value());
  for (const char* wrong : {"", ":", "3", "x:00", "3:0", "3:0x", "3:00FE", "03:00", "-1:00",
                            "99999999999:00", "3: 0", "3:00 "}) {
    EXPECT_FALSE(parse_cursor(wrong).has_value()) << wrong;
  }
}

}  // namespace
}  // namespace kpay::kafka
