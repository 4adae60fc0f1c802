#include "daemons/gateway/requests.h"

#include <gtest/gtest.h>

#include "daemons/gateway/form.h"
#include "daemons/gateway/limits.h"
#include "daemons/gateway/live.h"
#include "stages/specs.h"
#include "stream/operator_record.h"

namespace kpay::gateway {
namespace {

ctl::LetterId letter(std::int64_t offset) { return {stages::kIntake, 3, {offset, 0}}; }

LetterRequest made(const std::string& id = "01936c5e-7b7e-7c3a-9c53-3f2a1b0c4d5e") {
  LetterRequest request;
  request.id = id;
  request.letters = {letter(128), letter(129)};
  request.reason = "it's \"mended\" – now";
  request.maker = "ann";
  request.at_ms = 1'000;
  request.expires_ms = 2'000;
  return request;
}

TEST(Requests, AreReadAsTheyWereWritten) {
  LetterRequest asked = made();
  for (const bool approved : {false, true}) {
    if (approved) {
      asked.approver = "ben";
      asked.approve_reason = "looked";
      asked.approved_at_ms = 1'500;
    }
    for (const bool discards : {false, true}) {
      asked.discards = discards;
      const std::optional<LetterRequest> read = parse_request(key_of(asked), to_json(asked));
      ASSERT_TRUE(read);
      EXPECT_EQ(to_json(*read), to_json(asked));
      EXPECT_EQ(read->letters, asked.letters);
      EXPECT_EQ(read->discards, discards);
      EXPECT_EQ(read->approved(), approved);
      EXPECT_EQ(key_of(*read), "request/" + asked.id);
    }
  }
}

TEST(Requests, WhatNoGatewayWritesIsNone) {
  const std::string key = key_of(made());
  const std::string right = to_json(made());
  EXPECT_TRUE(parse_request(key, right));
  EXPECT_FALSE(parse_request("pipeline", right));
  EXPECT_FALSE(parse_request("request/nonsense", right));
  const std::string many =
      R"({"what":"replay","maker":"ann","ids":[)" + std::string(8'000, '[') + "]}";
  for (const std::string& wrong :
       {std::string(), std::string("[]"), std::string("{}"), many,
        std::string(R"({"what":"replay","maker":"ann","ids":[]})"),
        std::string(R"({"what":"replay","maker":"ann","ids":["nobody/1@1.0"]})"),
        std::string(R"({"what":"replay","maker":"","ids":["intake/1@1.0"]})"),
        std::string(R"({"what":"erase","maker":"ann","ids":["intake/1@1.0"]})"),
        std::string(limits::request_bytes_max, ' ') + right}) {
    EXPECT_FALSE(parse_request(key, wrong)) << wrong.substr(0, 80);
  }
}

TEST(Requests, StandInTheirOrderAndTheLargestFitsIntoItsLimit) {
  LetterRequest late = made("01936c5e-7b7e-7c3a-9c53-3f2a1b0c4d5f");
  late.at_ms = 500;
  const std::map<std::string, std::string> state{{"load", "{}"},
                                                 {"pipeline", "{}"},
                                                 {key_of(made()), to_json(made())},
                                                 {key_of(late), to_json(late)},
                                                 {"request/x", "{}"}};
  const std::vector<LetterRequest> found = requests_in(state);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found.front().id, late.id);

  LetterRequest large = made();
  large.letters.assign(limits::request_letters_max,
                       {stages::kThroughput, 1023, {1'000'000'000'000, 4'000'000}});
  large.reason = large.approve_reason = std::string(limits::reason_bytes_max, '"');
  large.maker = large.approver = std::string(54, 'n');
  EXPECT_TRUE(parse_request(key_of(large), to_json(large)));
}

TEST(Requests, ExpireUnlessTheyAreApprovedAndAreShownForADayMore) {
  LetterRequest asked = made();
  EXPECT_FALSE(asked.expired(1'999));
  EXPECT_TRUE(asked.expired(2'000));
  EXPECT_TRUE(outdated({asked}, 2'000 + limits::request_shown_ms).empty());
  EXPECT_EQ(outdated({asked}, 2'001 + limits::request_shown_ms),
            std::vector<std::string>{key_of(asked)});
  asked.approver = "ben";
  EXPECT_FALSE(asked.expired(2'000)) << "it is to be brought to its end";
}

TEST(Requests, AUserAndATokenOfTheSameNameAreOnePerson) {
  EXPECT_TRUE(is_same_person("ann", "ann"));
  EXPECT_TRUE(is_same_person("ann", "token ann"));
  EXPECT_TRUE(is_same_person("token ann", "ann"));
  EXPECT_TRUE(is_same_person("anyone", "anyone")) << "where nobody logs in";
  EXPECT_FALSE(is_same_person("ann", "ben"));
  EXPECT_FALSE(is_same_person("token ann", "token ben"));
}

TEST(Requests, TheRecordsSayBothNamesWithinTheirLimit) {
  LetterRequest asked = made();
  asked.approver = "ben";
  asked.approve_reason = "looked";
  EXPECT_EQ(author_of(asked), "ann, approved by ben");
  EXPECT_EQ(reason_of(asked), asked.reason + "; approved: looked");
  const std::string is_long(54, 'm');
  const auto author = [&](const std::string& maker, const std::string& approver) {
    asked.maker = maker;
    asked.approver = approver;
    return author_of(asked);
  };
  const std::string cut(24, 'm');
  EXPECT_EQ(author(is_long, is_long), cut + "~, approved by " + cut + "~");
  EXPECT_EQ(author("ann", is_long), "ann, approved by " + std::string(46, 'm') + "~");
  EXPECT_EQ(author(is_long, "ann"), std::string(46, 'm') + "~, approved by ann");
  EXPECT_LE(author(is_long, is_long).size(), stream::kOperatorNameMax);
  EXPECT_EQ(author("ann", is_long).size(), stream::kOperatorNameMax);
  asked.reason = asked.approve_reason = std::string(limits::reason_bytes_max, 'r');
  EXPECT_LE(reason_of(asked).size(), stream::kOperatorReasonMax);
}

TEST(Requests, WhereRecordsAreSignedTheCommandIsNamed) {
  LetterRequest asked = made();
  asked.discards = true;
  EXPECT_EQ(
      as_proposal(asked),
      "kpayctl dlq discard intake/3@128.0 intake/3@129.0 --reason … --key FILE --propose FILE");
}

std::optional<Problem> read(const std::string& body, std::vector<ctl::LetterId>& ids,
                            std::string& what) {
  Form form(body);
  ids = form.letters("ids");
  what = form.choice("what", {"replay", "discard"});
  return form.problem();
}

TEST(Form, TakesAListOfLettersEachOnceAndSaysWhichIsNone) {
  std::vector<ctl::LetterId> ids;
  std::string what;
  EXPECT_FALSE(
      read(R"({"what":"discard","ids":["intake/3@129.0","intake/3@128.0","intake/3@129.0"]})", ids,
           what));
  EXPECT_EQ(ids, (std::vector{letter(128), letter(129)}));
  EXPECT_EQ(what, "discard");
  std::string many = R"("intake/3@1.0")";
  for (std::size_t i = 0; i < limits::request_letters_max; ++i) {
    many += R"(,"intake/3@1.0")";
  }
  for (const auto& [body, code, field] :
       {std::tuple{std::string(R"({"what":"replay"})"), Code::field_missing, "ids"},
        {std::string(R"({"what":"replay","ids":"intake/3@1.0"})"), Code::field_invalid, "ids"},
        {std::string(R"({"what":"replay","ids":[]})"), Code::field_invalid, "ids"},
        {std::string(R"({"what":"replay","ids":[7]})"), Code::field_invalid, "ids"},
        {R"({"what":"replay","ids":[)" + many + "]}", Code::field_invalid, "ids"},
        {std::string(R"({"ids":["intake/3@1.0"]})"), Code::field_missing, "what"},
        {std::string(R"({"what":"erase","ids":["intake/3@1.0"]})"), Code::field_invalid, "what"}}) {
    const std::optional<Problem> problem = read(body, ids, what);
    ASSERT_TRUE(problem) << body;
    EXPECT_EQ(problem->code, code) << body;
    EXPECT_EQ(problem->field, field) << body;
  }
  const std::optional<Problem> problem =
      read(R"({"what":"replay","ids":["intake/3@1.0","intake/x@1.0"]})", ids, what);
  EXPECT_NE(problem->detail.find("intake/x@1.0"), std::string::npos);
  EXPECT_NE(problem->expected.find("intake/3@128.0"), std::string::npos);
}

TEST(Letters, AnIdThatNoneOfTheNewestHasIsNamed) {
  Letters letters;
  for (const std::int64_t offset : {128, 129}) {
    ctl::Letter each;
    each.id = letter(offset);
    each.sender = "intake/3";
    each.reason = offset == 128 ? "undecodable" : "wrong_partition";
    letters.newest.push_back(each);
  }
  EXPECT_EQ(letters_among(letters, {})->size(), 2U);
  EXPECT_EQ(letters_among(letters, {.ids = {letter(129)}})->front().id, letter(129));
  ctl::LetterFilter filter;
  filter.cause = "undecodable";
  EXPECT_EQ(letters_among(letters, filter)->front().id, letter(128));
  filter.stage = "settle";
  EXPECT_TRUE(letters_among(letters, filter)->empty());
  const auto missing = letters_among(letters, {.ids = {letter(128), letter(130)}});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_NE(missing.error().message.find("intake/3@130.0"), std::string::npos);
}

}  // namespace
}  // namespace kpay::gateway
