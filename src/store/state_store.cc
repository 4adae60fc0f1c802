#include "store/state_store.h"

#include <algorithm>
#include <cstring>

namespace kpay::store {

namespace {

bool key_less(const StoredRow& a, const StoredRow& b) {
  if (a.table != b.table) {
    return a.table < b.table;
  }
  const std::size_t common = std::min(a.key.size(), b.key.size());
  const int order = common == 0 ? 0 : std::memcmp(a.key.data(), b.key.data(), common);
  return order != 0 ? order < 0 : a.key.size() < b.key.size();
}

bool same_key(const StoredRow& a, const StoredRow& b) {
  return a.table == b.table && equal(a.key, b.key);
}

}  // namespace

void sort_rows(std::vector<StoredRow>& rows) {
  std::stable_sort(rows.begin(), rows.end(), key_less);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (kept > 0 && same_key(rows[kept - 1], rows[i])) {
      rows[kept - 1] = rows[i];
    } else {
      rows[kept++] = rows[i];
    }
  }
  rows.resize(kept);
}

}  // namespace kpay::store
