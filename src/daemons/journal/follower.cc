#include "daemons/journal/follower.h"

#include "base/hash.h"
#include "base/time.h"
#include "daemons/journal/limits.h"
#include "kafka/ends.h"

namespace kpay::journal {

namespace {

constexpr const char* kAuditTopic = "ops.audit";
constexpr const char* kMetadataTopic = "metadata";
constexpr int kRetireMs = 3'000;

}  // namespace

Result<std::unique_ptr<Follower>> Follower::start(tool::Reached reached, FollowerParts parts) {
  std::unique_ptr<Follower> follower(new Follower(std::move(reached), std::move(parts)));
  if (Result<void> opened = follower->open(); !opened) {
    return Unexpected(opened.error());
  }
  if (Result<void> announced = follower->announce(true); !announced) {
    return Unexpected(announced.error());
  }
  follower->tell();
  follower->thread_ = std::thread([raw = follower.get()] { raw->run(); });
  return follower;
}

Follower::~Follower() {
  stopping_ = true;
  if (thread_.joinable()) {
    thread_.join();
  }
  if (producer_ != nullptr) {
    (void)announce(false);
    (void)producer_->flush(kRetireMs);
  }
}

Result<void> Follower::open() {
  audit::Auditor::Setup setup;
  setup.partitions = reached_.partitions;
  Bounds bounds;
  for (std::size_t i = 0; i < audit::kTopics; ++i) {
    const std::string name(audit::name_of(static_cast<audit::Topic>(i)));
    Result<std::vector<stream::LogBounds>> found = reached_.bounds(name);
    if (!found) {
      return Unexpected(found.error());
    }
    bounds.push_back(std::move(*found));
  }
  if (Result<void> known = identify(setup); !known) {
    return known;
  }
  std::unique_ptr<Changes> changes;
  if (parts_.query.changes) {
    Result<std::unique_ptr<Changes>> opened = Changes::open(reached_);
    if (!opened) {
      return Unexpected(opened.error());
    }
    changes = std::move(*opened);
  }
  queries_ = std::make_shared<Queries>(
      parts_.query, query::IndexOptions{{}, setup.partitions, setup.input_ids, 0},
      std::move(changes), parts_.instance, *parts_.telemetry);
  setup.witness = queries_->witness();
  auditor_ = std::make_unique<audit::Auditor>(setup);
  take_up(setup, bounds);
  Result<kafka::KafkaHandle> client = kafka::make_reading_client(
      reached_.connection.client, events_, limits::read_ahead_kilobytes,
      audit::kTopics * static_cast<std::size_t>(reached_.partitions), stream::Pace::relaxed);
  Result<std::unique_ptr<kafka::PlainProducer>> producer =
      kafka::PlainProducer::connect(reached_.connection.client);
  if (!client || !producer) {
    return Unexpected(!client ? client.error() : producer.error());
  }
  client_ = std::move(*client);
  producer_ = std::move(*producer);
  return begin(bounds);
}

Result<void> Follower::begin(const Bounds& bounds) {
  for (std::size_t i = 0; i < audit::kTopics; ++i) {
    const auto topic = static_cast<audit::Topic>(i);
    const std::string name = reached_.topic(audit::name_of(topic));
    topics_.emplace_back(rd_kafka_topic_new(client_.get(), name.c_str(), nullptr));
    for (std::int32_t p = 0; p < reached_.partitions; ++p) {
      begin_part(topic, p, bounds[i][static_cast<std::size_t>(p)]);
      readers_.push_back({topic, p,
                          std::make_unique<kafka::PartitionReader>(
                              client_.get(), topics_.back().get(), p, &wake_)});
    }
  }
  for (Part& part : readers_) {
    if (!unproven_.empty()) {
      break;
    }
    const std::int64_t next = auditor_->next(part.topic, part.partition);
    if (Result<void> started = part.reader->start(next); !started) {
      return started;
    }
  }
  return {};
}

std::shared_ptr<const Report> Follower::report() const {
  const std::lock_guard lock(mutex_);
  return report_;
}

void Follower::run() {
  std::int64_t round_ms = 0;
  std::int64_t report_ms = monotonic_ms();
  while (!stopping_) {
    Result<std::size_t> taken = unproven_.empty() ? read() : std::size_t{0};
    if (!taken) {
      parts_.failed(taken.error());
      return;
    }
    auditor_->settle();
    const std::int64_t now_ms = monotonic_ms();
    if (unproven_.empty() && !auditor_->round_open() && now_ms - round_ms >= limits::round_ms) {
      // A broker that is away is waited for: the report says how old it is.
      (void)ask_round();
      round_ms = monotonic_ms();
    }
    queries_->tick(auditor_->as_of().ms, now_ms);
    if (state_.keeps() && unproven_.empty() && state_.due(now_ms)) {
      keep();
    }
    if (now_ms - report_ms >= limits::report_ms) {
      report_ms = now_ms;
      tell();
    }
    if (*taken == 0) {
      wake_.wait(limits::wait_ms);
    }
  }
  if (state_.keeps() && unproven_.empty()) {
    keep();
  }
}

Result<std::size_t> Follower::read() {
  std::size_t taken = 0;
  for (Part& part : readers_) {
    if (!auditor_->wants(part.topic, part.partition)) {
      continue;
    }
    Result<std::size_t> got =
        part.reader->poll(limits::records_per_poll, 0, [&](const stream::LogRecord& record) {
          if (!auditor_->wants(part.topic, part.partition)) {
            return false;
          }
          auditor_->take(part.topic, part.partition, record);
          return true;
        });
    if (!got && got.error().code == ErrorCode::not_found) {
      if (Result<void> again = begin_again(part); !again) {
        return Unexpected(again.error());
      }
      continue;
    }
    if (!got) {
      return got;
    }
    taken += *got;
  }
  return taken;
}

// What was next is deleted: of a changelog, because a base stands behind it; of a public topic, by
// its age. Of any other topic, nothing may be deleted that the auditor has not read.
Result<void> Follower::begin_again(Part& part) {
  const std::string name(audit::name_of(part.topic));
  const Result<std::vector<stream::LogBounds>> bounds = reached_.bounds(name);
  if (!bounds) {
    return Unexpected(bounds.error());
  }
  const stream::LogBounds& now = (*bounds)[static_cast<std::size_t>(part.partition)];
  const std::int64_t next = auditor_->next(part.topic, part.partition);
  if (needs_whole(part.topic) || now.begin <= next) {
    return Unexpected(ErrorCode::not_found,
                      reached_.topic(name) + "/" + std::to_string(part.partition) + " holds " +
                          std::to_string(now.begin) + " to " + std::to_string(now.end) +
                          ", offset " + std::to_string(next) + " is to be audited");
  }
  auditor_->begin_at(part.topic, part.partition, now.begin);
  return part.reader->start(now.begin);
}

Result<void> Follower::ask_round() {
  auditor_->prepare_round();
  const Timestamp asked = wall_clock_now();
  std::vector<std::string> names;
  for (std::size_t i = 0; i < audit::kTopics; ++i) {
    names.push_back(reached_.topic(audit::name_of(static_cast<audit::Topic>(i))));
  }
  const Result<std::vector<std::int64_t>> found =
      kafka::ends_of(client_.get(), names, reached_.partitions, tool::kAnswerMs);
  if (!found) {
    return Unexpected(found.error());
  }
  audit::Offsets ends;
  for (std::size_t i = 0; i < found->size(); ++i) {
    ends[i / static_cast<std::size_t>(reached_.partitions)].push_back((*found)[i]);
  }
  auditor_->begin_round(std::move(ends), asked);
  return {};
}

Result<void> Follower::publish(const std::string& json) {
  const std::string& key = parts_.instance;
  return producer_->send(reached_.topic(kAuditTopic),
                         partition_of(as_bytes(key), reached_.partitions), as_bytes(key),
                         as_bytes(json));
}

// Where this journal is, on metadata; a record without a value: it isn't any more.
Result<void> Follower::announce(bool here) {
  const ByteView key = as_bytes(parts_.instance);
  parts_.place.at = wall_clock_now();
  const std::string json = daemons::metadata_json(parts_.place);
  return producer_->send(reached_.topic(kMetadataTopic), 0, key,
                         here ? std::optional<ByteView>(as_bytes(json)) : std::nullopt);
}

void Follower::tell_findings() {
  const std::vector<audit::Finding>& first = auditor_->findings().first();
  for (; told_findings_ < first.size(); ++told_findings_) {
    const audit::Finding& finding = first[told_findings_];
    parts_.telemetry->emit(telemetry::AuditFinding{
        .kind = std::string(audit::to_string(finding.kind)),
        .topic = std::string(audit::name_of(finding.place.topic)),
        .partition = finding.place.partition,
        .offset = finding.place.offset,
        .subject = finding.subject.is_nil() ? std::string() : to_string(finding.subject)});
    (void)publish(R"({"instance":")" + parts_.instance + R"(","finding":)" + finding_json(finding) +
                  "}");
  }
}

void Follower::tell_metrics(const Report& report) {
  namespace families = telemetry::families;
  telemetry::Metrics& metrics = parts_.telemetry->metrics();
  const std::string& instance = parts_.instance;
  for (const auto& [currency, books] : auditor_->ledger().books().currencies()) {
    metrics.gauge(families::audit_conserved, {currency.text()}).set(books.conserved() ? 1 : 0);
  }
  const std::int64_t as_of_ms = auditor_->as_of().ms;
  if (as_of_ms > 0) {
    metrics.gauge(families::audit_lag_seconds, {instance})
        .set(static_cast<double>(wall_clock_now().ms - as_of_ms) / 1000);
  }
  metrics.gauge(families::audit_lag_records, {instance})
      .set(static_cast<double>(report.behind_records));
  metrics.gauge(families::audit_waiting_events, {instance})
      .set(static_cast<double>(auditor_->ledger().waiting()));
  metrics.gauge(families::audit_dead_letters, {instance})
      .set(static_cast<double>(auditor_->ledger().open_letters()));
  const std::uint64_t records = auditor_->counts().records;
  metrics.counter(families::audit_records_total, {instance}).add(records - counted_records_);
  counted_records_ = records;
  for (std::size_t i = 0; i < audit::kFindingKinds; ++i) {
    const auto kind = static_cast<audit::FindingKind>(i);
    const std::uint64_t count = auditor_->findings().count(kind);
    metrics.counter(families::audit_findings_total, {audit::to_string(kind)})
        .add(count - counted_findings_[i]);
    counted_findings_[i] = count;
  }
}

void Follower::tell() {
  auto report = std::make_shared<Report>(report_of(
      {auditor_.get(), parts_.instance, unproven_, kept_ ? &*kept_ : nullptr, wall_clock_now()}));
  tell_findings();
  tell_metrics(*report);
  if (report->state != told_state_) {
    told_state_ = report->state;
    parts_.telemetry->emit(telemetry::AuditState{.state = to_string(report->state),
                                                 .reason = report->reason,
                                                 .behind_records = report->behind_records});
  }
  const std::int64_t now_ms = monotonic_ms();
  const std::string moved = std::to_string(auditor_->counts().events) + to_string(report->state);
  const std::int64_t pause = moved == published_ ? limits::idle_statement_ms : limits::statement_ms;
  if (published_ms_ == 0 || now_ms - published_ms_ >= pause || keeps_ != published_keeps_) {
    published_keeps_ = keeps_;
    published_ms_ = now_ms;
    published_ = moved;
    (void)publish(report->statement);
  }
  producer_->poll();
  const std::lock_guard lock(mutex_);
  report_ = std::move(report);
}

}  // namespace kpay::journal
