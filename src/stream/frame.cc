#include "stream/frame.h"

#include <array>
#include <limits>

#include "base/check.h"
#include "base/plant.h"

namespace kpay::stream {

namespace {

constexpr std::array<std::byte, 4> kFrameMagic{std::byte{'K'}, std::byte{'F'}, std::byte{1},
                                               std::byte{0}};
constexpr std::array<std::byte, 4> kTickMagic{std::byte{'K'}, std::byte{'T'}, std::byte{1},
                                              std::byte{0}};

Uuid get_uuid(ByteReader& in) { return uuid_from_bytes(in.raw(16)).value_or(Uuid{}); }

EventHeader get_event_header(ByteReader& in) {
  EventHeader header;
  header.payload_bytes = in.get<std::uint32_t>();
  header.cause_index = in.get<std::uint32_t>();
  header.cause_offset = in.get<std::int64_t>();
  header.time.ms = in.get<std::int64_t>();
  header.subject = get_uuid(in);
  return header;
}

}  // namespace

Hash128 chain_event(const Hash128& before, ByteView event_header, ByteView payload) noexcept {
  return chain(chain(before, event_header), payload);
}

void FrameBuilder::add(const EventHeader& header, ByteView payload, Sequence& sequence) {
  check(header.payload_bytes == payload.size(), "an event's header tells its payload's length");
  if (count_ == 0) {
    before_ = sequence;
  }
  const std::size_t at = headers_.size();
  ByteWriter out(headers_);
  out.put(header.payload_bytes);
  out.put(header.cause_index);
  out.put(header.cause_offset);
  out.put(header.time.ms);
  out.raw(header.subject.view());
  payloads_.insert(payloads_.end(), payload.begin(), payload.end());
  ++count_;
  sequence.last += KPAY_PLANT(number_skipped) && sequence.last % 50 == 49 ? 2 : 1;
  sequence.hash = chain_event(sequence.hash, ByteView(headers_).subspan(at), payload);
}

void FrameBuilder::clear() noexcept {
  count_ = 0;
  headers_.clear();
  payloads_.clear();
}

Bytes FrameBuilder::cut(const Uuid& lineage, SenderId sender, const Uuid& cause_topic,
                        std::int32_t cause_partition) {
  check(count_ > 0, "a frame holds at least one event");
  Bytes frame;
  frame.reserve(bytes());
  ByteWriter out(frame);
  out.raw(kFrameMagic);
  out.put(count_);
  out.raw(lineage.view());
  out.put(sender.stage);
  out.put(std::uint16_t{0});
  out.put(sender.partition);
  out.put(before_.last + (KPAY_PLANT(frame_numbered_from_its_end) ? count_ : 1U));
  put(out, before_.hash);
  out.raw(cause_topic.view());
  out.put(cause_partition);
  out.put(std::uint32_t{0});
  check(out.size() == kFrameHeaderBytes, "the frame header has its documented size");
  out.raw(headers_);
  out.put(checksum64(frame));
  out.raw(payloads_);
  clear();
  return frame;
}

bool read_frame(ByteView record, Frame& frame) {
  frame.events.clear();
  ByteReader in(record);
  if (!equal(in.raw(4), kFrameMagic)) {
    return false;
  }
  const auto count = in.get<std::uint32_t>();
  frame.lineage = get_uuid(in);
  frame.sender.stage = in.get<std::uint16_t>();
  std::uint32_t reserved = in.get<std::uint16_t>();
  frame.sender.partition = in.get<std::int32_t>();
  frame.first = in.get<std::uint64_t>();
  frame.before = get_hash128(in);
  frame.cause_topic = get_uuid(in);
  frame.cause_partition = in.get<std::int32_t>();
  reserved |= in.get<std::uint32_t>();
  if (!in.ok() || reserved != 0 || count == 0 || count > in.left() / kEventHeaderBytes) {
    return false;
  }
  if (frame.first == 0 || count - 1 > std::numeric_limits<std::uint64_t>::max() - frame.first) {
    return false;
  }
  std::uint64_t payload_bytes = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const ByteView bytes = in.raw(kEventHeaderBytes);
    ByteReader header(bytes);
    frame.events.push_back({get_event_header(header), bytes, {}});
    payload_bytes += frame.events.back().header.payload_bytes;
  }
  const std::size_t headers_end = in.at();
  const auto checksum = in.get<std::uint64_t>();
  if (!in.ok() || checksum != checksum64(record.first(headers_end)) || payload_bytes != in.left()) {
    return false;
  }
  for (Frame::Item& item : frame.events) {
    item.payload = in.raw(item.header.payload_bytes);
  }
  return true;
}

Bytes make_tick() { return {kTickMagic.begin(), kTickMagic.end()}; }

bool is_tick(ByteView record) noexcept { return equal(record, kTickMagic); }

}  // namespace kpay::stream
