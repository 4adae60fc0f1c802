// Senders: what a task keeps of those that write to it, and what they say themselves, by the last
// accepted markers of both changelogs (R8, R14).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/tool/connection.h"
#include "stream/changelog.h"

namespace kpay::ctl {

struct SenderView {
  stream::SenderId sender;
  stream::SenderState kept;                ///< by the receiver
  std::optional<stream::Sequence> sent{};  ///< by the sender's own marker, if it has one
};

/// "account/3"; nothing when there is no such stage.
[[nodiscard]] std::optional<stream::SenderId> parse_task(std::string_view text);
/// The same for what somebody typed. Errors: invalid, saying what would be right.
[[nodiscard]] Result<stream::SenderId> task_in(const std::string& text);

/// All senders of the task, in order. Errors: not_found, when it has no marker yet.
[[nodiscard]] Result<std::vector<SenderView>> read_senders(const tool::Reached& reached,
                                                           const stream::SenderId& task);

/// 32 hexadecimal digits.
[[nodiscard]] std::optional<Hash128> parse_hash(std::string_view text);

}  // namespace kpay::ctl
