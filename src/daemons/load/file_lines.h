// FileLines: cuts a file of payments into lines, and lines into named fields.
//
// CSV: the first line names the columns, in any order; a field may stand in quotes, with "" for a
// quote within; there are no line breaks in fields, so that one bad line never takes another with
// it. NDJSON: a JSON object per line; numbers keep their digits, nothing is rounded.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kpay::load {

enum class FileFormat { csv, ndjson };

/// By the name (.ndjson, .jsonl, .csv), else by the first byte: '{' is NDJSON.
[[nodiscard]] FileFormat format_of(std::string_view path, std::string_view text);

/// Fields of one CSV line. Errors: invalid, e.g. a quote that isn't closed.
[[nodiscard]] Result<std::vector<std::string>> csv_fields(std::string_view line);
/// Members of one JSON object, as text; null is left out. Errors: invalid.
[[nodiscard]] Result<std::map<std::string, std::string>> json_fields(std::string_view line);

/// Threads: one. The text outlives it.
class FileLines {
 public:
  FileLines(FileFormat format, std::string_view text) : format_(format), text_(text) {}

  /// Reads the line of column names (CSV only). Errors: invalid, naming what is missing.
  Result<void> read_header(const std::vector<std::string>& required);
  /// The next line that isn't blank, as fields by name; false at the end.
  bool next(Result<std::map<std::string, std::string>>& fields);
  /// Of the line that next() gave last, from 1.
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }

 private:
  bool next_line(std::string_view& line);

  FileFormat format_;
  std::string_view text_;  // what is left
  std::uint64_t number_ = 0;
  std::vector<std::string> columns_;
};

}  // namespace kpay::load
