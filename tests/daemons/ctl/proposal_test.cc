// R12: operators' records in a file, for a second person to sign.
#include "daemons/ctl/proposal.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace kpay::ctl {
namespace {

stream::OperatorRecord some_record() {
  stream::OperatorRecord record;
  record.partition = 3;
  record.id.bytes[15] = 9;
  record.author = "ann";
  record.reason = "why not";
  record.what = stream::DiscardLetter{{128, 1}, hash128(as_bytes("letter"))};
  return record;
}

class ProposalFile : public ::testing::Test {
 protected:
  ~ProposalFile() override { std::filesystem::remove(path_); }
  void write(const std::string& text) { std::ofstream(path_, std::ios::trunc) << text; }
  std::string problem() { return read_proposal(path_).error().message; }

  const std::string path_ =
      (std::filesystem::path(::testing::TempDir()) / ("proposal-" + std::to_string(::getpid())))
          .string();
};

TEST_F(ProposalFile, IsReadBackAsItWasWritten) {
  const Proposal proposal{"kpay.payments.incoming",
                          {{3, to_bytes(as_bytes("key")), encode(some_record())},
                           {0,
                            {},
                            to_bytes(as_bytes("a client's")),
                            {{"source", to_bytes(as_bytes("batch 7"))}, {"empty", {}}}}}};
  ASSERT_TRUE(write_proposal(path_, proposal));
  const Result<Proposal> read = read_proposal(path_);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->topic, proposal.topic);
  ASSERT_EQ(read->records.size(), 2U);
  EXPECT_EQ(read->records[0].partition, 3);
  EXPECT_EQ(read->records[0].value, proposal.records[0].value);
  EXPECT_EQ(read->records[1].key, Bytes{});
  EXPECT_EQ(read->records[1].headers, proposal.records[1].headers);
}

TEST_F(ProposalFile, ThatIsNoneSaysWhatIsWrongWhere) {
  EXPECT_EQ(read_proposal(path_).error().code, ErrorCode::not_found);
  write("{}");
  EXPECT_NE(problem().find("no proposal; --propose"), std::string::npos);
  write(
      R"({"kpay_proposal": 1, "topic": "t", "records": [{"partition": 0, "key": "", "value": "00"},
          {"partition": 0, "key": "", "value": "0g"}]})");
  EXPECT_NE(problem().find("record 2: \"value\" is not hexadecimal"), std::string::npos)
      << problem();
  write(R"({"kpay_proposal": 1, "topic": "t",
          "records": [{"partition": "0", "key": "", "value": ""}]})");
  EXPECT_NE(problem().find("record 1: \"partition\" is not a partition's number"),
            std::string::npos);
}

TEST(R12Proposal, SignaturesAddUpAndEachPersonsIsThereOnce) {
  std::vector<SigningKey> ann;
  ann.push_back(SigningKey::generate());
  std::vector<SigningKey> ben;
  ben.push_back(SigningKey::generate());
  stream::OperatorRecord record = signed_by(signed_by(some_record(), ann), ann);
  EXPECT_EQ(signers_of(record), std::vector{ann[0].public_key()});
  record = signed_by(*stream::decode_operator_record(encode(record)), ben);
  EXPECT_EQ(signers_of(record), (std::vector{ann[0].public_key(), ben[0].public_key()}));
  record.reason = "because";
  EXPECT_TRUE(signers_of(record).empty()) << "what was signed was another record";
}

}  // namespace
}  // namespace kpay::ctl
