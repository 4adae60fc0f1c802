// LetterCheck: what would become of a dead letter that is replayed, as far as that can be told from
// its bytes: by the decoders and rules of this build, asking no daemon.
//
// It can't know what the state says: whether the id was seen before, whether the account is there,
// open and has the money. Nor what a daemon of another build thinks.
#pragma once

#include <string>

#include "daemons/ctl/letters.h"

namespace kpay::ctl {

struct LetterCheck {
  enum class Verdict {
    passes,   ///< its stage would apply it
    moves,    ///< it would be taken on the partition where it belongs
    refused,  ///< intake would take it, and refuse it by a rule
    fails,    ///< it would be a dead letter again
  };
  Verdict verdict = Verdict::fails;
  std::string why;             ///< the rule or the reason; empty when it passes
  std::int32_t partition = 0;  ///< where it moves to
  Bytes key;                   ///< what decides that
};

/// `now` is the wall clock: ids expire by it.
[[nodiscard]] LetterCheck check_letter(const Letter& letter, std::int32_t partitions,
                                       Timestamp now);

/// What the bytes say, by the decoder of the letter's stage, as JSON; "null" when it can't read
/// them.
[[nodiscard]] std::string decoded_json(const Letter& letter);

}  // namespace kpay::ctl
