// Result<T>: a value, or the Error that kept it from being made. A small subset of std::expected
// with the same member names, until the standard library has it.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/check.h"

namespace kpay {

/// What kind of trouble it is, so that a caller can choose its road without reading the text.
enum class ErrorCode {
  invalid,      ///< the caller or the configuration is wrong; a repeat gives the same answer
  not_found,    ///< what was named does not exist
  conflict,     ///< it exists with other content, or somebody else holds it
  unavailable,  ///< the world failed (broker away, time-out): a retry may succeed
  corrupt,      ///< stored bytes contradict their own checksums or the log
  fenced,       ///< a newer owner exists: let go
  refused,      ///< this build, principal or state may not do that
  io,           ///< the disk or a descriptor failed
};

/// Names the code in one stable word, e.g. "not_found".
[[nodiscard]] const char* to_string(ErrorCode code) noexcept;

/// An error: its kind, and a sentence for a person that names what is wrong and where.
struct Error {
  ErrorCode code = ErrorCode::invalid;
  std::string message;

  friend bool operator==(const Error&, const Error&) = default;
};

/// Carries an error into a Result: `return Unexpected(Error{...})`.
struct Unexpected {
  explicit Unexpected(Error e) : error(std::move(e)) {}
  Unexpected(ErrorCode code, std::string message) : error{code, std::move(message)} {}
  Error error;
};

/// Either a T or an Error.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: as std::expected
  Result(Unexpected unexpected)                                          // NOLINT: as std::expected
      : state_(std::in_place_index<1>, std::move(unexpected.error)) {}

  [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  /// REQUIRES: has_value().
  [[nodiscard]] T& value() & {
    check(has_value(), "a Result that is read has a value");
    return std::get<0>(state_);
  }
  [[nodiscard]] const T& value() const& {
    check(has_value(), "a Result that is read has a value");
    return std::get<0>(state_);
  }
  [[nodiscard]] T&& value() && {
    check(has_value(), "a Result that is read has a value");
    return std::get<0>(std::move(state_));
  }
  [[nodiscard]] T& operator*() & { return value(); }
  [[nodiscard]] const T& operator*() const& { return value(); }
  [[nodiscard]] T&& operator*() && { return std::move(*this).value(); }
  [[nodiscard]] T* operator->() { return &value(); }
  [[nodiscard]] const T* operator->() const { return &value(); }

  /// REQUIRES: !has_value().
  [[nodiscard]] const Error& error() const {
    check(!has_value(), "an error is read from a failed Result");
    return std::get<1>(state_);
  }

 private:
  std::variant<T, Error> state_;
};

/// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Unexpected unexpected) : error_(std::move(unexpected.error)) {}  // NOLINT

  [[nodiscard]] bool has_value() const noexcept { return !error_.has_value(); }
  explicit operator bool() const noexcept { return has_value(); }

  /// REQUIRES: !has_value().
  [[nodiscard]] const Error& error() const {
    check(error_.has_value(), "an error is read from a failed Result");
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace kpay
