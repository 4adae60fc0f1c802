// Operators' records, and the answers to them.
#include "base/check.h"
#include "fuzz/seal.h"
#include "fuzz/target.h"
#include "stream/operator_record.h"

namespace kpay::fuzz {

namespace {

void check_record(ByteView bytes) {
  const std::optional<stream::OperatorRecord> record = stream::decode_operator_record(bytes);
  if (!record) {
    return;
  }
  check(stream::is_operator_record(bytes) && bytes.size() <= stream::kOperatorRecordBytesMax,
        "an operator's record is within its limit");
  check(record->author.size() <= stream::kOperatorNameMax &&
            record->reason.size() <= stream::kOperatorReasonMax &&
            record->signatures.size() <= stream::kSignaturesMax,
        "an operator's texts and signatures are within their limits");
  check(!verb_of(*record).empty(), "an operator's record asks for something");
  check(equal(encode(*record), bytes), "an operator's record has the bytes that are written");
  const ByteView covered = stream::signed_part(bytes);
  check(covered.data() == bytes.data() && covered.size() < bytes.size(),
        "signatures are over the record's beginning");
}

void check_answer(ByteView payload) {
  const std::optional<stream::OperatorAnswer> answer = stream::decode_operator_answer(payload);
  if (!answer) {
    return;
  }
  check(to_string(answer->verdict) != "unknown", "a verdict has a name");
  const Bytes bytes = encode(*answer);
  const std::optional<stream::OperatorAnswer> again = stream::decode_operator_answer(bytes);
  check(again.has_value(), "an answer that was written can be read");
  check(encode(*again) == bytes, "the same answer has the same bytes");
}

}  // namespace

// An answer is not sealed itself, the record within it is: so both are tried on the same bytes.
void run_operator(ByteView input) {
  constexpr std::size_t kAnswerHead = 36;
  const Bytes record = sealed_record(input);
  check_record(record);
  check_answer(record);
  Bytes answer(kAnswerHead);
  answer[0] = std::byte{2};
  answer[1] = input.empty() ? std::byte{0} : input.front() >> 1U;
  answer.insert(answer.end(), record.begin(), record.end());
  check_answer(answer);
}

}  // namespace kpay::fuzz
