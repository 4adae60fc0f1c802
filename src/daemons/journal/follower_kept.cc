// Follower: where it begins, and what it leaves for the next start.
#include "base/time.h"
#include "daemons/journal/follower.h"

namespace kpay::journal {

namespace {

constexpr const char* kStage = "auditor";  // in events of state files: it is of no stage

}  // namespace

Result<void> Follower::identify(audit::Auditor::Setup& setup) {
  kafka::Admin& admin = reached_.reader->admin();
  Result<std::string> cluster = admin.cluster_id(tool::kAnswerMs);
  if (!cluster) {
    return Unexpected(cluster.error());
  }
  identity_.cluster_id = std::move(*cluster);
  identity_.partitions = reached_.partitions;
  for (std::size_t i = 0; i < audit::kTopics; ++i) {
    const std::string name = reached_.topic(audit::name_of(static_cast<audit::Topic>(i)));
    Result<std::vector<kafka::TopicInfo>> infos = admin.describe({name}, tool::kAnswerMs);
    if (!infos || infos->empty()) {
      return Unexpected(infos ? Error{ErrorCode::not_found, name + " is missing"} : infos.error());
    }
    identity_.topic_ids.push_back(infos->front().id);
    if (i < setup.input_ids.size()) {
      setup.input_ids[i] = infos->front().id;
    }
  }
  return {};
}

// The query side's file has to have all that was told before the kept state. One that hasn't, since
// it was deleted or is an older copy, is built again by reading the log from its beginning; or it
// begins with what every account has now, when that is trimmed, or was found to be wrong: findings
// are kept for good. Gives why the kept state is not to be used; or nothing.
std::string Follower::catch_queries_up(audit::Auditor::Setup& setup, ByteView kept,
                                       const Bounds& bounds) {
  if (queries_->reaches(auditor_->next())) {
    return {};
  }
  bool whole = auditor_->findings().total() == 0;
  for (std::size_t i = 0; i < audit::kTopics; ++i) {
    for (const stream::LogBounds& each : bounds[i]) {
      whole = whole && (each.begin == 0 || !needs_whole(static_cast<audit::Topic>(i)));
    }
  }
  if (whole) {
    return "the query side's file is behind it, and the whole log is there to be read again";
  }
  queries_->begin_anew(auditor_->newest().ms + 1);
  setup.witness = queries_->witness();
  auditor_ = std::make_unique<audit::Auditor>(setup);
  (void)auditor_->take_up(kept);  // as a moment ago
  if (setup.witness != nullptr) {
    auditor_->carry_over();
  }
  return {};
}

// Goes on from what an earlier process has kept, if the log still goes on from there. What can't be
// used is told, and stays on the disk under another name.
void Follower::take_up(audit::Auditor::Setup& setup, const Bounds& bounds) {
  if (!state_.keeps()) {
    return;
  }
  const Result<std::optional<Bytes>> kept = state_.read(identity_);
  if (kept && !*kept) {
    return;
  }
  std::string word = "damaged";
  if (!kept) {
    set_aside_ = kept.error().message;
    word = kept.error().code == ErrorCode::conflict ? "foreign" : word;
  } else if (!auditor_->take_up(**kept)) {
    set_aside_ = "it can't be read";
  } else {
    set_aside_ = misfit(bounds);
    word = "refuted";
    if (set_aside_.empty()) {
      set_aside_ = catch_queries_up(setup, **kept, bounds);
      word = "read-again";
    }
  }
  taken_up_ = set_aside_.empty();
  if (taken_up_) {
    told_findings_ = auditor_->findings().first().size();  // told by the one that found them
    counted_records_ = auditor_->counts().records;
    return;
  }
  auditor_ = std::make_unique<audit::Auditor>(setup);
  const Result<std::string> moved = state_.set_aside(word);
  parts_.telemetry->emit(telemetry::StoreSetAside{.stage = kStage,
                                                  .partition = -1,
                                                  .file = state_.path(),
                                                  .kept_as = moved ? *moved : moved.error().message,
                                                  .reason = set_aside_});
}

// Why the log isn't the one that the kept state was read from, or doesn't go on from it; or empty.
std::string Follower::misfit(const Bounds& bounds) const {
  for (std::size_t i = 0; i < audit::kTopics; ++i) {
    const auto topic = static_cast<audit::Topic>(i);
    for (std::int32_t p = 0; p < reached_.partitions; ++p) {
      const stream::LogBounds& there = bounds[i][static_cast<std::size_t>(p)];
      const std::int64_t next = auditor_->next(topic, p);
      const std::string place = reached_.topic(audit::name_of(topic)) + "/" + std::to_string(p);
      if (next > there.end) {
        return "it has read " + place + " up to offset " + std::to_string(next) +
               ", and that ends at " + std::to_string(there.end);
      }
      if (next < there.begin && needs_whole(topic)) {
        return "it has read " + place + " up to offset " + std::to_string(next) +
               ", and what came until " + std::to_string(there.begin) + " is trimmed";
      }
    }
  }
  return {};
}

// Where a state was taken up, that says where to go on, but for what was deleted meanwhile: of
// changelogs behind a base, and of public topics by age.
void Follower::begin_part(audit::Topic topic, std::int32_t partition,
                          const stream::LogBounds& bounds) {
  if (taken_up_) {
    if (auditor_->next(topic, partition) < bounds.begin) {
      auditor_->begin_at(topic, partition, bounds.begin);
    }
    return;
  }
  if (bounds.begin > 0 && needs_whole(topic) && unproven_.empty()) {
    unproven_ = reached_.topic(audit::name_of(topic)) + "/" + std::to_string(partition) +
                " begins at offset " + std::to_string(bounds.begin) +
                ", what was before is trimmed: the books can't be recomputed";
    unproven_ += set_aside_.empty() ? "" : "; the kept state was set aside: " + set_aside_;
  }
  auditor_->begin_at(topic, partition, bounds.begin);
}

// A state that can't be written is one that is older at the next start.
void Follower::keep() {
  const std::int64_t began_ms = monotonic_ms();
  audit::Offsets offsets = auditor_->next();
  // What fails there stops the query side, not the auditor; a new start sees that it is behind.
  queries_->flush(auditor_->as_of().ms, offsets);
  const Result<void> wrote = state_.write(identity_, auditor_->kept());
  if (wrote) {
    kept_ = std::move(offsets);
    ++keeps_;
  } else {
    parts_.telemetry->emit(telemetry::StoreFailed{.stage = kStage,
                                                  .partition = -1,
                                                  .file = state_.path(),
                                                  .operation = "write",
                                                  .error = wrote.error().message});
  }
  state_.tried(began_ms, monotonic_ms());
}

}  // namespace kpay::journal
