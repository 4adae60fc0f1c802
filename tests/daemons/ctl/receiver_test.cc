#include "daemons/ctl/receiver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kpay::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Uuid kLineage = *parse_uuid("11111111-1111-4111-8111-111111111111");

// A frame of the sender's next events, with these payloads.
Bytes frame_of(stream::Sequence& sequence, const std::vector<std::string>& payloads) {
  stream::FrameBuilder builder;
  for (const std::string& payload : payloads) {
    stream::EventHeader header;
    header.payload_bytes = static_cast<std::uint32_t>(payload.size());
    builder.add(header, as_bytes(payload), sequence);
  }
  return builder.cut(kLineage, {1, 0}, kLineage, 0);
}

class Reading {
 public:
  void feed(const Bytes& record) {
    ASSERT_TRUE(stream::read_frame(record, frame_));
    receiver.take(frame_, [this](const stream::Frame::Item& item) {
      taken.emplace_back(as_text(item.payload));
    });
  }

  Receiver receiver;
  std::vector<std::string> taken;

 private:
  stream::Frame frame_;
};

TEST(Receiver, TakesEachEventOnceWhateverIsRepeated) {
  stream::Sequence sequence;
  const Bytes first = frame_of(sequence, {"a", "b"});
  const Bytes second = frame_of(sequence, {"c"});
  Reading reading;
  for (const Bytes& record : {first, first, second, first, second}) {
    reading.feed(record);
  }
  EXPECT_THAT(reading.taken, ElementsAre("a", "b", "c"));
  EXPECT_EQ(reading.receiver.repeated(), 5U);
  EXPECT_THAT(reading.receiver.diverged(), IsEmpty());
}

TEST(Receiver, SplitsAFrameThatIsKnownInPart) {
  stream::Sequence sequence;
  stream::Sequence again;
  Reading reading;
  reading.feed(frame_of(sequence, {"a"}));
  reading.feed(frame_of(again, {"a", "b"}));
  EXPECT_THAT(reading.taken, ElementsAre("a", "b"));
}

TEST(Receiver, DropsWhatIsEarlyUntilTheGapIsFilled) {
  stream::Sequence sequence;
  const Bytes first = frame_of(sequence, {"a"});
  const Bytes second = frame_of(sequence, {"b"});
  Reading reading;
  for (const Bytes& record : {second, first, second}) {
    reading.feed(record);
  }
  EXPECT_THAT(reading.taken, ElementsAre("a", "b"));
  EXPECT_EQ(reading.receiver.early(), 1U);
}

TEST(Receiver, NamesTheEventThatDoesNotFollow) {
  stream::Sequence sequence;
  stream::Sequence forged;
  Reading reading;
  reading.feed(frame_of(sequence, {"a"}));
  (void)frame_of(forged, {"x"});
  reading.feed(frame_of(forged, {"y"}));
  EXPECT_THAT(reading.taken, ElementsAre("a"));
  EXPECT_THAT(reading.receiver.diverged(), HasSubstr("number 2 of sender 1/0"));
}

}  // namespace
}  // namespace kpay::ctl
