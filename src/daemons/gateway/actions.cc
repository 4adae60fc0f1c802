#include "daemons/gateway/actions.h"

#include "base/hash.h"
#include "daemons/ctl/audit_view.h"
#include "daemons/gateway/limits.h"
#include "http/json.h"

namespace kpay::gateway {

namespace {

// One key for all of them: they stand in one partition, in their order.
constexpr std::string_view kKey = "actions";

}  // namespace

std::string to_json(const Action& action, const std::string& gateway) {
  return http::JsonObject()
      .add("action", action.action)
      .add("at_ms", action.at_ms)
      .add("who", action.who)
      .add("roles", action.roles)
      .add("from", action.from)
      .add("gateway", gateway)
      .add("target", action.target)
      .add("reason", action.reason)
      .add("result", action.result)
      .add("status", action.status)
      .finish();
}

std::string result_of(int status) {
  constexpr int kUnauthorized = 401;
  constexpr int kForbidden = 403;
  constexpr int kTooMany = 429;
  if (status < 400) {
    return "done";
  }
  if (status == kUnauthorized || status == kForbidden || status == kTooMany) {
    return "denied";
  }
  return status < 500 ? "refused" : "failed";
}

Result<void> ActionLog::connect(const tool::Reached& reached) {
  const std::lock_guard lock(mutex_);
  const Result<std::vector<std::int64_t>> ends = reached.ends(ctl::kAuditTopic);
  if (!ends) {
    return Unexpected(ends.error());
  }
  topic_ = reached.topic(ctl::kAuditTopic);
  partition_ = partition_of(as_bytes(kKey), static_cast<std::int32_t>(ends->size()));
  client_ = reached.connection.client;
  write_kept();
  return {};
}

void ActionLog::note(Action action) {
  const std::lock_guard lock(mutex_);
  kept_.push_back(to_json(action, gateway_));
  if (!topic_.empty()) {
    write_kept();
  }
}

bool ActionLog::has_room() const {
  const std::lock_guard lock(mutex_);
  return kept_.size() < limits::actions_kept_max;
}

// In order, and some twice rather than one not at all.
void ActionLog::write_kept() {
  Result<void> written;
  if (producer_ == nullptr) {
    Result<std::unique_ptr<kafka::PlainProducer>> producer = kafka::PlainProducer::connect(client_);
    written = producer ? written : Unexpected(producer.error());
    producer_ = producer ? std::move(*producer) : nullptr;
  }
  for (auto each = kept_.begin(); written && each != kept_.end(); ++each) {
    written = producer_->send(topic_, partition_, as_bytes(kKey), as_bytes(*each));
  }
  if (written) {
    written = producer_->flush(static_cast<int>(limits::acknowledge_ms_max));
  }
  if (!written) {
    producer_.reset();
    telemetry_.emit(telemetry::ActionNotAudited{.kept = static_cast<std::int64_t>(kept_.size()),
                                                .error = written.error().message});
    return;
  }
  kept_.clear();
}

}  // namespace kpay::gateway
