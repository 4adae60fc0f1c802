// What the query side found, as JSON.
#pragma once

#include "http/json.h"
#include "query/feeder.h"
#include "query/reader.h"

namespace kpay::journal {

/// Begins an answer: when it is of, since when rows are kept, and whose it is.
[[nodiscard]] http::JsonObject begin_answer(const query::Progress& progress,
                                            const std::string& instance);
[[nodiscard]] std::string payment_json(const query::Journey& payment);
[[nodiscard]] std::string posting_json(const query::Posting& posting);
/// Adds the members of a journey: the payment, and its hops.
void add_journey(http::JsonObject& json, const query::Told& told);
/// `minor` as digits, and as decimal text of its currency.
void add_amount(http::JsonObject& json, const std::string& name, const std::string& minor,
                core::Currency currency);

}  // namespace kpay::journal
