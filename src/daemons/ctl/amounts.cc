#include "daemons/ctl/amounts.h"

#include <optional>

namespace kpay::ctl {

Result<core::Money> amount_in(const std::string& amount, const std::string& currency) {
  const std::optional<core::Currency> parsed = core::Currency::parse(currency);
  if (!parsed || !parsed->known()) {
    return Unexpected(ErrorCode::invalid, "\"" + currency +
                                              "\" is no currency: three capital letters of "
                                              "ISO 4217, as EUR");
  }
  const std::optional<core::Money> money = core::parse_amount(amount, *parsed);
  if (!money) {
    return Unexpected(ErrorCode::invalid,
                      "\"" + amount + "\" is no amount in " + currency + ": digits with at most " +
                          std::to_string(parsed->minor_digits()) + " decimals, as " +
                          core::format_amount({1234, *parsed}));
  }
  return *money;
}

Result<Uuid> id_in(const std::string& text) {
  if (text.empty()) {
    return new_uuid_v7();
  }
  const std::optional<Uuid> id = parse_uuid(text);
  if (!id) {
    return Unexpected(ErrorCode::invalid, "\"" + text + "\" is no UUID");
  }
  return *id;
}

Result<core::ValueDate> date_in(const std::string& text) {
  if (text.empty()) {
    return core::ValueDate{};
  }
  std::int32_t number = 0;
  bool valid = text.size() == 10;
  for (std::size_t i = 0; valid && i < text.size(); ++i) {
    if (i == 4 || i == 7) {
      valid = text[i] == '-';
    } else {
      valid = text[i] >= '0' && text[i] <= '9';
      number = number * 10 + (text[i] - '0');
    }
  }
  const core::ValueDate date(number);
  if (!valid || !core::is_valid(date)) {
    return Unexpected(ErrorCode::invalid, "\"" + text + "\" is no date, as 2026-11-22");
  }
  return date;
}

std::string amount_text(const std::string& minor, const std::string& currency) {
  const std::optional<core::Currency> parsed = core::Currency::parse(currency);
  const bool known = parsed && parsed->known();
  const auto decimals = static_cast<std::size_t>(known ? parsed->minor_digits() : 0);
  const bool negative = minor.starts_with('-');
  std::string text = minor.substr(negative ? 1 : 0);
  if (text.size() <= decimals) {
    text.insert(0, decimals + 1 - text.size(), '0');
  }
  if (decimals > 0) {
    text.insert(text.size() - decimals, 1, '.');
  }
  return negative ? "-" + text : text;
}

}  // namespace kpay::ctl
