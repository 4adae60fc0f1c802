#include "daemons/load/file_lines.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace kpay::load {

namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kBlank = " \t\r";

Unexpected invalid(std::string message) {
  return Unexpected(ErrorCode::invalid, std::move(message));
}

// Collects the members of one flat object. Numbers come as they are written.
class FlatObject : public nlohmann::json_sax<nlohmann::json> {
 public:
  std::map<std::string, std::string> fields;
  std::string problem = "this is no JSON object";

  bool null() override { return !name_.empty(); }
  bool boolean(bool value) override { return take(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { return take(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return take(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& text) override { return take(text); }
  bool string(string_t& text) override { return take(text); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return !std::exchange(inside_, true) || nested(); }
  bool key(string_t& name) override {
    name_ = name;
    return !fields.contains(name) || fail("\"" + name + "\" is there twice");
  }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override { return nested(); }
  bool end_array() override { return false; }
  bool parse_error(std::size_t at, const std::string&, const nlohmann::json::exception&) override {
    return fail("this is no JSON: see column " + std::to_string(at));
  }

 private:
  bool fail(std::string text) {
    problem = std::move(text);
    return false;
  }
  bool nested() { return inside_ && fail("\"" + name_ + "\" has to be text or a number"); }
  bool take(std::string value) { return inside_ && fields.emplace(name_, std::move(value)).second; }

  bool inside_ = false;
  std::string name_;
};

}  // namespace

FileFormat format_of(std::string_view path, std::string_view text) {
  if (path.ends_with(".ndjson") || path.ends_with(".jsonl")) {
    return FileFormat::ndjson;
  }
  return !path.ends_with(".csv") && text.starts_with('{') ? FileFormat::ndjson : FileFormat::csv;
}

Result<std::vector<std::string>> csv_fields(std::string_view line) {
  std::vector<std::string> fields(1);
  std::size_t at = 0;
  while (at < line.size()) {
    if (line[at] == ',') {
      fields.emplace_back();
      ++at;
    } else if (line[at] != '"') {
      const std::size_t end = std::min(line.find_first_of(",\"", at), line.size());
      fields.back() += line.substr(at, end - at);
      at = end;
      if (at < line.size() && line[at] == '"') {
        return invalid("a quote within a field: put the field in quotes and double it");
      }
    } else {
      for (++at; at < line.size() && (line[at] != '"' || line.substr(at, 2) == "\"\""); ++at) {
        at += line[at] == '"' ? 1 : 0;
        fields.back() += line[at];
      }
      if (at == line.size()) {
        return invalid("a quote isn't closed on its line");
      }
      if (++at < line.size() && line[at] != ',') {
        return invalid("text after a closing quote: a comma has to follow");
      }
    }
  }
  return fields;
}

Result<std::map<std::string, std::string>> json_fields(std::string_view line) {
  FlatObject object;
  if (!nlohmann::json::sax_parse(line, &object)) {
    return invalid(object.problem);
  }
  return std::move(object.fields);
}

bool FileLines::next_line(std::string_view& line) {
  while (!text_.empty()) {
    const std::size_t end = std::min(text_.find('\n'), text_.size());
    line = text_.substr(0, end);
    text_.remove_prefix(std::min(end + 1, text_.size()));
    if (++number_ == 1 && line.starts_with(kByteOrderMark)) {
      line.remove_prefix(kByteOrderMark.size());
    }
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    if (line.find_first_not_of(kBlank) != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

Result<void> FileLines::read_header(const std::vector<std::string>& required) {
  std::string_view line;
  if (format_ == FileFormat::ndjson) {
    return {};
  }
  if (!next_line(line)) {
    return invalid("the file is empty: its first line has to name the columns");
  }
  Result<std::vector<std::string>> names = csv_fields(line);
  if (!names) {
    return invalid("the first line names the columns: " + names.error().message);
  }
  for (const std::string& name : required) {
    if (std::count(names->begin(), names->end(), name) != 1) {
      return invalid("the first line has to name the column \"" + name +
                     "\" once, as in "
                     "id,from,to,amount,currency");
    }
  }
  columns_ = std::move(*names);
  return {};
}

bool FileLines::next(Result<std::map<std::string, std::string>>& fields) {
  std::string_view line;
  if (!next_line(line)) {
    return false;
  }
  if (format_ == FileFormat::ndjson) {
    fields = json_fields(line);
    return true;
  }
  Result<std::vector<std::string>> values = csv_fields(line);
  if (!values) {
    fields = Unexpected(values.error());
  } else if (values->size() != columns_.size()) {
    fields = invalid(std::to_string(values->size()) + " fields, where the first line names " +
                     std::to_string(columns_.size()));
  } else {
    std::map<std::string, std::string> named;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      named.emplace(columns_[i], std::move((*values)[i]));
    }
    fields = std::move(named);
  }
  return true;
}

}  // namespace kpay::load
