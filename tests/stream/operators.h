// What the tests of operators' records share: records made by hand, and a dead letter to act on.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "stream/world.h"

namespace kpay::test {

using stream::OperatorRecord;
using stream::OperatorVerdict;

inline Uuid record_id(std::uint8_t n) {
  Uuid id;
  id.bytes[15] = n;
  return id;
}

inline OperatorRecord record_for(TestDriver& driver, const std::string& stage,
                                 std::int32_t partition = 0) {
  OperatorRecord record;
  record.lineage = driver.genesis("source").identity.lineage;
  record.topic_id = driver.topics().id(driver.topics().index_of(driver.spec(stage).input));
  record.stage = driver.spec(stage).number;
  record.partition = partition;
  record.id = record_id(1);
  record.author = "ann";
  record.reason = "the account was opened";
  return record;
}

inline Bytes replay(TestDriver& driver, const std::string& stage, stream::LetterKey letter,
                    std::string_view text) {
  OperatorRecord record = record_for(driver, stage);
  record.what = stream::ReplayLetter{letter, to_bytes(as_bytes(text))};
  return encode(record);
}

inline Bytes discard(TestDriver& driver, const std::string& stage, stream::LetterKey letter,
                     std::string_view text) {
  OperatorRecord record = record_for(driver, stage);
  record.what = stream::DiscardLetter{letter, hash128(as_bytes(text))};
  return encode(record);
}

inline std::vector<OperatorVerdict> verdicts(const TestDriver& driver) {
  std::vector<OperatorVerdict> found;
  for (const stream::OperatorAnswer& answer : answers(driver)) {
    found.push_back(answer.verdict);
  }
  return found;
}

inline constexpr const char* kPoison = "only a b 5";

// Both toy stages on one partition; a record at toy.in offset 0 is a dead letter of the source.
class Operators : public ::testing::Test {
 protected:
  Operators() : driver_(world()) {
    process_ = driver_.start("disk");
    driver_.pipe(kToyIn, 0, "a", kPoison);
    driver_.run_until_idle();
  }
  void open_a() { give(as_bytes("add a z 1")); }
  void give(ByteView record) {
    driver_.append(kToyIn, 0, record);
    driver_.run_until_idle();
  }
  std::int64_t sum(const std::string& stage, const std::string& name) {
    return sum_of(*driver_.task(process_, stage), name);
  }
  std::uint64_t open(const std::string& stage) {
    return driver_.status(process_, stage).dead_letters_open;
  }

  TestDriver driver_;
  TestDriver::ProcessId process_ = 0;
};

}  // namespace kpay::test
