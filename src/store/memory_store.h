// MemoryStore: a StateStore without a disk, for tests and for runs that keep nothing.
#pragma once

#include <map>
#include <utility>

#include "store/state_store.h"

namespace kpay::store {

class MemoryStore final : public StateStore {
 public:
  Result<std::optional<Bytes>> marker() override;
  Result<void> load(const std::function<Result<void>(const StoredRow&)>& sink) override;
  Result<void> commit(std::vector<StoredRow>& rows, ByteView marker, bool replace) override;
  Result<std::vector<KeyValue>> range(std::uint16_t table, ByteView from, ByteView to,
                                      std::size_t limit) override;
  Result<void> set_aside(const std::string& why) override;

  /// Lets the next `count` commits fail with "disk full".
  void fail_commits(int count) { failing_ = count; }
  [[nodiscard]] int times_set_aside() const noexcept { return set_aside_; }
  /// Flips a bit of some row, as a bad disk would. False when there is no row.
  bool corrupt_one_row();

 private:
  std::map<std::pair<std::uint16_t, Bytes>, Bytes> rows_;
  std::optional<Bytes> marker_;
  int failing_ = 0;
  int set_aside_ = 0;
};

}  // namespace kpay::store
