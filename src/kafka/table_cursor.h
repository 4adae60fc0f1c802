// TableCursor: where a reader of a table's pages goes on: after a key, in a partition.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"

namespace kpay::kafka {

struct TableCursor {
  std::int32_t partition = 0;
  Bytes key;
};

/// "partition:key in hexadecimal".
[[nodiscard]] std::string cursor_text(const TableCursor& cursor);
/// Reads what cursor_text() wrote; anything else gives nothing.
[[nodiscard]] std::optional<TableCursor> parse_cursor(const std::string& text);

}  // namespace kpay::kafka
