// Letters: the dead letters of ops.dlq, each once, in the order in which they came.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "daemons/tool/connection.h"
#include "stream/dead_letter.h"

namespace kpay::ctl {

struct Letter {
  stream::DeadLetter letter;
  std::string topic;   ///< the origin's name, or its id when no topic has that any more
  std::string reason;  ///< in a word
  std::string sender;  ///< the task that wrote it, "intake/3"
  Timestamp at;
};

/// The newest `limit` of them, oldest first. `total` is how many there are.
struct Letters {
  std::vector<Letter> letters;
  std::size_t total = 0;
};

[[nodiscard]] Result<Letters> read_letters(const tool::Reached& reached, std::size_t limit);

/// The word of docs/events.md for a reason's number.
[[nodiscard]] std::string reason_text(stream::DeadLetterReason reason);

}  // namespace kpay::ctl
