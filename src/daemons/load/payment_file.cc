#include "daemons/load/payment_file.h"

#include "base/utf8.h"

namespace kpay::load {

namespace {

constexpr std::size_t kIdBytesMax = 200;
constexpr std::size_t kDateChars = 10;

Unexpected invalid(std::string message) {
  return Unexpected(ErrorCode::invalid, std::move(message));
}

std::string_view field(const std::map<std::string, std::string>& fields, const char* name) {
  const auto found = fields.find(name);
  return found == fields.end() ? std::string_view() : std::string_view(found->second);
}

Result<core::AccountId> account_of(const std::map<std::string, std::string>& fields,
                                   const char* name) {
  const std::string text(field(fields, name));
  const std::optional<core::AccountId> account = core::AccountId::parse(text);
  if (!account) {
    return invalid(std::string(name) + " \"" + text +
                   "\" is no account id: 1 to 34 characters of A-Z a-z 0-9 . _ : -");
  }
  return *account;
}

Result<core::Money> amount_of(const std::map<std::string, std::string>& fields) {
  const std::string currency(field(fields, "currency"));
  const std::optional<core::Currency> known = core::Currency::parse(currency);
  if (!known || !known->known()) {
    return invalid("currency \"" + currency + "\" is none of ISO 4217: three letters, as EUR");
  }
  const std::string amount(field(fields, "amount"));
  const std::optional<core::Money> money = core::parse_amount(amount, *known);
  if (!money) {
    return invalid("amount \"" + amount + "\" is none in " + currency + ": digits with at most " +
                   std::to_string(known->minor_digits()) + " decimals, as " +
                   core::format_amount({1234, *known}));
  }
  return *money;
}

}  // namespace

Result<core::ValueDate> value_date_of(std::string_view text) {
  if (text.empty()) {
    return core::ValueDate{};
  }
  const std::string_view date = text.substr(0, kDateChars);
  const std::string_view time = text.substr(date.size());
  bool valid = date.size() == kDateChars;
  std::int32_t number = 0;
  for (std::size_t i = 0; valid && i < kDateChars; ++i) {
    if (i == 4 || i == 7) {
      valid = date[i] == '-';
    } else {
      valid = date[i] >= '0' && date[i] <= '9';
      number = number * 10 + (date[i] - '0');
    }
  }
  valid = valid && (time.empty() ||
                    (time.size() > 1 && (time[0] == 'T' || time[0] == 't' || time[0] == ' ') &&
                     time.find_first_not_of("0123456789:.+-Zz", 1) == std::string_view::npos));
  if (!valid || number == 0 || !core::is_valid(core::ValueDate(number))) {
    return invalid("time \"" + std::string(text) +
                   "\" is none: 2026-11-22, or 2026-11-22T16:53:55Z");
  }
  return core::ValueDate(number);
}

Result<FilePayment> payment_of(const std::map<std::string, std::string>& fields) {
  for (const char* name : {"id", "from", "to", "amount", "currency"}) {
    if (field(fields, name).empty()) {
      return invalid(std::string(name) + " is missing");
    }
  }
  FilePayment payment;
  payment.id = field(fields, "id");
  payment.reference = field(fields, "reference");
  if (payment.id.size() > kIdBytesMax) {
    return invalid("id is longer than " + std::to_string(kIdBytesMax) + " bytes");
  }
  if (payment.reference.size() > core::kReferenceMax) {
    return invalid("reference is longer than " + std::to_string(core::kReferenceMax) + " bytes");
  }
  if (!is_utf8(payment.reference)) {
    return invalid("reference is not UTF-8, which its event has to be");
  }
  const Result<core::AccountId> from = account_of(fields, "from");
  const Result<core::AccountId> to = account_of(fields, "to");
  const Result<core::Money> amount = amount_of(fields);
  const Result<core::ValueDate> date = value_date_of(field(fields, "time"));
  if (!from || !to || !amount || !date) {
    return Unexpected(!from     ? from.error()
                      : !to     ? to.error()
                      : !amount ? amount.error()
                                : date.error());
  }
  payment.transfer.from = *from;
  payment.transfer.to = *to;
  payment.transfer.amount = *amount;
  payment.transfer.value_date = *date;
  return payment;
}

Result<PaymentFile> PaymentFile::open(std::string_view path, std::string_view text) {
  FileLines lines(format_of(path, text), text);
  if (Result<void> header = lines.read_header({"id", "from", "to", "amount", "currency"});
      !header) {
    return Unexpected(header.error().code, std::string(path) + ":1: " + header.error().message);
  }
  return PaymentFile(std::move(lines));
}

bool PaymentFile::next(Result<FilePayment>& payment) {
  Result<std::map<std::string, std::string>> fields = std::map<std::string, std::string>();
  if (!lines_.next(fields)) {
    return false;
  }
  payment = fields ? payment_of(*fields) : Result<FilePayment>(Unexpected(fields.error()));
  return true;
}

}  // namespace kpay::load
