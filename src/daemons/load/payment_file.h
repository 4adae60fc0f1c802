// PaymentFile: a file of payments, line by line; a line is a payment or says why it is none.
#pragma once

#include <string>
#include <string_view>

#include "core/commands.h"
#include "daemons/load/file_lines.h"

namespace kpay::load {

struct FilePayment {
  std::string id;           ///< as the file has it
  core::Transfer transfer;  ///< its payment is nil; its reference is below
  std::string reference;

  /// The transfer, with the view of its reference as it stands here.
  [[nodiscard]] core::Transfer whole() const {
    core::Transfer copy = transfer;
    copy.reference = reference;
    return copy;
  }
};

/// From fields by name. Errors: invalid, naming the field and what would be right.
[[nodiscard]] Result<FilePayment> payment_of(const std::map<std::string, std::string>& fields);

/// "2026-11-22", also with a time of day after it (RFC 3339); empty is none.
[[nodiscard]] Result<core::ValueDate> value_date_of(std::string_view text);

/// Threads: one. The text outlives it.
class PaymentFile {
 public:
  /// Errors: invalid, when the columns aren't those of payments.
  static Result<PaymentFile> open(std::string_view path, std::string_view text);

  /// The next line; false at the end.
  bool next(Result<FilePayment>& payment);
  [[nodiscard]] std::uint64_t line() const noexcept { return lines_.number(); }

 private:
  explicit PaymentFile(FileLines lines) : lines_(std::move(lines)) {}
  FileLines lines_;
};

}  // namespace kpay::load
