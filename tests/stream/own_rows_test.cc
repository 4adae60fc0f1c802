// Rows of the runtime's own tables, as the HTTP tables show and take them.
#include <gtest/gtest.h>

#include "stream/dead_letter.h"
#include "stream/operator_key.h"
#include "stream/restorer.h"

namespace kpay::stream {
namespace {

TEST(R24LetterRows, AKeyIsReadFromItsOwnText) {
  for (const LetterKey key : {LetterKey{0, 0}, LetterKey{4711, 12}}) {
    EXPECT_EQ(LetterCodec::key_from_text(LetterCodec::key_text(key)), key);
  }
  EXPECT_EQ(LetterCodec::key_text({4711, 12}), "4711.12");
  for (const char* text : {"", ".", "x", "1.x", "1.", "-", "1.2.3"}) {
    EXPECT_FALSE(LetterCodec::key_from_text(text)) << text;
  }
}

TEST(R24LetterRows, ShowWhatIsKnownOfALetter) {
  const Fields fields = LetterCodec::fields({kReasonTooLarge, {}, {1'795'366'435'000}, {}});
  ASSERT_EQ(fields.size(), 4U);
  EXPECT_EQ(fields[0].name, "reason");
  EXPECT_EQ(std::get<std::uint64_t>(fields[0].value), kReasonTooLarge);
  EXPECT_EQ(std::get<std::int64_t>(fields[2].value), 1'795'366'435'000);
}

TEST(R24LetterRows, ReasonsOfTheRuntimeHaveWordsAndOthersHaveNone) {
  for (const DeadLetterReason reason :
       {kReasonEmptyRecord, kReasonForeignLineage, kReasonUnknownSender, kReasonTooLarge,
        kReasonMisdirected}) {
    EXPECT_FALSE(runtime_reason(reason).empty()) << reason;
  }
  EXPECT_TRUE(runtime_reason(99).empty()) << "a stage's own";
}

TEST(R24LetterRows, BytesThatAreNoRowAreRefused) {
  Bytes key;
  ByteWriter key_out(key);
  LetterCodec::encode_key({7, 3}, key_out);
  Bytes row;
  ByteWriter row_out(row);
  LetterCodec::encode({kReasonTooLarge, {}, {5}, {}}, row_out);
  ASSERT_TRUE(LetterCodec::decode_key(key));
  ASSERT_TRUE(LetterCodec::decode(row));
  for (std::size_t size = 0; size < row.size(); ++size) {
    EXPECT_FALSE(LetterCodec::decode(ByteView(row).first(size)));
  }
  for (std::size_t size = 0; size < key.size(); ++size) {
    EXPECT_FALSE(LetterCodec::decode_key(ByteView(key).first(size)));
  }
  row[0] = std::byte{99};
  EXPECT_FALSE(LetterCodec::decode(row)) << "another version";
}

TEST(R12KeyRows, AreShownAndFoundByTheirText) {
  PublicKey key;
  key.bytes.fill(std::byte{0x5a});
  EXPECT_EQ(OperatorKeyCodec::key_from_text(OperatorKeyCodec::key_text(key)), key);
  EXPECT_FALSE(OperatorKeyCodec::key_from_text("no key"));
  const Fields fields = OperatorKeyCodec::fields({"ann", {12}});
  ASSERT_EQ(fields.size(), 2U);
  EXPECT_EQ(std::get<std::string>(fields[0].value), "ann");
  Bytes bytes;
  ByteWriter out(bytes);
  OperatorKeyCodec::encode_key(key, out);
  EXPECT_EQ(OperatorKeyCodec::decode_key(bytes), key);
  bytes.pop_back();
  EXPECT_FALSE(OperatorKeyCodec::decode_key(bytes));
}

// What a build of another shape, or a damaged changelog, could bring.
TEST(R17Rows, ThatNoTableTakesAreCorrupt) {
  OperatorKeys keys("keys");
  std::array<TableBase*, 1> tables{&keys};
  PublicKey key;
  Bytes key_bytes;
  ByteWriter key_out(key_bytes);
  OperatorKeyCodec::encode_key(key, key_out);
  Bytes value;
  ByteWriter value_out(value);
  OperatorKeyCodec::encode({"ann", {12}}, value_out);
  const auto load = [&](std::uint16_t table, ByteView of_key, ByteView of_value, std::size_t cut) {
    Bytes rows;
    ByteWriter out(rows);
    put_row(out, table, of_key, of_value);
    rows.resize(rows.size() - cut);
    return load_rows(tables, rows);
  };
  EXPECT_TRUE(load(0, key_bytes, value, 0));
  const Result<void> table = load(1, key_bytes, value, 0);
  ASSERT_FALSE(table);
  EXPECT_NE(table.error().message.find("row of table 1"), std::string::npos);
  for (const Result<void>& each :
       {load(0, ByteView(key_bytes).first(3), value, 0),
        load(0, key_bytes, ByteView(value).first(1), 0), load(0, key_bytes, value, 1)}) {
    ASSERT_FALSE(each);
    EXPECT_EQ(each.error().code, ErrorCode::corrupt);
  }
}

}  // namespace
}  // namespace kpay::stream
