#include "core/commands.h"

#include <array>
#include <cstring>

#include "base/check.h"

namespace kpay::core {

namespace {

template <class... Fs>
struct Overload : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overload(Fs...) -> Overload<Fs...>;

// Writes content into a fixed buffer, so that hashing it allocates nothing.
class Content {
 public:
  void put(const void* data, std::size_t size) noexcept {
    check(at_ + size <= bytes_.size(), "a command's content fits its buffer");
    std::memcpy(bytes_.data() + at_, data, size);
    at_ += size;
  }
  void put(const AccountId& id) noexcept { put(&id, sizeof id); }
  void put(const Money& money) noexcept {
    put(&money.minor, sizeof money.minor);
    put(money.currency.text().data(), money.currency.text().size());
  }
  [[nodiscard]] Hash128 hash() const noexcept { return hash128(ByteView(bytes_.data(), at_)); }

 private:
  std::array<std::byte, 160> bytes_{};
  std::size_t at_ = 0;
};

}  // namespace

ByteView key_of(const Command& command) noexcept {
  return std::visit(
      Overload{[](const SubmitPayment& c) { return c.transfer.payment.value().view(); },
               [](const auto& c) { return c.account.view(); }},
      command);
}

const Uuid& id_of(const Command& command) noexcept {
  return std::visit(
      Overload{[](const SubmitPayment& c) -> const Uuid& { return c.transfer.payment.value(); },
               [](const auto& c) -> const Uuid& { return c.command.value(); }},
      command);
}

Hash128 content_hash(const Command& command) noexcept {
  Content content;
  const auto kind = static_cast<std::uint8_t>(command.index() + 1U);
  content.put(&kind, sizeof kind);
  std::visit(Overload{[&](const SubmitPayment& c) {
                        content.put(c.transfer.from);
                        content.put(c.transfer.to);
                        content.put(c.transfer.amount);
                        const std::int32_t date = c.transfer.value_date.value();
                        content.put(&date, sizeof date);
                        const Hash128 reference = hash128(as_bytes(c.transfer.reference));
                        content.put(&reference, sizeof reference);
                      },
                      [&](const OpenAccount& c) {
                        content.put(c.account);
                        content.put(c.opening);
                      },
                      [&](const Deposit& c) {
                        content.put(c.account);
                        content.put(c.amount);
                      },
                      [&](const CloseAccount& c) { content.put(c.account); }},
             command);
  return content.hash();
}

}  // namespace kpay::core
