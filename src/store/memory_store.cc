#include "store/memory_store.h"

namespace kpay::store {

Result<std::optional<Bytes>> MemoryStore::marker() { return marker_; }

Result<void> MemoryStore::load(const std::function<Result<void>(const StoredRow&)>& sink) {
  for (const auto& [place, value] : rows_) {
    if (Result<void> taken = sink({place.first, place.second, ByteView(value)}); !taken) {
      return taken;
    }
  }
  return {};
}

Result<void> MemoryStore::commit(std::vector<StoredRow>& rows, ByteView marker, bool replace) {
  if (failing_ > 0) {
    --failing_;
    return Unexpected(ErrorCode::io, "disk full");
  }
  sort_rows(rows);
  if (replace) {
    rows_.clear();
  }
  for (const StoredRow& row : rows) {
    if (row.value) {
      rows_[{row.table, to_bytes(row.key)}] = to_bytes(*row.value);
    } else {
      rows_.erase({row.table, to_bytes(row.key)});
    }
  }
  marker_ = to_bytes(marker);
  return {};
}

Result<std::vector<KeyValue>> MemoryStore::range(std::uint16_t table, ByteView from, ByteView to,
                                                 std::size_t limit) {
  std::vector<KeyValue> found;
  const Bytes last = to_bytes(to);
  for (auto at = rows_.lower_bound({table, to_bytes(from)});
       at != rows_.end() && at->first.first == table && found.size() < limit; ++at) {
    if (!last.empty() && at->first.second >= last) {
      break;
    }
    found.push_back({at->first.second, at->second});
  }
  return found;
}

Result<void> MemoryStore::set_aside(const std::string& why) {
  (void)why;
  ++set_aside_;
  rows_.clear();
  marker_.reset();
  return {};
}

bool MemoryStore::corrupt_one_row() {
  if (rows_.empty() || rows_.begin()->second.empty()) {
    return false;
  }
  rows_.begin()->second.back() ^= std::byte{1};
  return true;
}

}  // namespace kpay::store
