// Batch: what a witness saw, copied, until the index has written it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "audit/entry.h"
#include "audit/places.h"
#include "base/bytes.h"
#include "core/sum.h"

namespace kpay::query {

struct Item {
  enum class Kind : std::uint8_t { command, event, result, posted, carried, opened };

  Kind kind = Kind::command;
  audit::EntryKind entry{};  ///< of a posting
  audit::Place place;
  audit::Cause cause{};  ///< of an event
  Timestamp appended{};
  Timestamp time{};  ///< event time
  Uuid id{};         ///< the event's subject, or the posting's payment or command
  core::AccountId account{};
  core::Currency currency{};
  std::int64_t delta = 0;
  core::Sum balance{};
  std::size_t begin = 0;  ///< of its payload, in Batch::bytes
  std::size_t size = 0;
};

struct Batch {
  std::vector<Item> items;
  Bytes bytes;
  /// The next offset of every partition that the auditor will read; of a batch that ends there.
  std::optional<audit::Offsets> cut;
  std::int64_t as_of_ms = 0;  ///< with this batch, everything is in that stood in the log then

  [[nodiscard]] ByteView payload(const Item& item) const {
    return ByteView(bytes).subspan(item.begin, item.size);
  }
};

/// What an open marker says of a task's owner: the payload of an `opened`.
struct Owner {
  std::string instance;
  std::string build;
  std::uint32_t logic_version = 0;
  std::string rules_hash;
};

}  // namespace kpay::query
