// BooksReader: feeds Books from the topics, up to the ends that they had at the start.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "daemons/ctl/books.h"
#include "daemons/tool/connection.h"

namespace kpay::ctl {

struct VerifiedBooks {
  BooksReport report;
  std::map<std::string, std::vector<std::int64_t>> ends;  ///< by topic, without the prefix
  std::uint64_t records = 0;
  std::uint64_t repeated = 0;  ///< events that were dropped as known
};

/// Errors: conflict, when a topic does not go back to its beginning any more.
[[nodiscard]] Result<VerifiedBooks> read_books(
    const tool::Reached& reached, const std::function<void(const std::string& doing)>& progress);

}  // namespace kpay::ctl
