// R12: operators' records are signed by keys that are state, by two people where an outcome
// changes.
#include "base/signature.h"
#include "stream/operators.h"

namespace kpay::test {
namespace {

Bytes sign(OperatorRecord record, const std::vector<const SigningKey*>& keys) {
  record.signatures.clear();
  const Bytes bytes = encode(record);
  for (const SigningKey* key : keys) {
    record.signatures.push_back({key->public_key(), key->sign(stream::signed_part(bytes))});
  }
  return encode(record);
}

// Operators with keys; a record at toy.in offset 0 is a dead letter of the source.
class R12Signed : public Operators {
 protected:
  OperatorRecord enrol(const SigningKey& key) {
    OperatorRecord record = record_for(driver_, "source");
    record.what = stream::EnrolKey{key.public_key(), "somebody"};
    return record;
  }
  OperatorRecord revoke(const SigningKey& key) {
    OperatorRecord record = record_for(driver_, "source");
    record.what = stream::RevokeKey{key.public_key()};
    return record;
  }
  OperatorRecord replay_of(const std::string& stage, stream::LetterKey letter,
                           std::string_view text) {
    return *stream::decode_operator_record(replay(driver_, stage, letter, text));
  }
  OperatorVerdict give_signed(const OperatorRecord& record,
                              const std::vector<const SigningKey*>& keys) {
    give(sign(record, keys));
    return answers(driver_).back().verdict;
  }

  const SigningKey ann_ = SigningKey::generate();
  const SigningKey ben_ = SigningKey::generate();
  const SigningKey eve_ = SigningKey::generate();
};

TEST_F(R12Signed, WithoutAKeyNothingHasToBeSignedAndTheFirstKeyEndsThat) {
  open_a();
  EXPECT_EQ(give_signed(enrol(ann_), {}), OperatorVerdict::done);
  EXPECT_EQ(give_signed(replay_of("source", {0, 0}, kPoison), {}), OperatorVerdict::not_signed);
  EXPECT_EQ(give_signed(replay_of("source", {0, 0}, kPoison), {&eve_}),
            OperatorVerdict::not_signed);
  EXPECT_EQ(sum("adder", "b"), 0);
  EXPECT_EQ(open("source"), 1U);
  EXPECT_EQ(give_signed(replay_of("source", {0, 0}, kPoison), {&ann_}), OperatorVerdict::done);
  EXPECT_EQ(sum("adder", "b"), 5);
}

TEST_F(R12Signed, WhatChangesAnOutcomeTakesTwoPeopleAndADiscardOne) {
  open_a();
  ASSERT_EQ(give_signed(enrol(ann_), {}), OperatorVerdict::done);
  ASSERT_EQ(give_signed(enrol(ben_), {&ann_}), OperatorVerdict::done) << "there is one to sign";
  const OperatorRecord record = replay_of("source", {0, 0}, kPoison);
  EXPECT_EQ(give_signed(record, {&ann_}), OperatorVerdict::not_signed);
  EXPECT_EQ(give_signed(record, {&ann_, &ann_}), OperatorVerdict::not_signed);
  EXPECT_EQ(give_signed(record, {&ann_, &eve_}), OperatorVerdict::not_signed);
  EXPECT_EQ(give_signed(enrol(eve_), {&ann_}), OperatorVerdict::not_signed);
  EXPECT_EQ(give_signed(record, {&ann_, &ben_}), OperatorVerdict::done);
  give(as_bytes(kPoison));
  EXPECT_EQ(open("source"), 0U) << "a has a row now";
  give(as_bytes("only c b 5"));
  ASSERT_EQ(dead_letters(driver_).size(), 2U);
  const stream::LetterKey letter{dead_letters(driver_)[1].origin.offset, 0};
  OperatorRecord discarded = record_for(driver_, "source");
  discarded.what = stream::DiscardLetter{letter, hash128(as_bytes("only c b 5"))};
  EXPECT_EQ(give_signed(discarded, {}), OperatorVerdict::not_signed);
  EXPECT_EQ(give_signed(discarded, {&ben_}), OperatorVerdict::done);
}

TEST_F(R12Signed, ASignatureIsOfTheseBytesAndNoOthers) {
  ASSERT_EQ(give_signed(enrol(ann_), {}), OperatorVerdict::done);
  OperatorRecord record = replay_of("source", {0, 0}, kPoison);
  record = *stream::decode_operator_record(sign(record, {&ann_}));
  record.reason = "another one";
  give(encode(record));
  EXPECT_EQ(answers(driver_).back().verdict, OperatorVerdict::not_signed);
}

TEST_F(R12Signed, ARevokedKeyNeverCountsAgainAndTheLastOneStays) {
  ASSERT_EQ(give_signed(enrol(ann_), {}), OperatorVerdict::done);
  EXPECT_EQ(give_signed(revoke(ann_), {&ann_}), OperatorVerdict::last_key);
  ASSERT_EQ(give_signed(enrol(eve_), {&ann_}), OperatorVerdict::done);
  ASSERT_EQ(give_signed(enrol(ben_), {&ann_, &eve_}), OperatorVerdict::done);
  EXPECT_EQ(give_signed(revoke(eve_), {&ann_, &ben_}), OperatorVerdict::done);
  EXPECT_EQ(give_signed(revoke(eve_), {&ann_, &ben_}), OperatorVerdict::unknown_key);
  EXPECT_EQ(give_signed(replay_of("source", {0, 0}, kPoison), {&ann_, &eve_}),
            OperatorVerdict::not_signed);
  EXPECT_EQ(give_signed(enrol(eve_), {&ann_, &ben_}), OperatorVerdict::was_revoked);
}

TEST_F(R12Signed, KeysAreStateThatOutlivesTheProcess) {
  ASSERT_EQ(give_signed(enrol(ann_), {}), OperatorVerdict::done);
  driver_.advance(1500);
  driver_.kill(process_);
  process_ = driver_.start("other disk");
  driver_.advance(1500);
  EXPECT_EQ(give_signed(replay_of("source", {0, 0}, kPoison), {}), OperatorVerdict::not_signed);
}

TEST_F(R12Signed, WhatIsForATaskBehindIsCheckedWhereItComesIn) {
  give(as_bytes("send b only b 7"));
  ASSERT_EQ(open("adder"), 1U);
  ASSERT_EQ(give_signed(enrol(ann_), {}), OperatorVerdict::done);
  give(as_bytes("add a b 1"));
  const OperatorRecord record = replay_of("adder", {0, 0}, "only b 7");
  EXPECT_EQ(give_signed(record, {}), OperatorVerdict::not_signed);
  EXPECT_EQ(give_signed(record, {&ann_}), OperatorVerdict::done);
  EXPECT_EQ(sum("adder", "b"), 8);
  OperatorRecord there = record_for(driver_, "adder");
  there.what = stream::EnrolKey{ben_.public_key(), "ben"};
  EXPECT_EQ(give_signed(there, {&ann_}), OperatorVerdict::not_here);
}

}  // namespace
}  // namespace kpay::test
