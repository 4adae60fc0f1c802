#include "config/config.h"

#include "base/check.h"

namespace kpay::config {
namespace {

// The value as a T; the T's zero when the field is unset.
template <class T>
const T& as(const Config::Entry* entry) {
  static const T kUnset{};
  if (entry == nullptr) {
    return kUnset;
  }
  const T* value = std::get_if<T>(&entry->value);
  check(value != nullptr, "a field is read with the type that its schema declares");
  return *value;
}

}  // namespace

const Config::Entry* Config::find(std::string_view path) const {
  const auto at = entries_.find(path);
  return at == entries_.end() ? nullptr : &at->second;
}

bool Config::has(std::string_view path) const { return find(path) != nullptr; }

const std::string& Config::text(std::string_view path) const { return as<std::string>(find(path)); }
std::int64_t Config::integer(std::string_view path) const { return as<std::int64_t>(find(path)); }
bool Config::boolean(std::string_view path) const { return as<bool>(find(path)); }
std::chrono::milliseconds Config::duration(std::string_view path) const {
  return as<std::chrono::milliseconds>(find(path));
}
std::size_t Config::size(std::string_view path) const {
  return static_cast<std::size_t>(as<std::int64_t>(find(path)));
}
const Texts& Config::texts(std::string_view path) const { return as<Texts>(find(path)); }
Address Config::address(std::string_view path) const { return parsed_address(text(path)); }

}  // namespace kpay::config
