// ExpiryTables: the queue of remembered ids, oldest first, that a stage forgets from (R12).
//
// Two tables: "expiry" holds chunks of ids by number, "expiry_ends" one row with the numbers in
// use. Each event and each tick forgets a bounded number of chunks.
#pragma once

#include <cstddef>

#include "base/check.h"
#include "core/expiry.h"
#include "core/limits.h"
#include "stages/codecs.h"

namespace kpay::stages {

class ExpiryTables {
 public:
  [[nodiscard]] stream::TableBase& chunks() noexcept { return chunks_; }
  [[nodiscard]] stream::TableBase& ends() noexcept { return ends_; }

  void remember(const core::ExpiryEntry& entry, Timestamp now) {
    core::ExpiryEnds ends = read_ends();
    const core::ExpiryChunk* youngest =
        ends.head < ends.tail ? chunks_.find(ends.tail - 1) : nullptr;
    if (youngest == nullptr || !core::takes_more(*youngest, now)) {
      chunks_.insert(ends.tail, core::ExpiryChunk{});
      ++ends.tail;
      ends_.put(kOnly, ends);
    }
    core::append(chunks_.change(ends.tail - 1), entry, now);
  }

  /// Gives each entry that is due to `forget`, of at most `chunks_max` chunks.
  template <class Forget>
  void sweep(Timestamp now, std::size_t chunks_max, Forget&& forget) {
    core::ExpiryEnds ends = read_ends();
    const std::uint64_t head = ends.head;
    for (std::size_t i = 0; i < chunks_max && ends.head < ends.tail; ++i) {
      const core::ExpiryChunk* oldest = chunks_.find(ends.head);
      check(oldest != nullptr, "a chunk that is in use exists");
      if (!core::is_due(*oldest, now)) {
        break;
      }
      for (const core::ExpiryEntry& entry : oldest->entries) {
        forget(entry);
      }
      chunks_.erase(ends.head);
      ++ends.head;
    }
    if (ends.head != head) {
      ends_.put(kOnly, ends);
    }
  }

 private:
  static constexpr std::uint64_t kOnly = 0;

  [[nodiscard]] core::ExpiryEnds read_ends() const {
    const core::ExpiryEnds* row = ends_.find(kOnly);
    return row != nullptr ? *row : core::ExpiryEnds{};
  }

  TableOf<NumberKey, core::ExpiryChunk> chunks_{"expiry"};
  TableOf<NumberKey, core::ExpiryEnds> ends_{"expiry_ends"};
};

/// Erases the row of `id`, if the table has one.
template <class Row, class Codec>
void forget(stream::Table<Uuid, Row, Codec>& table, const Uuid& id) {
  if (table.find(id) != nullptr) {
    table.erase(id);
  }
}

}  // namespace kpay::stages
