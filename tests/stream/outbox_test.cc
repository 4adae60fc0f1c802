// R11: the first record to a partition travels alone; order and every record are kept. And what
// follows one that is on its way goes together.
#include "stream/outbox.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace kpay::test {
namespace {

using stream::Outbox;
using stream::TopicIndex;

constexpr std::int64_t kSilence = 1000;

// A client with its broker, as unkind as they may be: a refused first batch is reported as
// delivered when a later one was in flight behind it and was accepted.
class UnkindBroker final : public stream::RecordProducer {
 public:
  bool produce(TopicIndex topic, std::int32_t partition, ByteView, ByteView value,
               std::uint64_t cookie) override {
    if (full_) {
      ++refused_;
      return false;
    }
    in_flight_[{topic, partition}].push_back({cookie, std::string(as_text(value))});
    return true;
  }
  void deliver(Outbox& outbox) {
    auto batch = std::move(in_flight_);
    in_flight_.clear();
    for (auto& [place, records] : batch) {
      for (std::size_t i = 0; i < records.size(); ++i) {
        if (i == 0 && refuse_first_) {
          if (records.size() == 1) {
            in_flight_[place].push_back(records[0]);  // the client sends it again
            continue;
          }
          // Lost without a word.
        } else {
          log_[place].push_back(records[i].text);
        }
        outbox.on_delivered(records[i].cookie);
      }
    }
    refuse_first_ = false;
  }

  struct Record {
    std::uint64_t cookie;
    std::string text;
  };
  using Place = std::pair<TopicIndex, std::int32_t>;
  std::map<Place, std::vector<Record>> in_flight_;
  std::map<Place, std::vector<std::string>> log_;
  bool refuse_first_ = false;
  bool full_ = false;
  int refused_ = 0;
};

class Listener final : public stream::OutboxSender {
 public:
  void on_acknowledged(std::uint64_t tag, std::size_t bytes) override {
    tags_.push_back(tag);
    bytes_ += bytes;
  }
  std::vector<std::uint64_t> tags_;
  std::size_t bytes_ = 0;
};

class R11Outbox : public ::testing::Test {
 protected:
  void send(const std::string& text, std::int32_t partition = 0) {
    outbox_.send(listener_, 0, partition, {}, to_bytes(as_bytes(text)), ++tag_);
  }
  void turn() { outbox_.turn(now_); }
  void deliver() {
    broker_.deliver(outbox_);
    outbox_.turn(now_);
  }
  std::size_t in_flight(std::int32_t partition = 0) {
    return broker_.in_flight_[{0, partition}].size();
  }

  UnkindBroker broker_;
  Outbox outbox_{broker_, kSilence};
  Listener listener_;
  std::uint64_t tag_ = 0;
  std::int64_t now_ = 0;
};

TEST_F(R11Outbox, TheFirstRecordToAPartitionTravelsAlone) {
  send("a");
  send("b");
  send("c");
  send("x", 1);
  turn();
  EXPECT_EQ(in_flight(), 1U);
  EXPECT_EQ(in_flight(1), 1U) << "each partition has its own first";
  EXPECT_EQ(outbox_.waiting(), 2U);
  deliver();
  EXPECT_EQ(in_flight(), 2U) << "then the others go together";
}

TEST_F(R11Outbox, WhatFollowsARecordOnItsWayGoesTogether) {
  send("a");
  turn();
  deliver();
  EXPECT_TRUE(outbox_.is_open(0, 0));
  send("b");
  turn();
  EXPECT_FALSE(outbox_.is_open(0, 0));
  EXPECT_TRUE(outbox_.is_open(0, 1)) << "each partition by itself";
  send("c");
  turn();
  send("d");
  turn();
  EXPECT_EQ(in_flight(), 1U);
  deliver();
  EXPECT_EQ(in_flight(), 2U);
  deliver();
  EXPECT_EQ((broker_.log_[{0, 0}]), (std::vector<std::string>{"a", "b", "c", "d"}));
}

TEST_F(R11Outbox, ManyBytesDontWaitForAnAcknowledgement) {
  const std::string large(100'000, 'x');
  send(large);
  send(large);
  turn();
  EXPECT_EQ(in_flight(), 1U) << "the first travels alone, whatever its size";
  deliver();
  EXPECT_EQ(in_flight(), 1U);
  send(large);
  turn();
  EXPECT_EQ(in_flight(), 2U);
}

TEST_F(R11Outbox, ARefusedFirstAndAnAcceptedSecondLoseNothing) {
  broker_.refuse_first_ = true;
  for (const char* text : {"a", "b", "c"}) {
    send(text);
  }
  turn();
  for (int i = 0; i < 5; ++i) {
    deliver();
  }
  EXPECT_EQ((broker_.log_[{0, 0}]), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(listener_.tags_, (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST_F(R11Outbox, AfterLongSilenceTheFirstTravelsAloneAgain) {
  send("a");
  turn();
  deliver();
  now_ += kSilence - 1;
  send("b");
  send("c");
  turn();
  EXPECT_EQ(in_flight(), 2U) << "not silent long enough";
  deliver();
  now_ += kSilence;
  broker_.refuse_first_ = true;
  send("d");
  send("e");
  turn();
  EXPECT_EQ(in_flight(), 1U);
  for (int i = 0; i < 5; ++i) {
    deliver();
  }
  EXPECT_EQ((broker_.log_[{0, 0}]), (std::vector<std::string>{"a", "b", "c", "d", "e"}));
}

TEST_F(R11Outbox, AFullQueueRetriesTheSameRecordAndKeepsTheOrder) {
  send("a");
  turn();
  deliver();
  broker_.full_ = true;
  send("b");
  send("c");
  turn();
  turn();
  EXPECT_GE(broker_.refused_, 2);
  EXPECT_EQ(outbox_.in_flight(), 0U);
  EXPECT_EQ(outbox_.waiting(), 2U);
  broker_.full_ = false;
  outbox_.turn(now_);
  deliver();
  EXPECT_EQ((broker_.log_[{0, 0}]), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(outbox_.waiting(), 0U);
}

TEST_F(R11Outbox, AFirstRecordThatFindsTheQueueFullStillTravelsAlone) {
  broker_.full_ = true;
  send("a");
  send("b");
  turn();
  broker_.full_ = false;
  outbox_.turn(now_);
  EXPECT_EQ(in_flight(), 1U);
  EXPECT_EQ(broker_.in_flight_.at({0, 0}).front().text, "a");
}

TEST_F(R11Outbox, AForgottenSendersRecordsAreDroppedOrToldToNobody) {
  send("a");
  send("b");
  Listener other;
  outbox_.send(other, 0, 0, {}, to_bytes(as_bytes("c")), 77);
  turn();
  outbox_.forget(listener_);
  EXPECT_EQ(outbox_.waiting(), 1U);
  deliver();
  deliver();
  EXPECT_EQ((broker_.log_[{0, 0}]), (std::vector<std::string>{"a", "c"}));
  EXPECT_TRUE(listener_.tags_.empty());
  EXPECT_EQ(other.tags_, std::vector<std::uint64_t>{77});
  EXPECT_EQ(outbox_.in_flight(), 0U);
}

TEST_F(R11Outbox, TellsEachRecordsSizeWhenItIsInTheLog) {
  send("four");
  turn();
  EXPECT_EQ(listener_.bytes_, 0U);
  deliver();
  EXPECT_EQ(listener_.bytes_, 4U);
}

}  // namespace
}  // namespace kpay::test
