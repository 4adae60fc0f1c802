#include "daemons/ctl/recompute_plan.h"

#include <algorithm>

#include "daemons/ctl/letters.h"
#include "daemons/ctl/senders.h"
#include "daemons/tool/sweep.h"
#include "stages/specs.h"
#include "stream/changelog_reader.h"
#include "stream/topics.h"

namespace kpay::ctl {

struct BeginningFinder::State {
  TaskPlan* plan = nullptr;
  const PlanWishes* wishes = nullptr;
  stream::ChangelogReader reader{false};
  bool whole = false;                     // a state stands behind what is accepted
  std::optional<PlacedMarker> earliest;   // that the input goes on from
  std::optional<PlacedMarker> preferred;  // the last one before `since`
};

BeginningFinder::BeginningFinder(TaskPlan& plan, const PlanWishes& wishes)
    : state_(std::make_unique<State>()) {
  state_->plan = &plan;
  state_->wishes = &wishes;
}
BeginningFinder::~BeginningFinder() = default;
BeginningFinder::BeginningFinder(BeginningFinder&&) noexcept = default;

void BeginningFinder::take(const stream::LogRecord& record) {
  State& state = *state_;
  TaskPlan& plan = *state.plan;
  switch (state.reader.feed(record.offset, record.value)) {
    case stream::Verdict::opened:
      plan.identity = state.reader.open().identity;
      state.whole = state.whole || state.reader.from_genesis();
      return;
    case stream::Verdict::base: state.whole = true; return;
    case stream::Verdict::rejected:
      if (plan.rejected.empty()) {
        plan.rejected = "offset " + std::to_string(record.offset) + ": " + state.reader.reason();
      }
      return;
    case stream::Verdict::checkpoint: break;
    default: return;
  }
  PlacedMarker placed{state.reader.marker(), record.offset, record.appended};
  const std::optional<Timestamp>& until = state.wishes->until;
  if (until && placed.at >= *until) {
    return;
  }
  const bool begins = state.whole && placed.marker.registers.position >= plan.input.begin;
  if (begins && !state.earliest) {
    state.earliest = placed;
  }
  if (begins && state.wishes->since && placed.at <= *state.wishes->since) {
    state.preferred = placed;
  }
  plan.end = std::move(placed);
}

namespace {

// Those that the run could begin with, by marker.
Result<std::vector<const stream::Snapshot*>> usable_snapshots(
    const std::vector<stream::Snapshot>& snapshots, const TaskPlan& plan, const std::string& task) {
  std::vector<const stream::Snapshot*> usable;
  for (const stream::Snapshot& each : snapshots) {
    const stream::SnapshotManifest& manifest = each.manifest;
    if (task != manifest.stage + "/" + std::to_string(manifest.partition)) {
      continue;
    }
    if (!(manifest.identity == plan.identity)) {
      return Unexpected(ErrorCode::invalid, each.folder +
                                                ": a snapshot of another system: its "
                                                "cluster, lineage or topics differ");
    }
    const std::int64_t position = manifest.marker.registers.position;
    if (position >= plan.input.begin && position <= plan.to()) {
      usable.push_back(&each);
    }
  }
  std::sort(usable.begin(), usable.end(), [](const auto* left, const auto* right) {
    return left->manifest.marker.number < right->manifest.marker.number;
  });
  return usable;
}

}  // namespace

// The last state before `since`; where there is none, and the input's beginning is gone, the first
// one that there is.
Result<void> BeginningFinder::finish(const std::string& task) {
  TaskPlan& plan = *state_->plan;
  const Result<std::vector<const stream::Snapshot*>> kept =
      usable_snapshots(state_->wishes->snapshots, plan, task);
  if (!kept) {
    return Unexpected(kept.error());
  }
  plan.begin = state_->preferred;
  for (const stream::Snapshot* each : *kept) {
    const std::uint64_t known = plan.begin ? plan.begin->marker.number : 0;
    if (state_->wishes->since && each->manifest.taken <= *state_->wishes->since &&
        each->manifest.marker.number > known) {
      plan.snapshot = *each;
    }
  }
  if (plan.begins_with() != nullptr || plan.input.begin == 0) {
    return {};
  }
  plan.begin = state_->earliest;
  if (!kept->empty() &&
      (!plan.begin || kept->front()->manifest.marker.number < plan.begin->marker.number)) {
    plan.snapshot = *kept->front();
  }
  if (plan.end && plan.begins_with() == nullptr) {
    return Unexpected(ErrorCode::not_found,
                      "the input of " + task + " begins at offset " +
                          std::to_string(plan.input.begin) +
                          ", and no checkpoint that its changelog still proves goes on from there: "
                          "wait for its next base, or name a folder of snapshots");
  }
  return {};
}

namespace {

Result<void> take_bounds(const tool::Reached& reached, RecomputePlan& plan,
                         const std::optional<stream::SenderId>& only) {
  std::map<std::string, std::vector<stream::LogBounds>> found;
  const auto ask = [&](const std::string& topic) -> Result<void> {
    if (found.contains(topic)) {
      return {};
    }
    Result<std::vector<stream::LogBounds>> bounds = reached.bounds(topic);
    if (!bounds) {
      return Unexpected(bounds.error());
    }
    found[topic] = std::move(*bounds);
    return {};
  };
  // The changelogs first: what their markers cover is in the topics that are asked later (R15).
  std::vector<std::string> topics;
  for (const stream::StageSpec& spec : plan.specs) {
    topics.push_back(spec.changelog());
  }
  for (const stream::StageSpec& spec : plan.specs) {
    for (const stream::OutputSpec& output : spec.outputs) {
      topics.push_back(output.topic);
    }
    topics.push_back(spec.input);
  }
  topics.emplace_back(stream::kDeadLetterTopic);
  for (const std::string& topic : topics) {
    if (Result<void> asked = ask(topic); !asked) {
      return asked;
    }
  }
  for (std::size_t i = 0; i < plan.specs.size(); ++i) {
    for (std::int32_t p = 0; p < reached.partitions; ++p) {
      if (only && (only->stage != plan.specs[i].number || only->partition != p)) {
        continue;
      }
      TaskPlan& task = plan.tasks.emplace_back();
      task.spec = i;
      task.partition = p;
      task.changelog = found[plan.specs[i].changelog()][static_cast<std::size_t>(p)];
      task.input = found[plan.specs[i].input][static_cast<std::size_t>(p)];
    }
  }
  plan.bounds = std::move(found);
  return {};
}

}  // namespace

Result<RecomputePlan> plan_recomputation(const tool::Reached& reached, const PlanWishes& wishes) {
  RecomputePlan plan;
  plan.specs = stages::all_specs();
  std::optional<stream::SenderId> only;
  if (!wishes.task.empty()) {
    only = parse_task(wishes.task);
    if (!only || only->partition >= reached.partitions) {
      return Unexpected(ErrorCode::invalid, "\"" + wishes.task +
                                                "\" is no task: as account/3, of " +
                                                std::to_string(reached.partitions) + " partitions");
    }
  }
  if (Result<void> found = take_bounds(reached, plan, only); !found) {
    return Unexpected(found.error());
  }
  std::vector<tool::SweepPart> parts;
  std::vector<BeginningFinder> finders;
  for (TaskPlan& task : plan.tasks) {
    parts.push_back({reached.topic(plan.specs[task.spec].changelog()), task.partition,
                     task.changelog.begin, task.changelog.end});
    finders.emplace_back(task, wishes);
  }
  Result<std::unique_ptr<tool::Sweep>> sweep =
      tool::Sweep::start(reached.connection.client, std::move(parts));
  if (!sweep) {
    return Unexpected(sweep.error());
  }
  Result<void> read = (*sweep)->run(
      [&](std::size_t part, const stream::LogRecord& record) { finders[part].take(record); });
  for (std::size_t i = 0; read && i < finders.size(); ++i) {
    const TaskPlan& task = plan.tasks[i];
    read = finders[i].finish(task_text({plan.specs[task.spec].number, task.partition}));
  }
  if (!read) {
    return Unexpected(read.error());
  }
  return plan;
}

}  // namespace kpay::ctl
