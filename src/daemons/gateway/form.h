// Form: reads the members of a request's JSON object one by one, and remembers the first that is
// wrong. What it gives after a problem is not to be used.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/ids.h"
#include "core/money.h"
#include "daemons/ctl/letters.h"
#include "daemons/gateway/problem.h"

namespace kpay::gateway {

/// Threads: one.
class Form {
 public:
  /// A body that is no object, too deep or not UTF-8 is a problem already.
  explicit Form(std::string_view body);
  ~Form();
  Form(const Form&) = delete;
  Form& operator=(const Form&) = delete;

  /// A text that isn't empty and has at most so many bytes.
  [[nodiscard]] std::string text(std::string_view name, std::size_t bytes_max);
  /// The same; empty when it is missing.
  [[nodiscard]] std::string optional_text(std::string_view name, std::size_t bytes_max);
  [[nodiscard]] std::int64_t number(std::string_view name, std::int64_t otherwise, std::int64_t min,
                                    std::int64_t max);
  /// Numbers of payments a second and the like: never of money.
  [[nodiscard]] double rate(std::string_view name, std::optional<double> otherwise, double min,
                            double max);
  [[nodiscard]] core::AccountId account(std::string_view name);
  [[nodiscard]] core::ValueDate optional_date(std::string_view name);
  /// From `amount` (decimal text) or `amount_minor` (a whole number, or its digits as text), with
  /// `currency`. The names begin with `prefix`.
  [[nodiscard]] core::Money money(std::string_view amount_name, bool required);
  /// One of these words.
  [[nodiscard]] std::string choice(std::string_view name, const std::vector<std::string>& words,
                                   bool required = true);
  /// A list of dead letters' ids, each once, at most limits::request_letters_max.
  [[nodiscard]] std::vector<ctl::LetterId> letters(std::string_view name, bool required = true);
  /// The payment's or command's own id.
  [[nodiscard]] Uuid id(std::string_view name);

  /// A problem of the caller's.
  void refuse(Problem problem);
  /// Nothing when all was right, and every member of the object was asked for.
  [[nodiscard]] std::optional<Problem> problem();

 private:
  struct Object;

  void wrong(std::string_view name, std::string_view what, std::string_view expected);
  void missing(std::string_view name, std::string_view expected);

  std::unique_ptr<Object> object_;
  std::optional<Problem> problem_;
};

/// The id in the header Idempotency-Key.
[[nodiscard]] std::optional<Problem> read_key(const http::Request& request, Uuid& id);
/// `text` as a version 7 id, or why not.
[[nodiscard]] std::optional<Problem> read_id(std::string_view text, std::string_view name,
                                             Uuid& id);

}  // namespace kpay::gateway
