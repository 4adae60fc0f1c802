// The cursor of the daemons' tables.
#include "base/check.h"
#include "fuzz/target.h"
#include "kafka/table_cursor.h"

namespace kpay::fuzz {

void run_cursor(ByteView input) {
  const std::string text(as_text(input));
  const std::optional<kafka::TableCursor> cursor = kafka::parse_cursor(text);
  if (!cursor) {
    return;
  }
  check(cursor->partition >= 0, "a cursor is in a partition");
  check(cursor_text(*cursor) == text, "a cursor has the text that is written");
}

}  // namespace kpay::fuzz
