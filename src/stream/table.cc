#include "stream/table.h"

namespace kpay::stream {

Hash128 TableBase::row_hash(ByteView key, ByteView value) const {
  thread_local Bytes buffer;
  buffer.clear();
  ByteWriter out(buffer);
  out.sized(key);
  out.raw(value);
  return hash128(buffer, number_ + 1U);
}

}  // namespace kpay::stream
