#include "daemons/gateway/audits.h"

#include <algorithm>

namespace kpay::gateway {

namespace {

constexpr std::size_t kReadAheadKilobytes = 4096;
constexpr std::int64_t kRecordsBack = 20;
constexpr int kPollMs = 100;

}  // namespace

// Two looks that agree and don't add up are a fact of their own; so is what the auditor found.
std::string light_of(const std::string& looks, const AuditStatement& audit, std::int64_t now_ms) {
  if (!audit.fresh(now_ms) || looks == "unbalanced") {
    return looks;
  }
  if (audit.state == "broken") {
    return "unbalanced";
  }
  return audit.state == "conserved" ? "balanced" : looks;
}

Result<std::unique_ptr<Audits>> Audits::start(const tool::Reached& reached,
                                              std::function<void(const Error&)> failed) {
  std::unique_ptr<Audits> audits(new Audits());
  const Result<std::vector<stream::LogBounds>> bounds = reached.bounds(ctl::kAuditTopic);
  if (!bounds) {
    return Unexpected(bounds.error());
  }
  std::vector<tool::SweepPart> parts;
  for (std::size_t p = 0; p < bounds->size(); ++p) {
    const stream::LogBounds& each = (*bounds)[p];
    parts.push_back({reached.topic(ctl::kAuditTopic), static_cast<std::int32_t>(p),
                     std::max(each.begin, each.end - kRecordsBack)});
  }
  Result<std::unique_ptr<tool::Sweep>> sweep =
      tool::Sweep::start(reached.connection.client, std::move(parts), kReadAheadKilobytes);
  if (!sweep) {
    return Unexpected(sweep.error());
  }
  audits->sweep_ = std::move(*sweep);
  audits->thread_ =
      std::thread([raw = audits.get(), failed = std::move(failed)] { raw->run(failed); });
  return audits;
}

Audits::~Audits() {
  stopping_ = true;
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Audits::run(const std::function<void(const Error&)>& failed) {
  while (!stopping_) {
    const Result<std::size_t> taken = sweep_->poll(
        kPollMs, [this](std::size_t, const stream::LogRecord& record) { take(record); });
    if (!taken) {
      failed(taken.error());
      return;
    }
  }
}

void Audits::take(const stream::LogRecord& record) {
  std::optional<AuditStatement> statement = ctl::parse_statement(as_text(record.value));
  const std::lock_guard lock(mutex_);
  if (statement && statement->at_ms >= newest_.at_ms) {
    newest_ = std::move(*statement);
  }
}

AuditStatement Audits::newest() const {
  const std::lock_guard lock(mutex_);
  return newest_;
}

}  // namespace kpay::gateway
