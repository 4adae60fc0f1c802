// Sensitive: a text that must never be seen in a log, a page or a status: it prints as "***".
//
// Move-only, so that copies are deliberate; its bytes are overwritten when it goes.
#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace kpay::telemetry {

class Sensitive {
 public:
  static constexpr std::string_view mask = "***";

  Sensitive() = default;
  explicit Sensitive(std::string text) : text_(std::move(text)) {}
  Sensitive(Sensitive&& other) noexcept : text_(other.text_) { other.wipe(); }
  Sensitive& operator=(Sensitive&& other) noexcept {
    if (this != &other) {
      wipe();
      text_ = other.text_;
      other.wipe();
    }
    return *this;
  }
  Sensitive(const Sensitive&) = delete;
  Sensitive& operator=(const Sensitive&) = delete;
  ~Sensitive() { wipe(); }

  /// The text itself: for the one call that needs it.
  [[nodiscard]] const std::string& reveal() const noexcept { return text_; }
  [[nodiscard]] bool empty() const noexcept { return text_.empty(); }

  friend std::ostream& operator<<(std::ostream& out, const Sensitive& /*text*/) {
    return out << mask;
  }

 private:
  void wipe() noexcept {
    for (volatile char& c : text_) {
      c = 0;
    }
    text_.clear();
  }

  std::string text_;
};

}  // namespace kpay::telemetry
