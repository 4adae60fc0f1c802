#include <limits>

#include "base/check.h"
#include "fuzz/seal.h"
#include "fuzz/target.h"
#include "stream/frame.h"

namespace kpay::fuzz {

namespace {

bool is_within(ByteView part, ByteView whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

// The same events, put together by who writes frames.
Bytes built_again(const stream::Frame& frame) {
  stream::FrameBuilder builder;
  stream::Sequence sequence{frame.first - 1, frame.before};
  for (const stream::Frame::Item& item : frame.events) {
    builder.add(item.header, item.payload, sequence);
  }
  check(sequence.last == frame.last(), "the last number is that of the last event");
  return builder.cut(frame.lineage, frame.sender, frame.cause_topic, frame.cause_partition);
}

}  // namespace

void run_frame(ByteView input) {
  static stream::Frame frame;
  const Bytes record = sealed_frame(input);
  if (!stream::read_frame(record, frame)) {
    return;
  }
  check(stream::is_runtime_record(record) && !stream::is_tick(record), "a frame is no tick");
  check(!frame.events.empty() && frame.first >= 1, "a frame has events, numbered from 1");
  check(frame.events.size() - 1 <= std::numeric_limits<std::uint64_t>::max() - frame.first,
        "the numbers of a frame don't wrap");
  check(frame.events.size() <= record.size() / stream::kEventHeaderBytes,
        "a frame has no more events than bytes for them");
  for (const stream::Frame::Item& item : frame.events) {
    check(is_within(item.payload, record) && is_within(item.header_bytes, record),
          "views of a frame are within its record");
  }
  check(built_again(frame) == record, "a frame that was read has the bytes that are written");
}

}  // namespace kpay::fuzz
