// R23: what two people decide of one input record is admitted only while nothing of it was told,
// fenced by the log, and state from then on.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <mutex>
#include <thread>

#include "stream/operators.h"

namespace kpay::test {
namespace {

using stream::OperatorAnswer;
using stream::OverrideAction;
using stream::OverrideInput;
using stream::Phase;

constexpr std::size_t kAdderSpec = 1;
constexpr std::int64_t kMinute = 60'000;

OperatorAnswer skip_at(TestDriver& driver, std::int64_t offset) {
  OperatorRecord record = record_for(driver, "adder");
  record.what = OverrideInput{offset, OverrideAction::skip, {}};
  return {OperatorVerdict::done, 0, {{{9}}, 0, 5, 0}, record};
}

class R23Override : public ::testing::Test {
 protected:
  ~R23Override() override { std::filesystem::remove(path_); }

  // A world whose processes each find notes of three deaths with the adder's record 1 in hand.
  TestDriver::Options after_deaths() {
    for (int i = 0; i < 3; ++i) {
      open_notes()->note(kAdder, 0)->begin(1);
    }
    notes_ = open_notes();
    TestDriver::Options options = world();
    options.task.notes = notes_.get();
    return options;
  }
  std::unique_ptr<store::DeathNotes> open_notes() {
    return std::move(*store::DeathNotes::open(path_, Hash128{1, 1}));
  }
  static void pay(TestDriver& driver, int records = 3) {
    for (int i = 0; i < records; ++i) {
      driver.pipe(kToyIn, 0, "a", "add a b 1");
      driver.run_until_idle();
    }
  }
  static void want(TestDriver& driver, TestDriver::ProcessId process,
                   const OperatorAnswer& answer) {
    driver.process(process).host().want_override(kAdderSpec, 0, answer, driver.now_ms());
  }
  static std::int64_t sum(TestDriver& driver, TestDriver::ProcessId process) {
    return sum_of(*driver.task(process, "adder"), "b");
  }
  static std::string told(const TestDriver& driver) {
    std::string text;
    for (const Noticed& each : driver.notices()) {
      if (each.notice.kind == stream::TaskNotice::Kind::operator_record) {
        text += each.notice.text + "\n";
      }
    }
    return text;
  }

  const std::string path_ =
      (std::filesystem::path(::testing::TempDir()) / ("override-" + std::to_string(::getpid())))
          .string();
  std::unique_ptr<store::DeathNotes> notes_;
};

TEST_F(R23Override, ASkippedRecordsEventsAreDeadLettersAndTheTaskRunsOn) {
  TestDriver driver(after_deaths());
  const auto process = driver.start("disk");
  pay(driver);
  ASSERT_EQ(driver.status(process, "adder").phase, Phase::held);
  want(driver, process, skip_at(driver, 1));
  driver.advance(3000);
  const stream::TaskStatus adder = driver.status(process, "adder");
  EXPECT_EQ(adder.phase, Phase::running);
  EXPECT_EQ(adder.position, 3);
  EXPECT_EQ(sum(driver, process), 2);
  ASSERT_EQ(dead_letters(driver).size(), 1U);
  EXPECT_EQ(dead_letters(driver)[0].reason, stream::kReasonSkipped);
  EXPECT_EQ(dead_letters(driver)[0].origin.offset, 1);
  EXPECT_EQ(adder.dead_letters_open, 1U);
  driver.append(kToyIn, 0, replay(driver, "adder", {1, 0}, "b 1"));
  driver.advance(1000);
  EXPECT_EQ(sum(driver, process), 3) << "it was put aside, not lost";
  EXPECT_EQ(driver.status(process, "adder").dead_letters_open, 0U);
}

TEST_F(R23Override, IsRefusedWhenSomethingOfTheRecordWasTold) {
  TestDriver driver(after_deaths());
  const auto first = driver.start("first");
  notes_->note(kAdder, 0)->end(1);  // this one lives, and its outputs go out
  pay(driver);
  ASSERT_EQ(driver.received(kToyOut).events.size(), 3U);
  driver.kill(first);  // before its checkpoint
  for (int i = 0; i < 3; ++i) {
    open_notes()->note(kAdder, 0)->begin(1);
  }
  (void)open_notes();
  const auto second = driver.start("second");
  want(driver, second, skip_at(driver, 1));
  driver.advance(3000);
  EXPECT_EQ(dead_letters(driver).size(), 0U);
  EXPECT_NE(told(driver).find("refused"), std::string::npos) << told(driver);
  EXPECT_EQ(driver.received(kToyOut).diverged, 0U);
  const stream::TaskStatus adder = driver.status(second, "adder");
  if (adder.phase == Phase::held) {
    EXPECT_NE(adder.reason.find("the record was processed once, and told"), std::string::npos);
  } else {
    EXPECT_EQ(sum(driver, second), 3);
  }
}

TEST_F(R23Override, IsRefusedWhileThePublicRecordOfItStands) {
  TestDriver::Options options = world();
  for (stream::OutputSpec& output : options.specs[kAdderSpec].outputs) {
    if (output.shape == stream::RecordShape::single) {
      output.number_of = [](ByteView) { return std::optional<std::uint64_t>(2); };
    }
  }
  TestDriver driver(options);
  driver.append(kToyPublic, 0, as_bytes("b 2"));
  const auto process = driver.start("disk");
  want(driver, process, skip_at(driver, 1));
  pay(driver);
  driver.advance(3000);
  EXPECT_NE(told(driver).find("refused"), std::string::npos) << told(driver);
  EXPECT_EQ(sum(driver, process), 3);
}

TEST_F(R23Override, IsStateForWhoeverTakesOverBeforeACheckpointTellsOfIt) {
  TestDriver driver(world());
  const auto first = driver.start("first");
  want(driver, first, skip_at(driver, 1));
  pay(driver);
  ASSERT_EQ(sum(driver, first), 2);
  ASSERT_EQ(driver.status(first, "adder").checkpoint, 0U);
  driver.kill(first);
  const auto second = driver.start("second");  // knows of no wish
  driver.advance(3000);
  EXPECT_EQ(sum(driver, second), 2);
  EXPECT_EQ(driver.received(kToyOut).diverged, 0U);
  EXPECT_EQ(dead_letters(driver).size(), 1U);
  const std::vector<std::string> rows = driver.rows(second, "adder");
  ASSERT_TRUE(driver.stop(second));
  driver.lose_disk("second");
  const auto third = driver.start("third");
  driver.advance(3000);
  EXPECT_EQ(driver.rows(third, "adder"), rows) << "a row among the others";
}

TEST_F(R23Override, IsKeptByABaseAndAtAStandby) {
  TestDriver::Options options = world();
  options.task.base_every = 2;
  TestDriver driver(options);
  const auto owner = driver.start("owner");
  const auto standby = driver.start_standby("standby", "adder");
  want(driver, owner, skip_at(driver, 1));
  for (int i = 0; i < 8; ++i) {
    pay(driver, 1);
    driver.advance(1500);
  }
  ASSERT_GT(driver.status(owner, "adder").bases, 0U);
  const std::vector<std::string> rows = driver.rows(owner, "adder");
  driver.kill(owner);
  driver.process(standby).host().assign(kAdderSpec, 0, driver.now_ms());
  driver.advance(2000);
  EXPECT_EQ(driver.rows(standby, "adder"), rows);
  EXPECT_EQ(sum(driver, standby), 7);
}

// Whoever dies at any append of an admission leaves it admitted or not, and never half.
TEST_F(R23Override, IsWholeOrNotAtAllWhereverItsOwnerDies) {
  for (int append = 1;; ++append) {
    TestDriver driver(world());
    driver.start("source", {"source"});
    const auto first = driver.start("disk", {"adder"});
    want(driver, first, skip_at(driver, 1));
    driver.kill_at_append(first, append);
    pay(driver);
    driver.advance(3000);
    if (driver.alive(first)) {
      ASSERT_GT(append, 6) << "it was to die at each of its appends";
      return;
    }
    const auto second = driver.start("disk", {"adder"});
    want(driver, second, skip_at(driver, 1));
    driver.advance(5000);
    ASSERT_EQ(driver.status(second, "adder").phase, Phase::running) << append;
    ASSERT_EQ(driver.received(kToyOut).diverged, 0U) << append;
    ASSERT_EQ(sum(driver, second), 2) << append;
    ASSERT_EQ(dead_letters(driver).size(), 1U) << append;
  }
}

// An owner that is frozen at any step and woken after its successor has passed the record.
TEST_F(R23Override, OfAFormerOwnerIsIgnored) {
  for (int step = 1; step <= 25; ++step) {
    TestDriver driver(world());
    driver.start("source", {"source"});
    const auto zombie = driver.start("first", {"adder"});
    want(driver, zombie, skip_at(driver, 1));
    driver.freeze_at_step(zombie, step);
    pay(driver);
    driver.advance(100);
    const auto second = driver.start("second", {"adder"});
    driver.advance(2000);
    if (driver.is_frozen(zombie)) {
      driver.freeze(zombie, false);
    }
    driver.advance(3000);
    ASSERT_EQ(driver.received(kToyOut).diverged, 0U) << step;
    ASSERT_NE(driver.status(zombie, "adder").phase, Phase::held) << step;
    const std::int64_t skipped = sum(driver, second) == 2 ? 1 : 0;
    ASSERT_EQ(sum(driver, second), 3 - skipped) << step;
    ASSERT_EQ(dead_letters(driver).size(), static_cast<std::size_t>(skipped)) << step;
  }
}

TEST_F(R23Override, SaysWhenARecordWas) {
  TestDriver driver(world());
  const auto process = driver.start("disk");
  pay(driver, 1);
  const Timestamp before = driver.status(process, "source").now;
  driver.set_broker_skew(31 * kMinute);
  pay(driver, 1);
  ASSERT_TRUE(driver.status(process, "source").time_waiting);
  driver.set_broker_skew(0);
  OperatorRecord record = record_for(driver, "source");
  record.what = OverrideInput{1, OverrideAction::set_time, {before.ms + 7}};
  driver.process(process).host().want_override(0, 0, {OperatorVerdict::done, 0, {}, record},
                                               driver.now_ms());
  driver.advance(3000);
  EXPECT_FALSE(driver.status(process, "source").time_waiting);
  EXPECT_EQ(driver.status(process, "source").now.ms, before.ms + 7);
  EXPECT_EQ(driver.received(kToyMid).events.back().time.ms, before.ms + 7);
  EXPECT_EQ(sum(driver, process), 2);
}

TEST_F(R23Override, OfAnotherTaskOrOfThePastChangesNothing) {
  TestDriver driver(world());
  const auto process = driver.start("disk");
  pay(driver);
  driver.advance(3000);
  const std::uint64_t checkpoints = driver.status(process, "adder").checkpoint;
  OperatorAnswer other = skip_at(driver, 4);
  other.record.partition = 7;
  want(driver, process, other);
  OperatorAnswer unsigned_one = skip_at(driver, 4);
  unsigned_one.record.id = record_id(2);
  unsigned_one.verdict = OperatorVerdict::not_signed;
  want(driver, process, unsigned_one);
  OperatorAnswer past = skip_at(driver, 1);
  past.record.id = record_id(3);
  want(driver, process, past);
  pay(driver, 3);
  driver.advance(3000);
  EXPECT_EQ(sum(driver, process), 6);
  EXPECT_EQ(dead_letters(driver).size(), 0U);
  EXPECT_GT(driver.status(process, "adder").checkpoint, checkpoints);
}

// R22: where no switch record can be reached.
OperatorAnswer switch_at(TestDriver& driver, std::int64_t offset, std::uint32_t version) {
  OperatorAnswer answer = skip_at(driver, offset);
  answer.record.what = OverrideInput{offset, OverrideAction::switch_logic, {}, {version, {}}};
  return answer;
}

TEST_F(R23Override, R22TheNextLogicTakesTheRecordThatTheOldBuildCantTake) {
  TestDriver driver(after_deaths());
  auto process = driver.start("disk");
  pay(driver);
  ASSERT_EQ(driver.status(process, "adder").phase, Phase::held);
  want(driver, process, switch_at(driver, 1, 2));
  driver.advance(3000);
  EXPECT_EQ(driver.status(process, "adder").phase, Phase::switched);
  EXPECT_EQ(driver.status(process, "adder").reason,
            "switched to logic version 2 at input position 1");
  EXPECT_EQ(driver.status(process, "source").phase, Phase::running);
  ASSERT_TRUE(driver.stop(process));

  const auto old = driver.start("another disk", {"adder"});
  driver.run_until_idle();
  EXPECT_NE(driver.status(old, "adder").reason.find("refused by version"), std::string::npos)
      << driver.status(old, "adder").reason;
  driver.kill(old);
  notes_->note(kAdder, 0)->end(1);  // another binary, which nothing is known of
  driver.set_spec(next_adder_spec());
  for (const char* disk : {"disk", "the log alone"}) {
    process = driver.start(disk, {"adder"});
    driver.advance(3000);
    EXPECT_EQ(driver.status(process, "adder").phase, Phase::running) << disk;
    EXPECT_EQ(sum(driver, process), 1 + 10 + 10) << disk;
    driver.kill(process);
  }
  EXPECT_EQ(dead_letters(driver).size(), 0U);
  EXPECT_EQ(driver.received(kToyOut).diverged, 0U);
}

TEST_F(R23Override, R22ASwitchIsRefusedWhenSomethingBeyondItWasTold) {
  TestDriver driver(world());
  const auto first = driver.start("first");
  pay(driver);
  ASSERT_EQ(driver.received(kToyOut).events.size(), 3U);
  driver.kill(first);  // before its checkpoint
  const auto second = driver.start("second");
  want(driver, second, switch_at(driver, 1, 2));
  driver.advance(3000);
  EXPECT_NE(told(driver).find("processed once, and told"), std::string::npos) << told(driver);
  EXPECT_EQ(driver.status(second, "adder").phase, Phase::running);
  EXPECT_EQ(sum(driver, second), 3);
}

TEST_F(R23Override, R22ToAnythingButTheNextLogicIsRefused) {
  TestDriver driver(world());
  const auto process = driver.start("disk");
  want(driver, process, switch_at(driver, 1, 3));
  pay(driver);
  driver.advance(1000);
  EXPECT_NE(told(driver).find("version 3 is not next"), std::string::npos) << told(driver);
  EXPECT_EQ(sum(driver, process), 3);
}

// Tells, of each event, whether a task of another thread could take a suspect now.
class Watching final : public stream::Stage {
 public:
  Watching(std::unique_ptr<stream::Stage> inner, store::DeathNotes** notes, std::vector<bool>* free)
      : inner_(std::move(inner)), notes_(notes), free_(free) {}
  std::span<stream::TableBase* const> tables() override { return inner_->tables(); }
  std::optional<stream::DeadLetterReason> apply(const stream::Event& event, Timestamp now,
                                                stream::Emitter& emitter) override {
    std::thread([this] {
      const std::unique_lock<std::mutex> lock((*notes_)->trial(), std::try_to_lock);
      free_->push_back(lock.owns_lock());
    }).join();
    return inner_->apply(event, now, emitter);
  }
  void tick(Timestamp now, stream::Emitter& emitter) override { inner_->tick(now, emitter); }

 private:
  std::unique_ptr<stream::Stage> inner_;
  store::DeathNotes** notes_;
  std::vector<bool>* free_;
};

using R23Suspects = R23Override;

TEST_F(R23Suspects, AreProcessedOneAtATimeByAllThreadsOfTheProcess) {
  open_notes()->note(kAdder, 0)->begin(1);
  notes_ = open_notes();
  store::DeathNotes* notes = notes_.get();
  std::vector<bool> free;
  TestDriver::Options options = world();
  options.task.notes = notes;
  options.specs[kAdderSpec].make = [make = options.specs[kAdderSpec].make, &notes, &free](
                                       std::int32_t partition, std::int32_t partitions) {
    return std::make_unique<Watching>(make(partition, partitions), &notes, &free);
  };
  TestDriver driver(options);
  driver.start("disk");
  pay(driver);
  EXPECT_EQ(free, (std::vector<bool>{true, false, true})) << "the one that was in hand at a death";
}

using R23Asked = Operators;

TEST_F(R23Asked, AnOverrideIsAnsweredWhereItIsReadAndHandedOnToNobody) {
  OperatorRecord record = record_for(driver_, "adder");
  record.what = OverrideInput{17, OverrideAction::skip, {}};
  give(encode(record));
  ASSERT_EQ(answers(driver_).size(), 1U);
  const OperatorAnswer answer = answers(driver_)[0];
  EXPECT_EQ(answer.verdict, OperatorVerdict::done);
  EXPECT_EQ(stream::overridden_offset(answer), 17);
  const std::optional<stream::Override> override = stream::override_of(answer);
  ASSERT_TRUE(override);
  EXPECT_EQ(override->at.offset, 1) << "where the signed record stands";
  EXPECT_EQ(override->author, "ann");
  EXPECT_EQ(driver_.received(kToyMid).events.size(), 0U);
}

TEST_F(R23Asked, AnOverrideTakesTwoPeople) {
  const SigningKey ann = SigningKey::generate();
  const SigningKey ben = SigningKey::generate();
  for (const SigningKey* key : {&ann, &ben}) {
    OperatorRecord enrol = record_for(driver_, "source");
    enrol.what = stream::EnrolKey{key->public_key(), "somebody"};
    const Bytes bytes = encode(enrol);
    enrol.signatures = {{ann.public_key(), ann.sign(stream::signed_part(bytes))}};
    give(encode(enrol));
  }
  OperatorRecord record = record_for(driver_, "adder");
  record.what = OverrideInput{17, OverrideAction::skip, {}};
  const Bytes bytes = encode(record);
  record.signatures = {{ann.public_key(), ann.sign(stream::signed_part(bytes))}};
  give(encode(record));
  EXPECT_EQ(answers(driver_).back().verdict, OperatorVerdict::not_signed);
  EXPECT_FALSE(stream::override_of(answers(driver_).back()));
  record.signatures.push_back({ben.public_key(), ben.sign(stream::signed_part(bytes))});
  give(encode(record));
  EXPECT_EQ(answers(driver_).back().verdict, OperatorVerdict::done);
}

TEST(R23OverrideFormats, AreReadAsTheyWereWritten) {
  const stream::Override row{OverrideAction::set_time, {5}, {9, {8, 7}}, {{1}}, "ann", "why",
                             {{{2}}, 3, 4, 0}};
  Bytes bytes;
  ByteWriter out(bytes);
  stream::OverrideCodec::encode(row, out);
  ASSERT_EQ(stream::OverrideCodec::decode(bytes), row);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(stream::OverrideCodec::decode(ByteView(bytes).first(size)));
  }
  EXPECT_EQ(stream::OverrideCodec::key_from_text("12"), 12);
  EXPECT_FALSE(stream::OverrideCodec::key_from_text("x"));

  stream::OpenMarker marker;
  marker.kind = stream::OpenMarker::Kind::renewal;
  const std::size_t plain = encode(marker).size();
  marker.overrides = {bytes, {}};
  const Bytes record = encode(marker);
  EXPECT_EQ(record.size(), plain + 1 + 4 + bytes.size() + 4);
  const auto decoded = stream::decode_changelog(record);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(std::get<stream::OpenMarker>(*decoded).overrides, marker.overrides);
  marker.overrides.assign(stream::kOverridesInMarkerMax + 1, {});
  EXPECT_FALSE(stream::decode_changelog(encode(marker)));
}

TEST(R23OverrideFormats, AnOverrideOfNothingIsNoRecord) {
  OperatorRecord record;
  const auto is_read = [&record](const OverrideInput& what) {
    record.what = what;
    return stream::decode_operator_record(encode(record)).has_value();
  };
  EXPECT_TRUE(is_read({0, OverrideAction::skip, {}}));
  EXPECT_TRUE(is_read({0, OverrideAction::set_time, {1}}));
  EXPECT_FALSE(is_read({-1, OverrideAction::skip, {}}));
  EXPECT_FALSE(is_read({0, OverrideAction::skip, {1}}));
  EXPECT_FALSE(is_read({0, OverrideAction::set_time, {}}));
  EXPECT_TRUE(is_read({0, OverrideAction::switch_logic, {}, {2, {}}}));
  EXPECT_FALSE(is_read({0, OverrideAction::switch_logic, {}, {}}));
  EXPECT_FALSE(is_read({0, OverrideAction::skip, {}, {2, {}}}));
  EXPECT_FALSE(is_read({0, static_cast<OverrideAction>(9), {}}));
}

}  // namespace
}  // namespace kpay::test
