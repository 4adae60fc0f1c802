// The tasks of a run with crashes, run again over what its log holds: everything is equal, from the
// first input and from any checkpoint; and one byte more, less or other is named.
#include "recompute/comparison.h"
#include "recompute/snapshot_log.h"

#include <unistd.h>

#include <filesystem>

#include "audit/pipeline.h"
#include "stream/changelog_reader.h"
#include "stream/topics.h"

namespace kpay::recompute {
namespace {

using audit::kPartitions;
using audit::Pipeline;

struct Placed {
  stream::Marker marker;
  Bytes rows;
  std::int64_t offset = 0;
};

// One task of a run in memory, and what the run's topics hold of it.
class Rerun {
 public:
  Rerun(Pipeline& run, const stream::StageSpec& spec, std::int32_t partition)
      : run_(&run), spec_(spec), partition_(partition) {
    stream::ChangelogReader reader(true);
    each(spec_.changelog(), partition_, [&](const stream::LogRecord& record) {
      const stream::Verdict verdict = reader.feed(record.offset, record.value);
      if (verdict == stream::Verdict::checkpoint) {
        markers.push_back({reader.marker(), reader.rows(), record.offset});
      } else if (verdict == stream::Verdict::opened) {
        identity_ = reader.open().identity;
      }
    });
  }

  /// Events of the topics, for a run that begins at that marker; none: at the beginning.
  void gather(const Placed* begin) {
    for (std::size_t output = 0; output <= spec_.outputs.size(); ++output) {
      for (std::int32_t p = 0; p < kPartitions; ++p) {
        const Lane lane{{spec_.number, partition_}, static_cast<std::uint16_t>(output), p};
        std::uint64_t before = 0;
        if (begin != nullptr && begin->marker.registers.outputs.contains({lane.output, p})) {
          before = begin->marker.registers.outputs.at({lane.output, p}).last;
        }
        gather_lane(lane, before);
      }
    }
  }

  /// With `snapshot`: begins with that one of marker `begin`, without the changelog before it.
  Comparison run(const Placed* begin, bool every = false,
                 const std::optional<stream::Snapshot>& snapshot = std::nullopt) {
    Comparison comparison(setup(), trails_, every);
    Replica replica(spec_, partition_, identity_, [&](const SentEvent& event) {
      EXPECT_TRUE(comparison.take(event).has_value());
    });
    if (begin == nullptr) {
      EXPECT_TRUE(replica.begin().has_value());
    } else if (snapshot) {
      const Result<std::vector<Bytes>> records = changelog_of(*snapshot);
      EXPECT_TRUE(records.has_value());
      std::int64_t offset = kSnapshotLogBegin;
      replica.begin_restoring({offset, offset + static_cast<std::int64_t>(records->size())},
                              snapshot->manifest.marker.registers);
      for (const Bytes& record : *records) {
        replica.take_changelog({offset++, {}, {}, record});
      }
      EXPECT_TRUE(replica.restored().has_value());
    } else {
      replica.begin_restoring({0, begin->offset + 1}, begin->marker.registers);
      each(spec_.changelog(), partition_, [&](const stream::LogRecord& record) {
        if (record.offset <= begin->offset) {
          replica.take_changelog(record);
        }
      });
      EXPECT_TRUE(replica.restored().has_value());
    }
    for (const Placed& placed : markers) {
      if (begin != nullptr && placed.offset <= begin->offset) {
        continue;
      }
      each(spec_.input, partition_, [&](const stream::LogRecord& record) {
        if (record.offset >= replica.position() &&
            record.offset < placed.marker.registers.position) {
          EXPECT_TRUE(replica.take(record).has_value());
        }
      });
      const Result<const Checkpoint*> closed = replica.checkpoint();
      EXPECT_TRUE(closed.has_value());
      if ((*closed)->marker.number > 0) {
        comparison.take({&placed.marker, placed.rows}, **closed, replica.tables());
      }
    }
    EXPECT_TRUE(comparison.finish().has_value());
    return comparison;
  }

  /// A snapshot of the state at that marker, under `folder`.
  Result<stream::Snapshot> snapshot(const Placed& at, const std::filesystem::path& folder) const {
    stream::SnapshotManifest manifest;
    manifest.stage = spec_.name;
    manifest.partition = partition_;
    manifest.identity = identity_;
    manifest.instance = "a";
    const Bytes whose = stream::file_identity(spec_.name, partition_, identity_);
    auto store = store::StateFile::open({(folder / "state.db").string(), whose});
    for (const Placed& each : markers) {
      std::vector<store::StoredRow> rows;
      ByteReader in(each.rows);
      while (const std::optional<stream::RowView> row = stream::get_row(in)) {
        rows.push_back({row->table, row->key, row->value});
      }
      EXPECT_TRUE((*store)->commit(rows, encode(each.marker), false));
      if (each.offset == at.offset) {
        break;
      }
    }
    const std::filesystem::path making = folder / "making";
    std::filesystem::create_directories(making);
    EXPECT_TRUE((*store)->begin_copy((making / stream::kSnapshotFile).string()));
    while (!*(*store)->copy_more(100)) {
    }
    return stream::finish_snapshot(making.string(), folder.string(), std::move(manifest));
  }

  std::vector<Placed> markers;
  /// Asked for each event before it is noted: it may change it; false drops it.
  std::function<bool(const Lane&, std::uint64_t number, Standing&)> change;

 private:
  Comparison::Setup setup() const {
    Comparison::Setup setup;
    setup.task = {spec_.number, partition_};
    for (std::size_t output = 0; output <= spec_.outputs.size(); ++output) {
      setup.single.push_back(is_single(output));
      setup.begun.emplace_back(kPartitions, false);
    }
    return setup;
  }

  bool is_single(std::size_t output) const {
    return output < spec_.outputs.size() &&
           spec_.outputs[output].shape == stream::RecordShape::single;
  }

  void each(std::string_view topic, std::int32_t partition,
            const std::function<void(const stream::LogRecord&)>& taker) {
    const stream::TopicIndex index = run_->driver().topics().index_of(topic);
    const stream::LogBounds bounds = run_->driver().log().bounds(index, partition);
    for (std::int64_t offset = bounds.begin; offset < bounds.end; ++offset) {
      taker(**run_->driver().log().read(index, partition, offset));
    }
  }

  void note(const Lane& lane, std::uint64_t number, Standing event) {
    if (!change || change(lane, number, event)) {
      EXPECT_TRUE(trails_.add(lane, number, event).has_value());
    }
  }

  void gather_lane(const Lane& lane, std::uint64_t before) {
    const std::string topic = lane.output < spec_.outputs.size()
                                  ? spec_.outputs[lane.output].topic
                                  : std::string(stream::kDeadLetterTopic);
    if (is_single(lane.output) && lane.partition != partition_) {
      return;
    }
    const std::int64_t end = markers.back().marker.registers.position;
    std::uint64_t last = 0;
    wire::ResultCodec codec;
    core::PaymentResult result;
    stream::Frame frame;
    each(topic, lane.partition, [&](const stream::LogRecord& record) {
      if (is_single(lane.output)) {
        EXPECT_FALSE(codec.decode(record.value, result));
        if (result.number == last + 1 && ++last > before) {
          note(lane, last, {-1, record.offset, event_hash(record.key, record.value), 0, 0});
        }
        return;
      }
      if (!stream::read_frame(record.value, frame) || !(frame.sender == lane.sender)) {
        return;
      }
      for (std::size_t i = 0; i < frame.events.size(); ++i) {
        const stream::Frame::Item& item = frame.events[i];
        if (frame.first + i == last + 1 && ++last > before && item.header.cause_offset < end) {
          note(
              lane, last,
              {item.header.cause_offset, record.offset, event_hash(item.header_bytes, item.payload),
               item.header.cause_index, static_cast<std::uint32_t>(i)});
        }
      }
    });
  }

  Pipeline* run_;
  stream::StageSpec spec_;
  std::int32_t partition_;
  stream::Identity identity_;
  Trails trails_;
};

// Payments of every kind, with a crash now and then.
std::unique_ptr<Pipeline> lively_run() {
  auto run = std::make_unique<Pipeline>();
  std::mt19937 dice(5);
  auto process = run->driver().start("a");
  for (int i = 0; i < 6; ++i) {
    run->some(40);
    run->driver().kill_at_append(process, static_cast<std::int64_t>(dice() % 80));
    run->advance(900);
    if (!run->driver().alive(process)) {
      process = run->driver().start("b");
    }
    run->advance(1200);
  }
  run->advance(12'000);
  return run;
}

std::string told(const Comparison& comparison) {
  std::string text;
  for (const Difference& each : comparison.first()) {
    text += std::string(to_string(each.kind)) + " at input " + std::to_string(each.position) +
            " output " + std::to_string(each.output) + "/" + std::to_string(each.partition) +
            " number " + std::to_string(each.number) + ": " + each.text + "\n";
  }
  return text;
}

TEST(Recompute, R2EveryTaskRunAgainSaysAndKeepsTheSame) {
  const auto run = lively_run();
  std::uint64_t events = 0;
  std::uint64_t markers = 0;
  for (const stream::StageSpec& spec : stages::all_specs()) {
    for (std::int32_t p = 0; p < kPartitions; ++p) {
      Rerun again(*run, spec, p);
      again.gather(nullptr);
      const Comparison comparison = again.run(nullptr);
      EXPECT_TRUE(comparison.first().empty()) << spec.name << "/" << p << ": " << told(comparison);
      events += comparison.events();
      markers += comparison.markers();
    }
  }
  EXPECT_GT(events, 1000U);
  EXPECT_GT(markers, 60U);
}

TEST(Recompute, R14ARunMayBeginAtAnyCheckpointOfTheChangelog) {
  const auto run = lively_run();
  for (const stream::StageSpec& spec : stages::all_specs()) {
    const Rerun look(*run, spec, 1);
    ASSERT_GT(look.markers.size(), 4U);
    for (const std::size_t at : {std::size_t{0}, look.markers.size() / 2}) {
      Rerun again(*run, spec, 1);
      const Placed begin = again.markers[at];
      again.gather(&begin);
      const Comparison comparison = again.run(&begin);
      EXPECT_TRUE(comparison.first().empty()) << spec.name << ": " << told(comparison);
      EXPECT_EQ(comparison.markers(), again.markers.size() - at - 1);
    }
  }
}

TEST(Recompute, R14ARunMayBeginAtASnapshotWhoseChangelogIsGone) {
  const auto run = lively_run();
  const std::filesystem::path root = std::filesystem::path(::testing::TempDir()) /
                                     ("kpay-recompute-" + std::to_string(::getpid()));
  for (const stream::StageSpec& spec : stages::all_specs()) {
    const std::filesystem::path folder = root / spec.name;
    std::filesystem::create_directories(folder);
    Rerun again(*run, spec, 1);
    const std::size_t at = again.markers.size() / 2;
    const Placed begin = again.markers[at];
    const Result<stream::Snapshot> snapshot = again.snapshot(begin, folder);
    ASSERT_TRUE(snapshot.has_value()) << snapshot.error().message;
    again.gather(&begin);
    const Comparison comparison = again.run(&begin, false, *snapshot);
    EXPECT_TRUE(comparison.first().empty()) << spec.name << ": " << told(comparison);
    EXPECT_EQ(comparison.markers(), again.markers.size() - at - 1);
  }
  std::filesystem::remove_all(root);
}

// What a lane of the account stage holds is changed, and the difference is found where it is.
Comparison run_changed(Pipeline& run,
                       const std::function<bool(const Lane&, std::uint64_t, Standing&)>& change,
                       bool every = false) {
  Rerun again(run, stages::account_spec(), 0);
  again.change = change;
  again.gather(nullptr);
  return again.run(nullptr, every);
}

TEST(Recompute, R7AnEventWithOtherBytesIsNamedWithItsNumberAndCause) {
  const auto run = lively_run();
  std::int64_t cause = -1;
  const Comparison comparison =
      run_changed(*run, [&](const Lane& lane, std::uint64_t number, Standing& event) {
        if (lane.output == 1 && lane.partition == 0 && number == 5) {
          event.hash ^= 1U;
          cause = event.cause_offset;
        }
        return true;
      });
  ASSERT_EQ(comparison.first().size(), 1U);
  const Difference& first = comparison.first().front();
  EXPECT_EQ(first.kind, DifferenceKind::changed);
  EXPECT_EQ(first.number, 5U);
  EXPECT_EQ(first.position, cause);
  EXPECT_EQ(std::pair(first.output, first.partition), std::pair(std::uint16_t{1}, 0));
  ASSERT_TRUE(first.stands.has_value());
  EXPECT_TRUE(first.expected.has_value());
}

TEST(Recompute, R7AnEventThatIsGoneIsMissingAndTheRestIsEqual) {
  const auto run = lively_run();
  const Comparison comparison = run_changed(
      *run,
      [](const Lane& lane, std::uint64_t number, Standing&) {
        return !(lane.output == 1 && lane.partition == 0 && number == 7);
      },
      true);
  EXPECT_EQ(comparison.counts().size(), 1U);
  EXPECT_EQ(comparison.counts().at({DifferenceKind::missing, 1}), 1U) << told(comparison);
}

TEST(Recompute, R9AnEventWhoseCauseDoesntCauseItIsUnexpected) {
  const auto run = lively_run();
  Rerun again(*run, stages::account_spec(), 0);
  const std::int64_t end = again.markers.back().marker.registers.position;
  bool forged = false;
  again.change = [&](const Lane& lane, std::uint64_t, Standing& event) {
    if (lane.output == 1 && lane.partition == 0) {
      forged = true;
      event.cause_index += event.cause_offset == end - 1 ? 0U : 100'000U;
    }
    return true;
  };
  again.gather(nullptr);
  const Comparison comparison = again.run(nullptr, true);
  ASSERT_TRUE(forged);
  const std::uint64_t gone = comparison.counts().at({DifferenceKind::missing, 1});
  EXPECT_EQ(comparison.counts().at({DifferenceKind::unexpected, 1}), gone);
}

TEST(Recompute, R14ARowThatDiffersIsNamedWithItsFields) {
  const auto run = lively_run();
  Rerun again(*run, stages::account_spec(), 0);
  again.gather(nullptr);
  // The first account's row of the first checkpoint that has one, with another value at its end.
  std::size_t changed = 0;
  for (Placed& placed : again.markers) {
    Bytes rows;
    ByteWriter out(rows);
    ByteReader in(placed.rows);
    while (const std::optional<stream::RowView> row = stream::get_row(in)) {
      std::optional<Bytes> value;
      if (row->value) {
        value = to_bytes(*row->value);
        if (row->table == 0 && changed == 0) {
          value->back() = static_cast<std::byte>(static_cast<unsigned>(value->back()) ^ 1U);
          ++changed;
        }
      }
      stream::put_row(out, row->table, row->key,
                      value ? std::optional<ByteView>(*value) : std::nullopt);
    }
    placed.rows = rows;
    if (changed == 1) {
      placed.marker.state_hash.low ^= 1U;
      break;
    }
  }
  ASSERT_EQ(changed, 1U);
  const Comparison comparison = again.run(nullptr);
  ASSERT_EQ(comparison.first().size(), 1U);
  EXPECT_EQ(comparison.first().front().kind, DifferenceKind::row);
  EXPECT_TRUE(comparison.first().front().text.starts_with("table accounts, acc-"))
      << comparison.first().front().text;
}

TEST(Recompute, R14AStateHashThatDiffersAloneIsNamed) {
  const auto run = lively_run();
  Rerun again(*run, stages::intake_spec(), 2);
  again.gather(nullptr);
  again.markers[3].marker.state_hash.high ^= 4U;
  const Comparison comparison = again.run(nullptr);
  ASSERT_EQ(comparison.first().size(), 1U);
  EXPECT_EQ(comparison.first().front().kind, DifferenceKind::marker);
  EXPECT_EQ(comparison.first().front().number, again.markers[3].marker.number);
}

TEST(Recompute, TrailsKeepMoreThanFitsInMemoryChunks) {
  Trails trails;
  const Lane one{{1, 0}, 0, 0};
  const Lane two{{1, 0}, 0, 1};
  for (std::uint64_t i = 0; i < 2000; ++i) {
    ASSERT_TRUE(trails.add(one, i + 11, {static_cast<std::int64_t>(i), 0, i * 3, 0, 0}));
    if (i % 3 == 0) {
      ASSERT_TRUE(trails.add(two, i / 3 + 1, {static_cast<std::int64_t>(i), 0, i * 5, 0, 0}));
    }
  }
  Trails::Reader reader = trails.read(one);
  for (std::uint64_t i = 0; i < 2000; ++i, reader.take()) {
    ASSERT_EQ(reader.number(), i + 11);
    ASSERT_EQ((*reader.peek())->hash, i * 3);
  }
  EXPECT_EQ(*reader.peek(), nullptr);
  EXPECT_EQ(*trails.read({{2, 0}, 0, 0}).peek(), nullptr);
}

}  // namespace
}  // namespace kpay::recompute
