// OperatorChannel: sends operators' records, and what clients should have sent, to
// payments.incoming; takes the answers from ops.dlq (R12, R24).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "daemons/ctl/answer.h"
#include "daemons/ctl/proposal.h"
#include "daemons/tool/connection.h"
#include "daemons/tool/sweep.h"
#include "kafka/plain_producer.h"
#include "stream/operator_record.h"

namespace kpay::ctl {

/// What to do about the verdict `not_signed`.
inline constexpr const char* kNotSigned =
    "keys are enrolled (`kpayctl keys list`): sign with --key; where two people have to, "
    "--propose\n";

struct ChannelOptions {
  std::string author;  ///< who asks; kept in every record
  SigningFlags signing{};
  /// Nothing: as intake's changelog says, which not everybody may read.
  std::optional<Uuid> lineage{};
};

/// Threads: one.
class OperatorChannel {
 public:
  /// Answers that come after this are seen. What is sent is signed with the keys of `signing`; if
  /// that names a file to propose in, it stands there after flush(), and nothing is sent.
  static Result<std::unique_ptr<OperatorChannel>> open(const tool::Reached& reached,
                                                       ChannelOptions options);

  /// A record for that task, by the author; what it asks is the caller's. Texts that are too long
  /// are cut.
  [[nodiscard]] stream::OperatorRecord record_for(std::uint16_t stage, std::int32_t partition,
                                                  const Uuid& id, const std::string& reason) const;

  /// Queues it on partition `via` of payments.incoming; its answer is waited for.
  Result<void> send(const stream::OperatorRecord& record, std::int32_t via,
                    const kafka::RecordHeaders& headers = {});
  /// Sends a client's bytes as they are, and waits until they are acknowledged.
  Result<void> send_client_record(std::int32_t partition, ByteView key, ByteView value,
                                  const kafka::RecordHeaders& headers);
  Result<void> flush();
  /// All of it for a few records, each with the partition that it goes by: sends or proposes them,
  /// waits, and says how many had which verdict. `effect` says what they are for.
  Result<Answer> carry_out(
      const std::string& effect,
      const std::vector<std::pair<stream::OperatorRecord, std::int32_t>>& records, int timeout_ms);
  /// What a command says that has only proposed; nothing when it has sent.
  [[nodiscard]] std::optional<Answer> proposed() const;

  /// Reads on until every record has its answer, or the time is over; false then. Of an override
  /// that was found signed, it tells on control.state where the answer stands: the task's owner
  /// goes by that (R23).
  Result<bool> wait(int timeout_ms);
  /// By record id. Of an id that was answered more than once, the first `done`.
  [[nodiscard]] const std::map<Uuid, stream::OperatorAnswer>& answers() const noexcept {
    return answers_;
  }

 private:
  OperatorChannel() = default;
  void take(std::int32_t partition, const stream::LogRecord& record);
  Result<void> announce(const stream::OperatorAnswer& answer, std::int32_t partition,
                        std::int64_t offset);

  std::string topic_;
  std::string state_topic_;
  Result<void> announced_;
  std::string author_;
  std::vector<SigningKey> keys_;
  std::string propose_;  // a file; empty: send
  Proposal proposal_;
  Uuid lineage_;
  std::map<std::uint16_t, Uuid> inputs_;  // topic ids, by stage
  std::unique_ptr<kafka::PlainProducer> producer_;
  std::unique_ptr<tool::Sweep> sweep_;
  std::set<Uuid> waiting_;
  std::map<Uuid, stream::OperatorAnswer> answers_;
  stream::Frame frame_;
};

/// What a command says whose records were sent: how many had which verdict.
[[nodiscard]] Answer verdicts_answer(const std::string& effect, std::size_t sent,
                                     const std::map<Uuid, stream::OperatorAnswer>& answers);

}  // namespace kpay::ctl
