#include "daemons/gateway/account.h"

#include <nlohmann/json.hpp>

#include "daemons/ctl/amounts.h"
#include "daemons/ctl/books_table.h"
#include "http/json.h"

namespace kpay::gateway {

namespace {

using Json = nlohmann::json;

// A whole number, or decimal text where 64 bits are too few.
std::string digits(const Json& row, const char* name) {
  const auto found = row.find(name);
  if (found == row.end() || !(found->is_string() || found->is_number_integer())) {
    return "0";
  }
  return to_string(
      ctl::sum_of_digits(found->is_string() ? found->get<std::string>() : found->dump()));
}

std::string text_in(const Json& row, const char* name) {
  const auto found = row.find(name);
  return found != row.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

std::string account_json(const std::string& id, const std::string& text,
                         std::optional<std::int64_t> as_of_ms) {
  const Json row = Json::parse(text, nullptr, false);
  const std::string currency = text_in(row, "currency");
  http::JsonObject json;
  json.add("account", id).add("currency", currency).add("state", text_in(row, "state"));
  for (const char* name : {"balance", "opening", "deposits"}) {
    const std::string minor = digits(row, (std::string(name) + "_minor").c_str());
    json.add(name, ctl::amount_text(minor, currency)).add(std::string(name) + "_minor", minor);
  }
  json.add_json("postings", digits(row, "version"));
  if (as_of_ms) {
    json.add("as_of_ms", *as_of_ms);
  }
  return json.finish();
}

}  // namespace kpay::gateway
