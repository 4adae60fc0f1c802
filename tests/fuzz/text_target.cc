// What people type: durations, times, amounts, ids, keys. Every reader gets the same text.
#include "base/check.h"
#include "core/day.h"
#include "core/histogram.h"
#include "daemons/ctl/amounts.h"
#include "daemons/ctl/letters.h"
#include "daemons/load/payment_file.h"
#include "daemons/tool/duration.h"
#include "daemons/tool/mix_flags.h"
#include "fuzz/target.h"

namespace kpay::fuzz {

namespace {

constexpr Timestamp kNow{1'795'366'435'000};
constexpr std::int64_t kYearMs = 366LL * 24 * 3'600'000;

template <class T>
bool is_told(const Result<T>& result) {
  check(result || !result.error().message.empty(), "a text that is refused is told why");
  return result.has_value();
}

void read_times(std::string_view text) {
  const Result<std::int64_t> duration = tool::duration_ms(text);
  if (is_told(duration)) {
    check(*duration >= 0 && *duration <= kYearMs, "a duration is at most a year");
    const Result<std::int64_t> again = tool::duration_ms(std::to_string(*duration) + "ms");
    check(again && *again == *duration, "a duration is the same in milliseconds");
  }
  const Result<Timestamp> time = tool::time_point(text, kNow);
  if (is_told(time) && !duration) {
    check(text.starts_with(to_rfc3339(*time).substr(0, 19)), "a time is the one that was typed");
    check(text.find_first_not_of("0123456789-:.TZ") == std::string_view::npos,
          "a time has no other characters");
    const Result<Timestamp> again = tool::time_point(to_rfc3339(*time), kNow);
    check(again && *again == *time, "a time that is written is the same");
  }
  if (const auto day = core::parse_day(text)) {
    check(core::day_text(*day) == text, "a day that is written is the same");
  }
  if (const auto minute = core::parse_minute(text)) {
    check(core::minute_text(*minute) == text, "a minute that is written is the same");
  }
  const Result<core::ValueDate> date = ctl::date_in(std::string(text));
  if (is_told(date)) {
    check(core::is_valid(*date), "a date is of the calendar");
    const Result<core::ValueDate> same = load::value_date_of(text);
    check(same ? *same == *date : date->value() == 0, "all tools read a date alike");
  }
  is_told(load::value_date_of(text));
}

void read_amounts(const std::string& text) {
  for (const char* currency : {"EUR", "JPY", "KWD", "CLF", "XXX"}) {
    const Result<core::Money> money = ctl::amount_in(text, currency);
    if (!is_told(money)) {
      continue;
    }
    const std::string written = core::format_amount(*money);
    check(core::parse_amount(written, money->currency) == *money, "an amount is the same again");
    check(ctl::amount_text(std::to_string(money->minor), currency) == written,
          "all tools write an amount alike");
  }
  if (const Result<std::uint32_t> milli = tool::exponent_milli(text); is_told(milli)) {
    check(*milli <= 10'000, "an exponent is at most 10");
  }
  if (const auto histogram = core::parse_histogram(text)) {
    check(core::parse_histogram(to_string(*histogram)) == histogram, "a histogram is the same");
    for (const std::uint32_t per_mille : {1U, 500U, 990U, 1000U}) {
      const std::int64_t value = histogram->percentile(per_mille);
      check(value >= histogram->min() && value <= histogram->max(),
            "a percentile is between least and most");
    }
  }
}

void read_ids(const std::string& text) {
  if (const auto uuid = parse_uuid(text)) {
    check(parse_uuid(to_string(*uuid)) == uuid, "an id that is written is the same");
  }
  is_told(ctl::id_in(text));
  if (const auto letter = ctl::parse_letter_id(text)) {
    check(ctl::parse_letter_id(to_string(*letter)) == letter, "a letter's id is the same");
  }
  if (const auto account = core::AccountId::parse(text)) {
    check(account->text() == text, "an account's id is its text");
  }
}

}  // namespace

void run_text(ByteView input) {
  const std::string text(as_text(input));
  read_times(text);
  read_amounts(text);
  read_ids(text);
}

}  // namespace kpay::fuzz
