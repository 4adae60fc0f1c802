#include "daemons/ctl/answer.h"

#include <algorithm>
#include <cstdio>

#include "http/json.h"

namespace kpay::ctl {

Answer failed(tool::Exit exit, std::string_view code, std::string_view message,
              std::string_view hint) {
  http::JsonObject error;
  error.add("code", code).add("message", message);
  if (!hint.empty()) {
    error.add("hint", hint);
  }
  Answer answer;
  answer.json = http::JsonObject().add_json("error", error.finish()).finish();
  answer.note = "error: " + std::string(message) + "\n";
  if (!hint.empty()) {
    answer.note += "  " + std::string(hint) + "\n";
  }
  answer.exit = exit;
  return answer;
}

Answer failed(const Error& error) {
  return failed(tool::exit_of(error.code), to_string(error.code), error.message);
}

int print(const Answer& answer, Format format) {
  const bool is_error =
      answer.text.empty() && answer.lines.empty() && answer.exit != tool::Exit::ok;
  if (format == Format::json || (format == Format::jsonl && is_error)) {
    std::fprintf(stdout, "%s\n", answer.json.c_str());
  } else if (format == Format::jsonl) {
    for (const std::string& line : answer.lines) {
      std::fprintf(stdout, "%s\n", line.c_str());
    }
    std::fputs(answer.note.c_str(), stderr);
  } else {
    std::fputs(answer.text.c_str(), stdout);
    std::fputs(answer.note.c_str(), stderr);
  }
  if (std::fflush(stdout) != 0) {
    std::fputs("error: standard output can't be written\n", stderr);
    return static_cast<int>(tool::Exit::failure);
  }
  return static_cast<int>(answer.exit);
}

std::string TextTable::text() const {
  std::vector<std::size_t> widths;
  for (const std::vector<std::string>& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string text;
  for (const std::vector<std::string>& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      if (i + 1 < row.size()) {
        text.append(widths[i] - row[i].size() + 2, ' ');
      }
    }
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
  }
  return text;
}

}  // namespace kpay::ctl
