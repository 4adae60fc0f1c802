// Dead letters, as the task writes them and as operators' tools read them.
#include "base/check.h"
#include "daemons/ctl/letters.h"
#include "fuzz/target.h"
#include "stream/dead_letter.h"

namespace kpay::fuzz {

void run_dead_letter(ByteView input) {
  const std::optional<stream::DeadLetter> letter = stream::decode_dead_letter(input);
  ctl::LetterBook book({});
  const stream::SenderId sender{2, 0};
  const bool taken = book.take(sender, input, Timestamp{1});
  check(!letter || taken, "tools read every dead letter");
  if (!letter) {
    return;
  }
  check(letter->bytes.size() <= stream::kDeadLetterBytesMax &&
            letter->bytes.size() <= letter->bytes_total,
        "a dead letter holds at most the limit, and at most what there was");
  check(equal(encode(*letter), input), "a dead letter has the bytes that are written");
  const std::vector<ctl::Letter> shown = book.select({});
  check(shown.size() == 1 && !shown.front().reason.empty() && !shown.front().topic.empty(),
        "a dead letter is shown with reason and topic");
  const ctl::LetterId id = shown.front().id;
  check(letter->origin.partition < 0 || ctl::parse_letter_id(to_string(id)) == id,
        "the text of a dead letter's id names it");
}

}  // namespace kpay::fuzz
