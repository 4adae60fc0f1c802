#include "daemons/gateway/form.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "core/limits.h"
#include "daemons/ctl/amounts.h"
#include "daemons/gateway/limits.h"

namespace kpay::gateway {

namespace {

using Json = nlohmann::json;

constexpr std::string_view kAccountForm = "1 to 34 characters of A-Z a-z 0-9 . _ : -";
constexpr std::string_view kUuidForm =
    "a UUID of version 7, as 01936c5e-7b7e-7c3a-9c53-3f2a1b0c4d5e";

// Parses within limits: deeper nesting than a form has is refused before memory is spent on it.
Json parse(std::string_view body) {
  bool too_deep = false;
  Json value = Json::parse(
      body.begin(), body.end(),
      [&](int depth, Json::parse_event_t, Json&) {
        too_deep = too_deep || depth > limits::json_depth_max;
        return !too_deep;
      },
      false);
  return too_deep ? Json(Json::value_t::discarded) : value;
}

}  // namespace

struct Form::Object {
  Json json;
  std::vector<std::string> asked;

  /// The member, which is known to be meant from now on; null when it isn't there.
  [[nodiscard]] const Json* ask(std::string_view name) {
    asked.emplace_back(name);
    const auto found = json.find(std::string(name));
    return found == json.end() || found->is_null() ? nullptr : &*found;
  }
};

Form::Form(std::string_view body) : object_(std::make_unique<Object>()) {
  object_->json = parse(body);
  if (!object_->json.is_object()) {
    object_->json = Json::object();
    refuse({.code = Code::body_invalid,
            .detail = "The body is no JSON object.",
            .expected = "a JSON object in UTF-8, nested at most " +
                        std::to_string(limits::json_depth_max) + " deep"});
  }
}

Form::~Form() = default;

void Form::refuse(Problem problem) {
  if (!problem_) {
    problem_ = std::move(problem);
  }
}

void Form::wrong(std::string_view name, std::string_view what, std::string_view expected) {
  refuse({.code = Code::field_invalid,
          .detail = std::string(name) + " " + std::string(what) + ".",
          .field = std::string(name),
          .expected = std::string(expected)});
}

void Form::missing(std::string_view name, std::string_view expected) {
  refuse({.code = Code::field_missing,
          .detail = std::string(name) + " is missing.",
          .field = std::string(name),
          .expected = std::string(expected)});
}

std::string Form::optional_text(std::string_view name, std::size_t bytes_max) {
  const Json* member = object_->ask(name);
  if (member == nullptr) {
    return {};
  }
  const std::string expected = "a text of 1 to " + std::to_string(bytes_max) + " bytes";
  if (!member->is_string()) {
    wrong(name, "is no text", expected);
    return {};
  }
  std::string text = member->get<std::string>();
  if (text.empty() || text.size() > bytes_max) {
    wrong(name, text.empty() ? "is empty" : "is too long", expected);
  }
  return text;
}

std::string Form::text(std::string_view name, std::size_t bytes_max) {
  std::string text = optional_text(name, bytes_max);
  if (text.empty()) {
    missing(name, "a text of 1 to " + std::to_string(bytes_max) + " bytes");
  }
  return text;
}

std::int64_t Form::number(std::string_view name, std::int64_t otherwise, std::int64_t min,
                          std::int64_t max) {
  const Json* member = object_->ask(name);
  if (member == nullptr) {
    return otherwise;
  }
  const bool whole = member->is_number_integer() &&
                     !(member->is_number_unsigned() &&
                       member->get<std::uint64_t>() > static_cast<std::uint64_t>(max));
  const std::int64_t value = whole ? member->get<std::int64_t>() : 0;
  if (!whole || value < min || value > max) {
    wrong(name, "is out of bounds",
          "a whole number from " + std::to_string(min) + " to " + std::to_string(max));
  }
  return value;
}

double Form::rate(std::string_view name, std::optional<double> otherwise, double min, double max) {
  const Json* member = object_->ask(name);
  const std::string expected = "a number from " + Json(min).dump() + " to " + Json(max).dump();
  if (member == nullptr) {
    if (!otherwise) {
      missing(name, expected);
    }
    return otherwise.value_or(min);
  }
  const double value = member->is_number() ? member->get<double>() : min - 1;
  if (!(value >= min && value <= max)) {
    wrong(name, "is out of bounds", expected);
  }
  return value;
}

core::AccountId Form::account(std::string_view name) {
  const Json* member = object_->ask(name);
  if (member == nullptr) {
    missing(name, kAccountForm);
    return {};
  }
  const std::optional<core::AccountId> account =
      member->is_string() ? core::AccountId::parse(member->get_ref<const std::string&>())
                          : std::nullopt;
  if (!account) {
    wrong(name, "is no account id", kAccountForm);
  }
  return account.value_or(core::AccountId());
}

core::ValueDate Form::optional_date(std::string_view name) {
  constexpr std::size_t kDateBytes = 10;
  const std::string text = optional_text(name, kDateBytes);
  const Result<core::ValueDate> date = ctl::date_in(text);
  if (!date) {
    wrong(name, "is no date", "a date, as 2026-11-22");
    return {};
  }
  return *date;
}

std::string Form::choice(std::string_view name, const std::vector<std::string>& words,
                         bool required) {
  std::string expected;
  for (const std::string& word : words) {
    expected += (expected.empty() ? "" : " or ") + word;
  }
  const Json* member = object_->ask(name);
  if (member == nullptr) {
    if (required) {
      missing(name, expected);
    }
    return {};
  }
  if (!member->is_string() ||
      std::find(words.begin(), words.end(), member->get_ref<const std::string&>()) == words.end()) {
    wrong(name, "is none of the words that it can be", expected);
    return {};
  }
  return member->get<std::string>();
}

std::vector<ctl::LetterId> Form::letters(std::string_view name, bool required) {
  const std::string expected = "a list of 1 to " + std::to_string(limits::request_letters_max) +
                               " ids of dead letters, as intake/3@128.0";
  const Json* member = object_->ask(name);
  if (member == nullptr) {
    if (required) {
      missing(name, expected);
    }
    return {};
  }
  if (!member->is_array() || member->empty() || member->size() > limits::request_letters_max) {
    wrong(name, "is no list, or an empty or too long one", expected);
    return {};
  }
  std::vector<ctl::LetterId> ids;
  for (const Json& each : *member) {
    const std::optional<ctl::LetterId> id =
        each.is_string() ? ctl::parse_letter_id(each.get_ref<const std::string&>()) : std::nullopt;
    if (!id) {
      wrong(name,
            "has " + each.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 80) +
                ", which is no id of a dead letter",
            expected);
      return {};
    }
    ids.push_back(*id);
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

core::Money Form::money(std::string_view amount_name, bool required) {
  constexpr std::size_t kAmountBytes = 32;
  const std::string currency_text = text("currency", 3);
  const std::string minor_name = std::string(amount_name) + "_minor";
  const Json* decimal = object_->ask(amount_name);
  const Json* minor = object_->ask(minor_name);
  const std::optional<core::Currency> currency = core::Currency::parse(currency_text);
  if (!currency || !currency->known()) {
    wrong("currency", "is no currency that payments are made in",
          "three capital letters of ISO 4217, as EUR");
    return {};
  }
  const std::string expected = "either " + std::string(amount_name) + ", a text with at most " +
                               std::to_string(currency->minor_digits()) + " decimals, as \"" +
                               core::format_amount({1234, *currency}) + "\"; or " + minor_name +
                               ", a whole number of minor units";
  if (decimal != nullptr && minor != nullptr) {
    wrong(minor_name, "stands beside " + std::string(amount_name), expected);
    return {};
  }
  if (decimal == nullptr && minor == nullptr) {
    if (required) {
      missing(amount_name, expected);
    }
    return {0, *currency};
  }
  std::optional<core::Money> money;
  if (decimal != nullptr && decimal->is_string()) {
    const std::string& digits = decimal->get_ref<const std::string&>();
    money = digits.size() <= kAmountBytes ? core::parse_amount(digits, *currency) : std::nullopt;
  } else if (minor != nullptr) {
    const std::string digits = minor->is_number_integer() ? minor->dump()
                               : minor->is_string()       ? minor->get<std::string>()
                                                          : std::string();
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error == std::errc{} && end == digits.data() + digits.size() && !digits.empty()) {
      money = core::Money{value, *currency};
    }
  }
  if (!money) {
    wrong(decimal != nullptr ? std::string(amount_name) : minor_name, "is no amount", expected);
  }
  return money.value_or(core::Money{0, *currency});
}

Uuid Form::id(std::string_view name) {
  const Json* member = object_->ask(name);
  if (member == nullptr) {
    missing(name, kUuidForm);
    return {};
  }
  Uuid id;
  if (!member->is_string()) {
    wrong(name, "is no UUID", kUuidForm);
  } else if (std::optional<Problem> problem =
                 read_id(member->get_ref<const std::string&>(), name, id)) {
    refuse(std::move(*problem));
  }
  return id;
}

std::optional<Problem> Form::problem() {
  for (const auto& [name, value] : object_->json.items()) {
    if (std::find(object_->asked.begin(), object_->asked.end(), name) == object_->asked.end()) {
      std::string known;
      for (const std::string& each : object_->asked) {
        known += (known.empty() ? "" : ", ") + each;
      }
      refuse({.code = Code::field_unknown,
              .detail = "There is no field " + name + ".",
              .field = name,
              .expected = "one of " + known});
    }
  }
  return problem_;
}

std::optional<Problem> read_id(std::string_view text, std::string_view name, Uuid& id) {
  const std::optional<Uuid> parsed = parse_uuid(text);
  if (!parsed || !parsed->is_v7()) {
    return Problem{.code = Code::idempotency_key_invalid,
                   .detail = std::string(name) + " is no UUID of version 7.",
                   .field = std::string(name),
                   .expected = std::string(kUuidForm)};
  }
  id = *parsed;
  return std::nullopt;
}

std::optional<Problem> read_key(const http::Request& request, Uuid& id) {
  const std::string_view text = http::Request::get(request.headers, "idempotency-key");
  if (text.empty()) {
    return Problem{.code = Code::idempotency_key_missing,
                   .detail =
                       "The header Idempotency-Key is missing: it is the id, made once by "
                       "the client, by which a repeat is known.",
                   .field = "Idempotency-Key",
                   .expected = std::string(kUuidForm)};
  }
  return read_id(text, "Idempotency-Key", id);
}

}  // namespace kpay::gateway
