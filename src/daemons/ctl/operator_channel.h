// OperatorChannel: sends operators' records, and what clients should have sent, to
// payments.incoming; takes the answers from ops.dlq (R12, R24).
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "daemons/tool/connection.h"
#include "daemons/tool/sweep.h"
#include "kafka/plain_producer.h"
#include "stream/operator_record.h"

namespace kpay::ctl {

/// Threads: one.
class OperatorChannel {
 public:
  /// Answers that come after this are seen.
  static Result<std::unique_ptr<OperatorChannel>> open(const tool::Reached& reached);

  /// A record for that task, by this operator; what it asks is the caller's. Texts that are too
  /// long are cut.
  [[nodiscard]] stream::OperatorRecord record_for(std::uint16_t stage, std::int32_t partition,
                                                  const Uuid& id, const std::string& reason) const;

  /// Queues it on partition `via` of payments.incoming; its answer is waited for.
  Result<void> send(const stream::OperatorRecord& record, std::int32_t via,
                    const kafka::RecordHeaders& headers = {});
  /// Sends a client's bytes as they are, and waits until they are acknowledged.
  Result<void> send_client_record(std::int32_t partition, ByteView key, ByteView value,
                                  const kafka::RecordHeaders& headers);
  Result<void> flush();

  /// Reads on until every record has its answer, or the time is over; false then.
  Result<bool> wait(int timeout_ms);
  /// By record id. Of an id that was answered more than once, the first `done`.
  [[nodiscard]] const std::map<Uuid, stream::OperatorAnswer>& answers() const noexcept {
    return answers_;
  }

 private:
  OperatorChannel() = default;
  void take(const stream::LogRecord& record);

  std::string topic_;
  Uuid lineage_;
  std::map<std::uint16_t, Uuid> inputs_;  // topic ids, by stage
  std::unique_ptr<kafka::PlainProducer> producer_;
  std::unique_ptr<tool::Sweep> sweep_;
  std::set<Uuid> waiting_;
  std::map<Uuid, stream::OperatorAnswer> answers_;
  stream::Frame frame_;
};

}  // namespace kpay::ctl
