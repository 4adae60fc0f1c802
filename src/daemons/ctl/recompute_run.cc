#include "daemons/ctl/recompute_run.h"

#include <algorithm>
#include <memory>

#include "daemons/ctl/letters.h"
#include "daemons/ctl/standing_events.h"
#include "daemons/tool/tape.h"
#include "recompute/snapshot_log.h"
#include "stages/codecs.h"
#include "stages/specs.h"
#include "stream/changelog_reader.h"
#include "stream/restorer.h"

namespace kpay::ctl {

namespace {

using recompute::Comparison;
using recompute::Replica;
using recompute::Trails;

constexpr std::size_t kRowsPerSlice = 10'000;

class TaskRun {
 public:
  TaskRun(const tool::Reached& reached, const RecomputePlan& plan, const TaskPlan& task,
          const Trails& trails, bool every)
      : plan_(&plan),
        task_(&task),
        spec_(&plan.specs[task.spec]),
        every_(every),
        comparison_(setup(plan, task), trails, every),
        replica_(*spec_, task.partition, task.identity,
                 [this](const recompute::SentEvent& event) { take_event(event); }),
        reached_(&reached) {
    if (const stream::Marker* begin = task.begins_with(); begin != nullptr) {
      begun_with_ = begin->number;
    }
  }

  Result<TaskFindings> run(tool::TapeDeck& deck) {
    Result<void> ran = run_to_the_end(deck);
    if (ran && failed_ && every_ && !stopped_) {
      ran = compare_states(deck);
    }
    if (!ran || !failed_) {
      return Unexpected(ran ? failed_.error() : ran.error());
    }
    sum_accounts();
    return findings();
  }

 private:
  static Comparison::Setup setup(const RecomputePlan& plan, const TaskPlan& task) {
    const stream::StageSpec& spec = plan.specs[task.spec];
    Comparison::Setup setup;
    setup.task = {spec.number, task.partition};
    for (std::size_t output = 0; output <= spec.outputs.size(); ++output) {
      setup.single.push_back(output < spec.outputs.size() &&
                             spec.outputs[output].shape == stream::RecordShape::single);
      std::vector<bool>& begun = setup.begun.emplace_back();
      for (const stream::LogBounds& bounds : plan.bounds.at(output_topic(spec, output))) {
        begun.push_back(bounds.begin > 0);
      }
    }
    return setup;
  }

  Result<void> run_to_the_end(tool::TapeDeck& deck) {
    tool::Tape changelog(deck, reached_->topic(spec_->changelog()), task_->partition);
    tool::Tape input(deck, reached_->topic(spec_->input), task_->partition);
    reader_.keep_base_rows(false);
    Result<void> run = changelog.start(task_->changelog.begin);
    if (run) {
      run = begin(changelog);
    }
    if (run && task_->from() < task_->to()) {
      run = input.start(task_->from());
    }
    while (run && !over() && changelog.next() <= task_->end->offset) {
      run = run_to_next_marker(changelog, input);
    }
    return run && !over() ? comparison_.finish() : run;
  }

  [[nodiscard]] bool over() const { return comparison_.over() || stopped_; }

  void take_event(const recompute::SentEvent& event) {
    if (failed_) {
      failed_ = comparison_.take(event);
    }
  }

  Result<void> stop(const Error& error) {
    stopped_ = true;
    comparison_.stopped(replica_.position(), error.message);
    return {};
  }

  Result<void> begin_with(const stream::Snapshot& snapshot) {
    const Result<std::vector<Bytes>> records = recompute::changelog_of(snapshot);
    if (!records) {
      return Unexpected(records.error());
    }
    std::int64_t offset = recompute::kSnapshotLogBegin;
    replica_.begin_restoring({offset, offset + static_cast<std::int64_t>(records->size())},
                             snapshot.manifest.marker.registers);
    for (const Bytes& record : *records) {
      replica_.take_changelog({offset++, {}, {}, record});
    }
    reader_.keep_rows(true);
    const Result<void> restored = replica_.restored();
    return restored ? restored : stop(restored.error());
  }

  Result<void> begin(tool::Tape& changelog) {
    if (task_->snapshot) {
      return begin_with(*task_->snapshot);
    }
    if (!task_->begin) {
      const Result<void> begun = replica_.begin();
      return begun ? begun : stop(begun.error());
    }
    const std::int64_t end = task_->begin->offset + 1;
    replica_.begin_restoring({task_->changelog.begin, end}, task_->begin->marker.registers);
    Result<void> read = changelog.read(end, [&](const stream::LogRecord& record) {
      (void)reader_.feed(record.offset, record.value);
      replica_.take_changelog(record);
      return true;
    });
    if (!read) {
      return read;
    }
    reader_.keep_rows(true);
    const Result<void> restored = replica_.restored();
    return restored ? restored : stop(restored.error());
  }

  // The next marker of the changelog, the input up to it, and what both came to.
  Result<void> run_to_next_marker(tool::Tape& changelog, tool::Tape& input) {
    bool met = false;
    Result<void> read =
        changelog.read(task_->end->offset + 1, [&](const stream::LogRecord& record) {
          const stream::Verdict verdict = reader_.feed(record.offset, record.value);
          met = verdict == stream::Verdict::checkpoint && reader_.marker().number > begun_with_;
          if (verdict == stream::Verdict::opened) {
            replica_.admit(reader_.open());
          }
          return !met;
        });
    if (!read || !met) {
      return read;
    }
    const stream::Marker& marker = reader_.marker();
    Result<void> taken;
    read = input.read(marker.registers.position, [&](const stream::LogRecord& record) {
      ++records_;
      taken = replica_.take(record);
      return taken.has_value() && !comparison_.over();
    });
    if (!read || comparison_.over()) {
      return read;
    }
    const Result<const recompute::Checkpoint*> closed =
        taken ? replica_.checkpoint() : Unexpected(taken.error());
    if (!closed) {
      return stop(closed.error());
    }
    if ((*closed)->marker.number > 0) {  // else nothing has happened yet, there or here
      comparison_.take({&marker, reader_.rows()}, **closed, replica_.tables());
    }
    return {};
  }

  // The rows that the changelog has at the end, in tables of their own.
  Result<void> compare_states(tool::TapeDeck& deck) {
    Replica there(*spec_, task_->partition, task_->identity, [](const recompute::SentEvent&) {});
    stream::Restorer restorer(there.tables(), std::nullopt);
    tool::Tape changelog(deck, reached_->topic(spec_->changelog()), task_->partition);
    Result<void> fed = changelog.start(task_->changelog.begin);
    if (!fed) {
      return fed;
    }
    Result<void> read =
        changelog.read(task_->end->offset + 1, [&](const stream::LogRecord& record) {
          const Result<stream::Verdict> verdict = restorer.feed(record.offset, record.value);
          (void)restorer.take_tail();
          fed = verdict ? Result<void>() : Unexpected(verdict.error());
          return verdict.has_value();
        });
    if (!read || !fed) {
      return read ? fed : read;
    }
    if (!restorer.proven()) {
      findings_.first_rows.push_back("the changelog doesn't prove a whole state to compare with");
      return {};
    }
    for (std::size_t i = 0; i < replica_.tables().size(); ++i) {
      compare_tables(*replica_.tables()[i], *there.tables()[i]);
    }
    return {};
  }

  void compare_tables(stream::TableBase& own, stream::TableBase& there) {
    const auto differs = [&](ByteView key, std::optional<ByteView> mine,
                             std::optional<ByteView> theirs) {
      ++findings_.rows[own.name()];
      if (findings_.first_rows.size() < recompute::kDifferencesKept) {
        findings_.first_rows.push_back(own.name() + " " + own.key_text(key) + ": " +
                                       recompute::row_difference(own, mine, theirs));
      }
    };
    for_each_row(own, [&](ByteView key, std::optional<ByteView> value) {
      const std::optional<Bytes> other = there.get(key);
      if (!other || !equal(*other, *value)) {
        differs(key, value, other ? std::optional<ByteView>(*other) : std::nullopt);
      }
    });
    for_each_row(there, [&](ByteView key, std::optional<ByteView> value) {
      if (!own.get(key)) {
        differs(key, std::nullopt, value);
      }
    });
  }

  static void for_each_row(stream::TableBase& table, const stream::RowSink& sink) {
    table.freeze([](ByteView, std::optional<ByteView>) {});
    table.base_begin();
    while (table.base_slice(kRowsPerSlice, sink)) {
    }
    table.base_end();
  }

  void sum_accounts() {
    using Codec = stages::RowCodec<stages::AccountKey, core::AccountRow>;
    if (spec_->number != stages::kAccount) {
      return;
    }
    for_each_row(*replica_.tables()[0], [this](ByteView, std::optional<ByteView> value) {
      if (const std::optional<core::AccountRow> row = Codec::decode(*value)) {
        ++findings_.accounts;
        findings_.balances[std::string(row->currency.text())] += row->balance;
      }
    });
  }

  TaskFindings findings() {
    findings_.first = comparison_.first();
    findings_.counts = comparison_.counts();
    findings_.events = comparison_.events();
    findings_.markers = comparison_.markers();
    findings_.records = records_;
    return std::move(findings_);
  }

  const RecomputePlan* plan_;
  const TaskPlan* task_;
  const stream::StageSpec* spec_;
  bool every_;
  Comparison comparison_;
  Replica replica_;
  const tool::Reached* reached_;
  stream::ChangelogReader reader_{true};
  Result<void> failed_;  // of the trails
  bool stopped_ = false;
  std::uint64_t begun_with_ = 0;  // the marker's number: earlier ones are not compared
  std::uint64_t records_ = 0;
  TaskFindings findings_;
};

}  // namespace

bool Recomputation::equal() const noexcept {
  return notes.empty() && std::all_of(tasks.begin(), tasks.end(),
                                      [](const TaskFindings& each) { return each.equal(); });
}

Result<Recomputation> recompute_tasks(
    const tool::Reached& reached, const RecomputePlan& plan, bool every,
    const std::function<void(const std::string& doing)>& progress) {
  Recomputation done;
  Trails trails;
  if (Result<void> read = gather_events(reached, plan, trails, done.notes, progress); !read) {
    return Unexpected(read.error());
  }
  Result<std::unique_ptr<tool::TapeDeck>> deck = tool::TapeDeck::connect(reached.connection.client);
  if (!deck) {
    return Unexpected(deck.error());
  }
  for (std::size_t i = 0; i < plan.tasks.size(); ++i) {
    const TaskPlan& task = plan.tasks[i];
    const std::string name = task_text({plan.specs[task.spec].number, task.partition});
    if (!task.rejected.empty()) {
      done.notes.push_back("changelog of " + name + ", " + task.rejected);
    }
    if (!task.end) {
      continue;
    }
    progress("running " + name);
    Result<TaskFindings> found = TaskRun(reached, plan, task, trails, every).run(**deck);
    if (!found) {
      return Unexpected(found.error().code, name + ": " + found.error().message);
    }
    found->plan = i;
    done.tasks.push_back(std::move(*found));
  }
  return done;
}

}  // namespace kpay::ctl
