// Payment: between a payment as the API writes it and the core's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/commands.h"
#include "core/outcomes.h"
#include "daemons/gateway/form.h"
#include "http/message.h"

namespace kpay::gateway {

/// How a payment ended. `refusal` is "none" exactly when it completed.
struct FinalPayment {
  std::string status;
  std::string refusal;
  core::Money amount;
};

/// Reads from, to, amount, currency, reference and value_date. The transfer's reference is a view
/// into `reference`.
[[nodiscard]] core::Transfer read_transfer(Form& form, const Uuid& id, std::string& reference);

[[nodiscard]] FinalPayment final_payment(const core::PaymentOutcome& outcome);
/// From a row of settle's table; nothing when it is none.
[[nodiscard]] std::optional<FinalPayment> final_payment(const std::string& row);

/// `refusal` may be "none".
[[nodiscard]] std::string payment_json(const core::Transfer& transfer, const std::string& status,
                                       const std::string& refusal);
[[nodiscard]] std::string recent_payment_json(const core::PaymentOutcome& outcome,
                                              Timestamp finished);
/// From a row of settle.payments, intake.ids or settle.rejections.
[[nodiscard]] std::string stored_payment_json(const Uuid& id, const std::string& table,
                                              const std::string& row, std::int64_t as_of_ms);
/// 202, with where its status is.
[[nodiscard]] http::Response accepted_response(const core::Transfer& transfer);

}  // namespace kpay::gateway
