// Keep: writes an auditor's whole state as bytes and reads it again. Each class lists its fields
// once, in keep(), for both ways: what is read is what was written, or nothing.
//
// The bytes are for the same build on the same host; which build's they are, and that they are
// whole, is the file's matter (audit/kept_file.h).
#pragma once

#include <array>
#include <concepts>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "base/uuid.h"
#include "core/ids.h"
#include "core/outcomes.h"
#include "core/sum.h"
#include "stream/frame.h"

namespace kpay::audit {

/// One way or the other. Threads: one. After a read that fails, ok() is false for good.
class Keep {
 public:
  /// Writes to `out`.
  explicit Keep(Bytes& out) : out_(&out) {}
  /// Reads from `in`.
  explicit Keep(ByteView in) : in_(in) {}

  [[nodiscard]] bool reads() const noexcept { return out_ == nullptr; }
  [[nodiscard]] bool ok() const noexcept { return ok_ && in_.ok(); }
  /// Everything was read.
  [[nodiscard]] bool done() const noexcept { return ok_ && in_.done(); }
  void fail() noexcept { ok_ = false; }

  /// The fields, in order.
  template <class... T>
  void operator()(T&... fields) {
    (one(fields), ...);
  }

 private:
  template <class T>
  requires std::is_integral_v<T> || std::is_enum_v<T>
  void one(T& value) {
    if constexpr (std::is_enum_v<T>) {
      auto number = static_cast<std::underlying_type_t<T>>(value);
      one(number);
      value = static_cast<T>(number);
    } else if constexpr (std::same_as<T, bool>) {
      auto number = static_cast<std::uint8_t>(value);
      one(number);
      value = number != 0;
    } else if (reads()) {
      value = in_.get<T>();
    } else {
      ByteWriter(*out_).put(value);
    }
  }
  template <class T>
  requires requires(T& value, Keep& keep) { value.keep(keep); }
  void one(T& value) { value.keep(*this); }

  void one(Bytes& bytes) {
    if (reads()) {
      bytes = to_bytes(in_.sized());
    } else {
      ByteWriter(*out_).sized(bytes);
    }
  }
  void one(std::string& text) {
    if (reads()) {
      text = in_.text();
    } else {
      ByteWriter(*out_).sized(text);
    }
  }
  void one(Uuid& id) {
    for (std::uint8_t& byte : id.bytes) {
      one(byte);
    }
  }
  void one(Timestamp& time) { one(time.ms); }
  void one(Hash128& hash) { (*this)(hash.low, hash.high); }
  void one(core::Sum& sum) {
    std::int64_t high = sum.high();
    std::uint64_t low = sum.low();
    (*this)(high, low);
    sum = core::Sum(high, low);
  }
  void one(core::Tally& tally) { (*this)(tally.count, tally.value); }
  void one(core::Money& money) { (*this)(money.minor, money.currency); }
  void one(core::Currency& currency) {
    std::string text(currency.text());
    one(text);
    const std::optional<core::Currency> parsed = core::Currency::parse(text);
    ok_ = ok_ && parsed.has_value();
    currency = parsed.value_or(core::Currency());
  }
  void one(core::AccountId& id) {
    std::string text(id.text());
    one(text);
    const std::optional<core::AccountId> parsed = core::AccountId::parse(text);
    ok_ = ok_ && (parsed.has_value() || text.empty());
    id = parsed.value_or(core::AccountId());
  }
  template <class Tag, class Rep>
  void one(Named<Tag, Rep>& named) {
    Rep value = named.value();
    one(value);
    named = Named<Tag, Rep>(value);
  }
  void one(core::PaymentOutcome& outcome) {
    (*this)(outcome.payment, outcome.from, outcome.to, outcome.amount, outcome.status,
            outcome.refusal, outcome.opened);
  }
  void one(stream::Sequence& sequence) { (*this)(sequence.last, sequence.hash); }
  void one(stream::SenderId& sender) { (*this)(sender.stage, sender.partition); }

  template <class A, class B>
  void one(std::pair<A, B>& pair) {
    (*this)(pair.first, pair.second);
  }
  template <class T>
  void one(std::optional<T>& value) {
    bool present = value.has_value();
    one(present);
    if (reads()) {
      value = present ? std::optional<T>(T{}) : std::nullopt;
    }
    if (value) {
      one(*value);
    }
  }
  template <class T, std::size_t N>
  void one(std::array<T, N>& values) {
    each(values);
  }
  template <class T, std::size_t N>
  void one(T (&values)[N]) {
    each(values);
  }
  template <class T>
  requires(!std::same_as<T, std::byte>) void one(std::vector<T>& values) { sequence(values); }
  template <class T>
  void one(std::deque<T>& values) {
    sequence(values);
  }
  template <class K, class V>
  void one(std::map<K, V>& values) {
    entries(values);
  }
  template <class K, class V>
  void one(std::unordered_map<K, V>& values) {
    entries(values);
  }
  template <class T>
  void one(std::set<T>& values) {
    std::vector<T> list(values.begin(), values.end());
    sequence(list);
    values = std::set<T>(list.begin(), list.end());
  }

  template <class List>
  void each(List& values) {
    for (auto& value : values) {
      one(value);
    }
  }
  // No more than there are bytes, whatever the bytes say.
  std::size_t counted(std::size_t count) {
    auto number = static_cast<std::uint64_t>(count);
    one(number);
    if (reads() && number > in_.left()) {
      ok_ = false;
      return 0;
    }
    return static_cast<std::size_t>(number);
  }
  template <class List>
  void sequence(List& values) {
    const std::size_t count = counted(values.size());
    if (reads()) {
      values.clear();
      values.resize(count);
    }
    each(values);
  }
  template <class Map>
  void entries(Map& values) {
    const std::size_t count = counted(values.size());
    if (!reads()) {
      for (auto& [key, value] : values) {
        auto copy = key;
        (*this)(copy, value);
      }
      return;
    }
    values.clear();
    for (std::size_t i = 0; i < count && ok(); ++i) {
      std::pair<typename Map::key_type, typename Map::mapped_type> entry;
      (*this)(entry.first, entry.second);
      values.insert(std::move(entry));
    }
  }

  Bytes* out_ = nullptr;
  ByteReader in_{ByteView()};
  bool ok_ = true;
};

}  // namespace kpay::audit
