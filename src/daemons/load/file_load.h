// FileLoad: what became of the payments of one file: which are sent, and how they ended.
//
// A line with an id that an earlier line had with other content is sent, too: kpay rejects it, and
// that rejection is its answer. With the same content it is the same payment, and gets no answer
// of its own.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>

#include "base/hash.h"
#include "core/commands.h"
#include "core/outcomes.h"

namespace kpay::load {

/// Threads: one.
class FileLoad {
 public:
  /// Call it BEFORE the payment is sent.
  void add(const core::SubmitPayment& payment);
  void take(const core::PaymentResult& result);
  void take(const core::Outcome& outcome);

  /// Answers that have to come, and that have come.
  [[nodiscard]] std::uint64_t expected() const noexcept { return expected_; }
  [[nodiscard]] std::uint64_t finished() const noexcept { return finished_; }
  [[nodiscard]] std::uint64_t unanswered() const noexcept { return expected_ - finished_; }
  [[nodiscard]] std::uint64_t repeated() const noexcept { return repeated_; }
  [[nodiscard]] std::uint64_t confirmed() const noexcept { return confirmed_; }
  /// By refusal.
  [[nodiscard]] const std::map<std::string, std::uint64_t>& failed() const noexcept {
    return failed_;
  }
  [[nodiscard]] const std::map<std::string, std::uint64_t>& rejected() const noexcept {
    return rejected_;
  }

 private:
  struct Entry {
    Hash128 content;             ///< of the first line with that id
    std::uint32_t expected = 1;  ///< one, and one more for each line with other content
    std::uint32_t rejections = 0;
    bool has_result = false;

    [[nodiscard]] std::uint64_t finished() const noexcept {
      return std::min<std::uint64_t>(expected, rejections + (has_result ? 1U : 0U));
    }
  };

  std::unordered_map<Uuid, Entry> entries_;
  std::uint64_t expected_ = 0;
  std::uint64_t finished_ = 0;
  std::uint64_t repeated_ = 0;
  std::uint64_t confirmed_ = 0;
  std::map<std::string, std::uint64_t> failed_;
  std::map<std::string, std::uint64_t> rejected_;
};

}  // namespace kpay::load
