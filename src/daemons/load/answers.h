// AnswerReader: reads what became of commands: public results, and outcomes for those that have
// no result (account commands and rejections).
//
// It wakes when the brokers send something; nothing is polled by the clock. Repeats after a
// daemon's crash have numbers that were seen before, and are dropped.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "core/outcomes.h"
#include "daemons/tool/connection.h"
#include "daemons/tool/sweep.h"
#include "stream/frame.h"
#include "wire/codec.h"

namespace kpay::load {

/// The first offset to read of each partition; a topic without offsets is not read.
struct AnswerOffsets {
  std::vector<std::int64_t> confirmed{};
  std::vector<std::int64_t> failed{};
  std::vector<std::int64_t> complete{};
  /// If given, where payments.complete ends: the first offsets that are not read.
  std::vector<std::int64_t> complete_ends{};
};

struct AnswerTakers {
  std::function<void(const core::PaymentResult&)> result;
  std::function<void(const core::Outcome&)> outcome;
};

/// Threads: one.
class AnswerReader {
 public:
  /// Take the offsets BEFORE the first command is sent.
  static Result<std::unique_ptr<AnswerReader>> open(const tool::Reached& reached,
                                                    const AnswerOffsets& from, AnswerTakers takers);

  /// Gives what is there to the takers; waits up to `wait_ms` when nothing is. Returns the number
  /// of records. Errors: not_found (an offset that is gone).
  Result<std::size_t> poll(int wait_ms);
  /// polls until all topics, which need ends, are read to them. Errors: unavailable (brokers that
  /// give nothing), and poll's.
  Result<void> run();
  /// Records that are no answers: from a later version, or from somebody who may not write there.
  [[nodiscard]] std::uint64_t unreadable() const noexcept { return unreadable_; }

 private:
  // Of one partition: repeats are told by the highest number seen, by sender.
  using Seen = std::map<stream::SenderId, std::uint64_t>;

  AnswerReader() = default;
  void take(std::size_t part, const stream::LogRecord& record);
  void take_result(Seen& all, ByteView value);
  void take_frame(Seen& all, ByteView value);

  AnswerTakers takers_;
  std::unique_ptr<tool::Sweep> sweep_;
  std::vector<Seen> seen_;
  std::size_t first_frame_part_ = 0;  // the parts from here on are payments.complete's
  stream::Frame frame_;
  wire::ResultCodec results_;
  wire::OutcomeCodec outcomes_;
  core::PaymentResult result_;
  core::Outcome outcome_;
  std::uint64_t unreadable_ = 0;
};

}  // namespace kpay::load
