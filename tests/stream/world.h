// What the stream tests share: options without ticks, frames made by hand, small look-ups.
#pragma once

#include <string>
#include <vector>

#include "stream/frame.h"
#include "support/test_driver.h"
#include "support/toy_stages.h"

namespace kpay::test {

inline constexpr std::int64_t kNever = 1LL << 40U;

/// Both toy stages; no ticks unless a test wants them.
inline TestDriver::Options world(std::int32_t partitions = 1) {
  TestDriver::Options options;
  options.specs = {source_spec(), adder_spec()};
  options.partitions = partitions;
  options.task.tick_after_ms = kNever;
  return options;
}

/// A sender of frames that a test plays itself.
struct Sender {
  Uuid lineage;
  stream::SenderId id{kSource, 0};
  stream::Sequence sequence{};

  /// A frame of these events; the sequence moves on.
  Bytes frame(const std::vector<std::string>& texts, Timestamp time = {1'700'000'001'000}) {
    stream::FrameBuilder builder;
    for (const std::string& text : texts) {
      stream::EventHeader header;
      header.payload_bytes = static_cast<std::uint32_t>(text.size());
      header.cause_offset = static_cast<std::int64_t>(sequence.last);
      header.time = time;
      builder.add(header, as_bytes(text), sequence);
    }
    return builder.cut(lineage, id, {}, id.partition);
  }
};

inline Sender sender_of(const TestDriver& driver, std::int32_t partition = 0) {
  return {driver.genesis("adder").identity.lineage, {kSource, partition}, {}};
}

/// The sum that the toy stage keeps under a name; 0 without a row.
inline std::int64_t sum_of(const stream::Task& task, const std::string& name) {
  const std::optional<Bytes> row = task.tables()[0]->get(as_bytes(name));
  return row ? TallyCodec::decode(*row)->sum : 0;
}

/// What tasks answered to operators' records, in order.
inline std::vector<stream::OperatorAnswer> answers(const TestDriver& driver) {
  std::vector<stream::OperatorAnswer> found;
  for (const Received& event : driver.received("ops.dlq").events) {
    if (auto answer = stream::decode_operator_answer(as_bytes(event.text))) {
      found.push_back(std::move(*answer));
    }
  }
  return found;
}

/// All dead letters on ops.dlq, in order.
inline std::vector<stream::DeadLetter> dead_letters(const TestDriver& driver) {
  std::vector<stream::DeadLetter> letters;
  for (const Received& event : driver.received("ops.dlq").events) {
    if (auto letter = stream::decode_dead_letter(as_bytes(event.text))) {
      letters.push_back(std::move(*letter));
    }
  }
  return letters;
}

}  // namespace kpay::test
