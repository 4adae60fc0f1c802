// Replica: one task's state and events, made from its whole input by a second, simpler runtime:
// no checkpoints, no outbox, no restore. What the task says and keeps has to be the same (R2).
#pragma once

#include <memory>

#include "sim/parcel.h"
#include "stream/changelog.h"
#include "stream/dead_letter.h"
#include "stream/operator_key.h"
#include "stream/operator_record.h"
#include "stream/task.h"

namespace kpay::sim {

class Replica {
 public:
  Replica(const stream::StageSpec& spec, std::int32_t partition, stream::Identity identity);
  ~Replica();

  /// REQUIRES: every record of the input, in order.
  void take(const stream::LogRecord& record);

  /// The whole-state hash as a marker would have it here.
  [[nodiscard]] Hash128 state_hash();
  [[nodiscard]] const stream::Registers& registers() const noexcept { return registers_; }
  /// What it sent to one partition of one output (by place in the spec; ops.dlq is the last), in
  /// order: payload bytes.
  [[nodiscard]] const std::vector<Bytes>& sent(std::size_t output, std::int32_t partition) const;
  /// One thing that it sent: where it stands in sent(), and because of what.
  struct Said {
    std::size_t output = 0;
    std::int32_t partition = 0;
    std::size_t place = 0;
    stream::Origin cause;
  };
  /// All that it sent, in order.
  [[nodiscard]] const std::vector<Said>& said() const noexcept { return said_; }
  [[nodiscard]] const Bytes& payload(const Said& said) const {
    return sent(said.output, said.partition)[said.place];
  }
  [[nodiscard]] const std::vector<stream::TableBase*>& tables() const noexcept { return tables_; }
  /// A table by its name. REQUIRES: it has one.
  [[nodiscard]] const stream::TableBase& table(const std::string& name) const;
  /// A number of a row, by the names of table, key and field; 0 when there is no such row.
  [[nodiscard]] std::int64_t number(const std::string& name, const std::string& key,
                                    const std::string& field) const;
  /// Frames that it had to refuse because their sender had said something else before.
  [[nodiscard]] std::uint64_t refusals() const noexcept { return refusals_; }
  /// Events of this sender that a receiver could not take: always 0.
  [[nodiscard]] std::uint64_t untakable() const noexcept { return untakable_; }

 private:
  /// What one event causes, until it is known that the event is no dead letter.
  class Collector final : public stream::Emitter {
   public:
    explicit Collector(Replica& replica) : replica_(&replica) {}

    struct Item {
      std::size_t output;
      std::int32_t partition;
      Uuid subject;
      Timestamp time;
      Bytes payload;
    };
    std::vector<Item> items;

    void emit(std::size_t output, ByteView key, const stream::Outgoing& event) override;
    [[nodiscard]] std::uint64_t next_number(std::size_t output, ByteView key) const override;

   private:
    Replica* replica_;
  };

  void take_frame(const stream::LogRecord& record);
  void apply(const stream::Event& event);
  void obey(const stream::Event& event, const stream::OperatorRecord& record);
  [[nodiscard]] std::size_t good_signatures(const stream::Event& event,
                                            const stream::OperatorRecord& record) const;
  using Verdict = std::pair<stream::OperatorVerdict, stream::DeadLetterReason>;
  [[nodiscard]] Verdict act(const stream::Event& event, const stream::OperatorRecord& record);
  [[nodiscard]] Verdict accept(const stream::AcceptSender& accept);
  [[nodiscard]] Verdict enrol(const stream::EnrolKey& enrol);
  [[nodiscard]] Verdict revoke(const stream::RevokeKey& revoke);
  [[nodiscard]] Verdict close(const stream::LetterKey& place);
  [[nodiscard]] Verdict try_again(const stream::Event& by, const stream::ReplayLetter& replay,
                                  const stream::OpenLetter& open);
  [[nodiscard]] bool from_outside() const {
    return spec_.input_shape == stream::RecordShape::single;
  }
  [[nodiscard]] std::optional<stream::DeadLetterReason> judge(const stream::Event& event);
  void publish_collected(const stream::Origin& cause);
  void bury(const stream::Event& event, stream::DeadLetterReason reason);
  void publish(std::size_t output, std::int32_t partition, const stream::Origin& cause,
               const stream::Outgoing& event);
  [[nodiscard]] stream::Origin origin_of(const stream::LogRecord& record,
                                         std::uint32_t index) const;
  [[nodiscard]] stream::Event whole(const stream::LogRecord& record) const;
  [[nodiscard]] bool may_send(const stream::SenderId& sender) const;

  stream::StageSpec spec_;
  std::int32_t partition_;
  stream::Identity identity_;
  std::unique_ptr<stream::Stage> stage_;
  stream::DeadLetters letters_{"dead_letters"};
  stream::OperatorKeys keys_{"operator_keys"};
  stream::OperatorKeys revoked_{"revoked_keys"};
  std::vector<stream::TableBase*> tables_;
  stream::Registers registers_;
  std::unique_ptr<Collector> collector_;
  std::map<std::pair<std::size_t, std::int32_t>, std::vector<Bytes>> sent_;
  std::vector<Said> said_;
  std::uint64_t untakable_ = 0;
  std::uint64_t refusals_ = 0;
};

}  // namespace kpay::sim
