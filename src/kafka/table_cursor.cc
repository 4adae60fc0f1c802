#include "kafka/table_cursor.h"

#include <charconv>

namespace kpay::kafka {

std::string cursor_text(const TableCursor& cursor) {
  return std::to_string(cursor.partition) + ":" + to_hex(cursor.key);
}

std::optional<TableCursor> parse_cursor(const std::string& text) {
  TableCursor cursor;
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos || (text.size() - colon) % 2 == 0) {
    return std::nullopt;
  }
  const char* begin = text.data();
  if (std::from_chars(begin, begin + colon, cursor.partition).ptr != begin + colon) {
    return std::nullopt;
  }
  for (std::size_t at = colon + 1; at < text.size(); at += 2) {
    unsigned value = 0;
    if (std::from_chars(begin + at, begin + at + 2, value, 16).ptr != begin + at + 2) {
      return std::nullopt;
    }
    cursor.key.push_back(static_cast<std::byte>(value));
  }
  // One text for each place: no partition that is too large for a number, no other spelling.
  return cursor.partition >= 0 && cursor_text(cursor) == text ? std::optional(cursor)
                                                              : std::nullopt;
}

}  // namespace kpay::kafka
