#include "daemons/gateway/audits.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "daemons/gateway/limits.h"
#include "http/json_depth.h"

namespace kpay::gateway {

namespace {

constexpr std::size_t kReadAheadKilobytes = 4096;
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

std::optional<TakenAction> parse_action(std::string_view json) {
  if (!http::is_shallow_json(json)) {
    return std::nullopt;
  }
  const nlohmann::json parsed = nlohmann::json::parse(json, nullptr, false);
  const auto text = [&](const char* name) {
    const auto found = parsed.find(name);
    return found != parsed.end() && found->is_string() ? found->get<std::string>() : "";
  };
  if (!parsed.is_object() || text("action").empty() || text("result").empty()) {
    return std::nullopt;
  }
  return TakenAction{text("who"), text("action"), std::string(json)};
}

std::vector<std::string> Audits::actions(std::string_view who, std::string_view action,
                                         std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> found;
  for (auto each = actions_.rbegin(); each != actions_.rend() && found.size() < limit; ++each) {
    if ((who.empty() || each->who == who) && (action.empty() || each->action == action)) {
      found.push_back(each->json);
    }
  }
  return found;
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
                     std::max(each.begin, each.end - limits::audit_records_back)});
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
  std::optional<TakenAction> action = parse_action(as_text(record.value));
  std::optional<AuditStatement> statement = ctl::parse_statement(as_text(record.value));
  const std::lock_guard lock(mutex_);
  if (action) {
    actions_.push_back(*std::move(action));
    if (actions_.size() > limits::actions_max) {
      actions_.pop_front();
    }
  }
  if (statement && statement->at_ms >= newest_.at_ms) {
    newest_ = std::move(*statement);
  }
}

AuditStatement Audits::newest() const {
  const std::lock_guard lock(mutex_);
  return newest_;
}

}  // namespace kpay::gateway
