// Fields of messages, read into types of the core and written from them. Private to wire.
//
// Readers give false when a field is missing or ill-formed.
#pragma once

#include <string>
#include <string_view>

#include "core/commands.h"
#include "core/legs.h"
#include "core/limits.h"
#include "kpay/v1/transfer.pb.h"

namespace kpay::wire {

inline std::string_view bytes_of(const Uuid& id) {
  return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}

template <class Id>
[[nodiscard]] bool read_id(const std::string& field, Id& out) {
  const std::optional<Uuid> id = uuid_from_bytes(as_bytes(field));
  out = Id(id.value_or(Uuid{}));
  return id.has_value();
}

[[nodiscard]] inline bool read_account(const std::string& field, core::AccountId& out) {
  const std::optional<core::AccountId> id = core::AccountId::parse(field);
  out = id.value_or(core::AccountId{});
  return id.has_value();
}

[[nodiscard]] inline bool read_money(std::int64_t minor, const std::string& currency,
                                     core::Money& out) {
  const std::optional<core::Currency> parsed = core::Currency::parse(currency);
  out = {minor, parsed.value_or(core::Currency{})};
  return parsed.has_value();
}

template <class Message>
void set_id(Message& message, const core::CommandId& id) {
  const std::string_view bytes = bytes_of(id.value());
  message.set_command_id(bytes.data(), bytes.size());
}
template <class Message>
void set_id(Message& message, const core::PaymentId& id) {
  const std::string_view bytes = bytes_of(id.value());
  message.set_payment_id(bytes.data(), bytes.size());
}

inline void set_text(std::string& field, std::string_view text) {
  field.assign(text.data(), text.size());
}

[[nodiscard]] bool read(const v1::Transfer& in, core::Transfer& out);
[[nodiscard]] bool read(const v1::OpenAccount& in, core::OpenAccount& out);
[[nodiscard]] bool read(const v1::Deposit& in, core::Deposit& out);
[[nodiscard]] bool read(const v1::CloseAccount& in, core::CloseAccount& out);

void write(const core::Transfer& in, v1::Transfer& out);
void write(const core::OpenAccount& in, v1::OpenAccount& out);
void write(const core::Deposit& in, v1::Deposit& out);
void write(const core::CloseAccount& in, v1::CloseAccount& out);

/// A transfer as a leg may carry it: intake lets no other pass.
[[nodiscard]] bool is_legal_leg(const core::Transfer& transfer);

}  // namespace kpay::wire
