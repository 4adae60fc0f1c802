// Config: the values of a configuration file that its schema has accepted.
//
// Getters check() that the field is declared with that type: asking for another is our bug.
// Immutable after load(), so any thread may read it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "config/schema.h"

namespace kpay::config {

/// A place in the file; lines and columns count from 1.
struct Place {
  int line = 1;
  int column = 1;
};

class Config {
 public:
  struct Entry {
    Value value;
    Place place;
    bool written = false;  ///< in the file, not a default
  };

  /// Text, word, path or address; empty when unset.
  [[nodiscard]] const std::string& text(std::string_view path) const;
  [[nodiscard]] std::int64_t integer(std::string_view path) const;
  [[nodiscard]] bool boolean(std::string_view path) const;
  [[nodiscard]] std::chrono::milliseconds duration(std::string_view path) const;
  /// In bytes.
  [[nodiscard]] std::size_t size(std::string_view path) const;
  /// Empty when unset.
  [[nodiscard]] const Texts& texts(std::string_view path) const;
  [[nodiscard]] Address address(std::string_view path) const;
  /// False when neither the file nor a default gives a value.
  [[nodiscard]] bool has(std::string_view path) const;

  /// 32 hexadecimal digits over every value, defaults too: equal for files that mean the same.
  [[nodiscard]] const std::string& hash() const noexcept { return hash_; }

 private:
  friend class Loader;

  [[nodiscard]] const Entry* find(std::string_view path) const;

  std::map<std::string, Entry, std::less<>> entries_;
  std::string hash_;
};

/// Reads the file at `path`. Errors: io, when it can't be read; invalid, with every problem of
/// the file, one a line: "file:line:column: field: what is wrong; what would be right".
[[nodiscard]] Result<Config> load(const std::string& path, const Schema& schema);

/// The same on text; `file` is only named in errors, `credentials` is $CREDENTIALS_DIRECTORY.
[[nodiscard]] Result<Config> parse(std::string_view text, const std::string& file,
                                   const Schema& schema, const std::string& credentials = "");

/// The content of a secret's file without one newline at its end. Errors: io, or invalid when it
/// is empty, too large, has a line break, or is readable by every user of the machine.
[[nodiscard]] Result<std::string> read_secret(const std::string& path);

}  // namespace kpay::config
