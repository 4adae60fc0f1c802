#include "stream/table.h"

namespace kpay::stream {

Hash128 row_hash(std::uint16_t table, ByteView key, ByteView value) {
  thread_local Bytes buffer;
  buffer.clear();
  ByteWriter out(buffer);
  out.sized(key);
  out.raw(value);
  return hash128(buffer, table + 1U);
}

Hash128 TableBase::row_hash(ByteView key, ByteView value) const {
  return stream::row_hash(number_, key, value);
}

}  // namespace kpay::stream
