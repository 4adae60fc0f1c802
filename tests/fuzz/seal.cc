#include "fuzz/seal.h"

#include "base/hash.h"
#include "stream/frame.h"

namespace kpay::fuzz {

namespace {

bool wants_seal(ByteView input) {
  return !input.empty() && (input.front() & std::byte{1}) != std::byte{0};
}

Bytes rest_of(ByteView input) { return input.empty() ? Bytes{} : to_bytes(input.subspan(1)); }

void seal_at(Bytes& record, std::size_t at) {
  ByteWriter(record).put_at(at, checksum64(ByteView(record).first(at)));
}

}  // namespace

Bytes sealed_record(ByteView input) {
  Bytes record = rest_of(input);
  if (wants_seal(input) && record.size() >= sizeof(std::uint64_t)) {
    seal_at(record, record.size() - sizeof(std::uint64_t));
  }
  return record;
}

Bytes sealed_frame(ByteView input) {
  Bytes record = rest_of(input);
  if (!wants_seal(input) || record.size() < stream::kFrameHeaderBytes) {
    return record;
  }
  const auto count = ByteReader(ByteView(record).subspan(4)).get<std::uint32_t>();
  const std::size_t at = stream::kFrameHeaderBytes + std::size_t{count} * stream::kEventHeaderBytes;
  if (at + stream::kFrameChecksumBytes <= record.size()) {
    seal_at(record, at);
  }
  return record;
}

}  // namespace kpay::fuzz
