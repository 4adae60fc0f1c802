// Hops as bytes: a journey has five or six, so each is a handful of small numbers.
#include "query/journey.h"

namespace kpay::query {

namespace {

constexpr std::byte kVersion{1};
constexpr std::size_t kHopsSane = 4096;

void put(Bytes& out, std::uint64_t value) {
  while (value >= 0x80U) {
    out.push_back(static_cast<std::byte>((value & 0x7fU) | 0x80U));
    value >>= 7U;
  }
  out.push_back(static_cast<std::byte>(value));
}

class Reader {
 public:
  explicit Reader(ByteView in) : in_(in) {}

  std::uint64_t get() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (at_ == in_.size()) {
        ok_ = false;
        return 0;
      }
      const auto byte = static_cast<std::uint8_t>(in_[at_++]);
      value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
      if ((byte & 0x80U) == 0) {
        return value;
      }
    }
    ok_ = false;
    return 0;
  }
  audit::Place place() {
    audit::Place place;
    const std::uint64_t topic = get();
    ok_ = ok_ && topic < audit::kEventTopics;
    place.topic = static_cast<audit::Topic>(ok_ ? topic : 0);
    place.partition = static_cast<std::int32_t>(get());
    place.offset = static_cast<std::int64_t>(get());
    place.index = static_cast<std::uint32_t>(get());
    return place;
  }
  [[nodiscard]] bool ok() const noexcept { return ok_; }

 private:
  ByteView in_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

void put(Bytes& out, const audit::Place& place) {
  put(out, audit::number_of(place.topic));
  put(out, static_cast<std::uint64_t>(place.partition));
  put(out, static_cast<std::uint64_t>(place.offset));
  put(out, place.index);
}

void put(Bytes& out, const Hop& hop, std::int64_t since_ms) {
  put(out, static_cast<std::uint64_t>(hop.what));
  put(out, static_cast<std::uint64_t>(hop.says));
  put(out, static_cast<std::uint64_t>(hop.refusal));
  put(out, hop.dead_letter_reason);
  put(out, static_cast<std::uint64_t>(hop.appended_ms - since_ms));
  put(out, hop.place);
  put(out, hop.stage);
  if (hop.stage != 0) {
    put(out, hop.cause);
  }
}

Hop get_hop(Reader& in, std::int64_t since_ms) {
  Hop hop;
  hop.what = static_cast<What>(in.get());
  hop.says = static_cast<Status>(in.get());
  hop.refusal =
      core::refusal_of(static_cast<std::uint32_t>(in.get())).value_or(core::Refusal::none);
  hop.dead_letter_reason = static_cast<std::uint16_t>(in.get());
  hop.appended_ms = since_ms + static_cast<std::int64_t>(in.get());
  hop.place = in.place();
  hop.stage = static_cast<std::uint16_t>(in.get());
  if (hop.stage != 0) {
    hop.cause = in.place();
  }
  return hop;
}

}  // namespace

Bytes encode(const std::vector<Hop>& hops, std::uint64_t more) {
  Bytes out{kVersion};
  // Hops stand in the order of time, so differences are never negative.
  std::int64_t since_ms = hops.empty() ? 0 : hops.front().appended_ms;
  put(out, hops.size());
  put(out, more);
  put(out, static_cast<std::uint64_t>(since_ms));
  for (const Hop& hop : hops) {
    put(out, hop, since_ms);
    since_ms = hop.appended_ms;
  }
  return out;
}

bool decode(ByteView bytes, std::vector<Hop>& hops, std::uint64_t& more) {
  hops.clear();
  if (bytes.empty() || bytes[0] != kVersion) {
    return false;
  }
  Reader in(bytes.subspan(1));
  const std::uint64_t count = in.get();
  more = in.get();
  auto since_ms = static_cast<std::int64_t>(in.get());
  for (std::uint64_t i = 0; i < count && count <= kHopsSane && in.ok(); ++i) {
    hops.push_back(get_hop(in, since_ms));
    since_ms = hops.back().appended_ms;
  }
  return in.ok() && hops.size() == count;
}

}  // namespace kpay::query
