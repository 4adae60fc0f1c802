// Letters: the dead letters of ops.dlq, each once, with what operators have done about them since.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "daemons/tool/connection.h"
#include "stream/operator_record.h"

namespace kpay::ctl {

/// Names a dead letter: its task, and the event's place in that task's input.
struct LetterId {
  std::uint16_t stage = 0;
  std::int32_t partition = 0;
  stream::LetterKey key;

  friend bool operator==(const LetterId&, const LetterId&) = default;
  friend bool operator<(const LetterId& a, const LetterId& b) noexcept {
    return std::tie(a.stage, a.partition, a.key.offset, a.key.index) <
           std::tie(b.stage, b.partition, b.key.offset, b.key.index);
  }
};
/// "intake/3@128.0": stage, partition, offset and index.
[[nodiscard]] std::string to_string(const LetterId& id);
[[nodiscard]] std::optional<LetterId> parse_letter_id(std::string_view text);

enum class LetterState { open, replayed, discarded, moved };
[[nodiscard]] const char* to_string(LetterState state) noexcept;

/// An operator's record about it, as its task answered.
struct LetterAnswer {
  stream::OperatorAnswer answer;
  Timestamp at;
};

struct Letter {
  LetterId id;
  stream::DeadLetter letter;
  std::string topic;   ///< the origin's name, or its id when no topic has that any more
  std::string reason;  ///< in a word
  std::string sender;  ///< the task that wrote it, "intake/3"
  Uuid lineage;        ///< that task's
  Timestamp at;
  LetterState state = LetterState::open;
  std::vector<LetterAnswer> answers;  ///< the last one closed it, unless it is open
};

/// Which letters are wanted; what isn't said, doesn't matter.
struct LetterFilter {
  std::vector<LetterId> ids{};
  std::string cause{};  ///< a reason's word
  std::string stage{};
  std::string state{};
  std::optional<Timestamp> since{};  ///< came at that time or later
  std::optional<Timestamp> until{};  ///< came before

  [[nodiscard]] bool empty() const noexcept {
    return ids.empty() && cause.empty() && stage.empty() && state.empty() && !since && !until;
  }
  [[nodiscard]] bool takes(const Letter& letter) const;
};

/// All that the filter takes, in the order in which they came.
[[nodiscard]] Result<std::vector<Letter>> read_letters(const tool::Reached& reached,
                                                       const LetterFilter& filter);

/// Takes frames of ops.dlq, partition by partition, and makes letters of them.
class LetterBook {
 public:
  explicit LetterBook(std::map<Uuid, std::string> topic_names) : names_(std::move(topic_names)) {}

  /// One event of a frame of ops.dlq that a receiver applies. False: neither letter nor answer.
  bool take(stream::SenderId sender, ByteView payload, Timestamp at, const Uuid& lineage = {});
  [[nodiscard]] std::vector<Letter> select(const LetterFilter& filter);

 private:
  std::map<Uuid, std::string> names_;
  std::map<LetterId, Letter> letters_;
};

/// The word of docs/events.md for a reason's number.
[[nodiscard]] std::string reason_text(stream::DeadLetterReason reason);
/// "intake/3".
[[nodiscard]] std::string task_text(stream::SenderId sender);

}  // namespace kpay::ctl
