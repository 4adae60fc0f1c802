// Row I/O: what a row's layout is given to, in order to be written, read, or shown by name.
//
// A layout names the parts of a row once and in order; RowWriter makes bytes of them, RowReader
// takes them back, FieldMaker makes what readers outside see. All integers are little-endian.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "core/rows.h"
#include "stream/table.h"

namespace kpay::stages {

class RowWriter {
 public:
  explicit RowWriter(ByteWriter& out) : out_(&out) {}

  template <class T>
  requires std::is_integral_v<T>
  void operator()(std::string_view, T value) { out_->put(value); }
  template <class T>
  requires std::is_enum_v<T>
  void operator()(std::string_view, T value) {
    out_->put(static_cast<std::underlying_type_t<T>>(value));
  }
  template <class Tag>
  void operator()(std::string_view, const Named<Tag, Uuid>& id) {
    out_->raw(id.value().view());
  }
  void operator()(std::string_view, const Timestamp& time) { out_->put(time.ms); }
  void operator()(std::string_view, const Hash128& hash) { kpay::put(*out_, hash); }
  void operator()(std::string_view, const core::Sum& sum) {
    out_->put(sum.high());
    out_->put(sum.low());
  }
  void operator()(std::string_view, const core::Currency& currency) {
    out_->raw(as_bytes(currency.text()));
  }
  void operator()(std::string_view, const core::Money& money) {
    out_->put(money.minor);
    (*this)({}, money.currency);
  }
  void operator()(std::string_view, const core::Tally& tally) {
    out_->put(tally.count);
    (*this)({}, tally.value);
  }
  void operator()(std::string_view, const core::AccountId& id) {
    out_->put(static_cast<std::uint8_t>(id.text().size()));
    out_->raw(id.view());
  }
  void operator()(std::string_view, const core::RefusalCounts& counts);
  void operator()(std::string_view, const std::array<core::Tally, core::kRefusals.size()>& tallies);
  void operator()(std::string_view, const core::Histogram& histogram);
  void operator()(std::string_view, const std::vector<core::CurrencyWindow>& windows);
  void operator()(std::string_view, const std::vector<core::ExpiryEntry>& entries);

 private:
  ByteWriter* out_;
};

class RowReader {
 public:
  explicit RowReader(ByteView in) : in_(in) {}

  /// True when all bytes were read and all parts were valid.
  [[nodiscard]] bool done() const { return valid_ && in_.done(); }

  template <class T>
  requires std::is_integral_v<T>
  void operator()(std::string_view, T& value) { value = in_.get<T>(); }
  template <class Tag>
  void operator()(std::string_view, Named<Tag, Uuid>& id) {
    id = Named<Tag, Uuid>(uuid());
  }
  void operator()(std::string_view, core::Refusal& refusal);
  void operator()(std::string_view, core::AccountState& state) { number_to(state, 2); }
  void operator()(std::string_view, core::PaymentStatus& status) { number_to(status, 3); }
  void operator()(std::string_view, core::CommandStatus& status) { number_to(status, 3); }
  void operator()(std::string_view, core::CommandKind& kind) { number_to(kind, 3); }
  void operator()(std::string_view, Timestamp& time) { time.ms = in_.get<std::int64_t>(); }
  void operator()(std::string_view, Hash128& hash) { hash = get_hash128(in_); }
  void operator()(std::string_view, core::Sum& sum);
  void operator()(std::string_view, core::Currency& currency);
  void operator()(std::string_view, core::Money& money);
  void operator()(std::string_view, core::Tally& tally);
  void operator()(std::string_view, core::AccountId& id);
  void operator()(std::string_view, core::RefusalCounts& counts);
  void operator()(std::string_view, std::array<core::Tally, core::kRefusals.size()>& tallies);
  void operator()(std::string_view, core::Histogram& histogram);
  void operator()(std::string_view, std::vector<core::CurrencyWindow>& windows);
  void operator()(std::string_view, std::vector<core::ExpiryEntry>& entries);

 private:
  // The closed range 1 to `last`.
  template <class Enum>
  void number_to(Enum& value, std::uint8_t last) {
    const auto number = in_.get<std::uint8_t>();
    valid_ = valid_ && number >= 1 && number <= last;
    value = static_cast<Enum>(number);
  }
  [[nodiscard]] Uuid uuid();
  // A count of parts that take at least `size` bytes each; 0 and invalid if they can't be there.
  [[nodiscard]] std::size_t count_of(std::size_t size);

  ByteReader in_;
  bool valid_ = true;
};

/// Amounts are whole minor units: a number while it fits in 64 bits, decimal text beyond.
class FieldMaker {
 public:
  [[nodiscard]] stream::Fields take() { return std::move(fields_); }

  template <class T>
  requires std::is_integral_v<T>
  void operator()(std::string_view name, T value) {
    if constexpr (std::is_signed_v<T>) {
      add(name, static_cast<std::int64_t>(value));
    } else {
      add(name, static_cast<std::uint64_t>(value));
    }
  }
  template <class T>
  requires std::is_enum_v<T>
  void operator()(std::string_view name, T value) { add(name, std::string(to_string(value))); }
  template <class Tag>
  void operator()(std::string_view name, const Named<Tag, Uuid>& id) {
    add(name, to_string(id.value()));
  }
  void operator()(std::string_view name, core::AccountState state) {
    add(name, std::string(state == core::AccountState::open ? "open" : "closed"));
  }
  void operator()(std::string_view name, const Timestamp& time) {
    add(std::string(name) + "_ms", time.ms);
  }
  void operator()(std::string_view name, const Hash128& hash) { add(name, to_string(hash)); }
  void operator()(std::string_view name, const core::Sum& sum);
  void operator()(std::string_view name, const core::Currency& currency) {
    add(name, std::string(currency.text()));
  }
  void operator()(std::string_view name, const core::Money& money);
  void operator()(std::string_view name, const core::Tally& tally);
  void operator()(std::string_view name, const core::AccountId& id) {
    add(name, std::string(id.text()));
  }
  void operator()(std::string_view name, const core::RefusalCounts& counts);
  void operator()(std::string_view name,
                  const std::array<core::Tally, core::kRefusals.size()>& tallies);
  void operator()(std::string_view name, const core::Histogram& histogram);
  void operator()(std::string_view name, const std::vector<core::CurrencyWindow>& windows);
  void operator()(std::string_view name, const std::vector<core::ExpiryEntry>& entries);

 private:
  template <class T>
  void add(std::string_view name, T value) {
    fields_.push_back({std::string(name), std::move(value)});
  }

  stream::Fields fields_;
};

}  // namespace kpay::stages
