// Answer: what a command has to say, as a document and as text; printing it is the caller's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "daemons/tool/exit.h"

namespace kpay::ctl {

struct Answer {
  std::string json{};  ///< one JSON document: all of standard output with --json
  std::string text{};  ///< standard output without it; with a line break at its end, or empty
  std::string note{};  ///< standard error without it: hints and summaries
  tool::Exit exit = tool::Exit::ok;
  std::vector<std::string> lines{};  ///< of a list: each item as a JSON document, for --jsonl
};

/// {"error": {"code", "message", "hint"}}; `code` is a stable word, `hint` may be empty.
[[nodiscard]] Answer failed(tool::Exit exit, std::string_view code, std::string_view message,
                            std::string_view hint = "");
[[nodiscard]] Answer failed(const Error& error);

enum class Format { text, json, jsonl };

/// To standard output and standard error; gives the exit code. With jsonl an error is one line of
/// JSON, too.
int print(const Answer& answer, Format format);

/// Columns of equal width, two spaces apart; the last column of a line is not filled up.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> head) { rows_.push_back(std::move(head)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace kpay::ctl
