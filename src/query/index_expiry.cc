// Index: what is older than the horizon is deleted, some of it with each transaction.
#include "query/index.h"
#include "query/limits.h"

namespace kpay::query {

Result<void> Index::expire_one(const Old& old, std::int64_t horizon_ms) {
  for (const std::string_view account : {std::string_view(old.from), std::string_view(old.to)}) {
    if (account.empty()) {
      continue;
    }
    Result<void> done =
        drop_touch_.bind(1, account).bind(2, old.accepted_ms).bind(3, old.id.view()).run();
    done = done ? drop_postings_.bind(1, account).bind(2, horizon_ms).run() : done;
    if (!done) {
      return done;
    }
  }
  open_.erase(old.id);
  ++counts_.expired;
  return drop_journey_.bind(1, old.id.view()).run();
}

Result<std::vector<Index::Old>> Index::old(std::int64_t kind, std::int64_t horizon_ms,
                                           std::int64_t count) {
  std::vector<Old> found;
  old_.bind(1, kind).bind(2, horizon_ms).bind(3, count);
  Result<bool> row = old_.step();
  for (; row && *row; row = old_.step()) {
    found.push_back({uuid_from_bytes(old_.blob(0)).value_or(Uuid{}), std::string(old_.text(1)),
                     std::string(old_.text(2)), old_.number(3)});
  }
  return row ? Result<std::vector<Old>>(std::move(found)) : Unexpected(row.error());
}

// What has not ended stays, however old it is.
Result<void> Index::expire(std::size_t batches) {
  const std::int64_t horizon_ms = as_of_ms_ - options_.keep_ms;
  if (options_.keep_ms == 0 || horizon_ms <= kept_from_ms_) {
    return {};
  }
  const std::uint64_t before = counts_.expired;
  std::int64_t left = limits::expired_per_batch * static_cast<std::int64_t>(batches);
  for (const Kind kind : {Kind::payment, Kind::opening, Kind::deposit, Kind::closing}) {
    Result<std::vector<Old>> found = old(static_cast<std::int64_t>(kind), horizon_ms, left);
    if (!found) {
      return Unexpected(found.error());
    }
    for (const Old& each : *found) {
      if (Result<void> done = expire_one(each, horizon_ms); !done) {
        return done;
      }
    }
    left -= static_cast<std::int64_t>(found->size());
  }
  if (counts_.expired == before) {
    return {};
  }
  kept_from_ms_ = horizon_ms;
  return set("kept_from_ms", std::to_string(kept_from_ms_));
}

}  // namespace kpay::query
