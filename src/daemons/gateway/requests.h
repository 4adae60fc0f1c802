// LetterRequest: what one person has asked to be done about dead letters, until another one
// approves it: a record on control.state, which every gateway reads (docs/control.md).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/ctl/letters.h"

namespace kpay::gateway {

struct LetterRequest {
  std::string id;         ///< a UUID of version 7
  bool discards = false;  ///< else they are to be replayed
  std::vector<ctl::LetterId> letters;
  std::string reason;
  std::string maker;  ///< as of access::Caller
  std::int64_t at_ms = 0;
  std::int64_t expires_ms = 0;
  std::string approver{};  ///< empty: nobody yet. Set BEFORE anything is sent
  std::string approve_reason{};
  std::int64_t approved_at_ms = 0;

  [[nodiscard]] bool approved() const noexcept { return !approver.empty(); }
  /// An approved one doesn't expire: it is to be brought to its end.
  [[nodiscard]] bool expired(std::int64_t now_ms) const noexcept {
    return !approved() && now_ms >= expires_ms;
  }
};

/// Its key on control.state, and its value there.
[[nodiscard]] std::string key_of(const LetterRequest& request);
[[nodiscard]] std::string to_json(const LetterRequest& request);
/// Nothing when they are no request's, or say more than a gateway writes.
[[nodiscard]] std::optional<LetterRequest> parse_request(std::string_view key,
                                                         const std::string& value);

/// Those among the values of control.state, in the order in which they were made.
[[nodiscard]] std::vector<LetterRequest> requests_in(
    const std::map<std::string, std::string>& state);
/// The keys of those that expired so long ago that nobody needs to see it any more.
[[nodiscard]] std::vector<std::string> outdated(const std::vector<LetterRequest>& requests,
                                                std::int64_t now_ms);

/// True also for a user and a token of the same name: who has the one may have made the other.
[[nodiscard]] bool is_same_person(std::string_view a, std::string_view b) noexcept;

/// "ann, approved by ben", within stream::kOperatorNameMax: names that are too long end in "~".
/// REQUIRES: an approved one.
[[nodiscard]] std::string author_of(const LetterRequest& request);
/// Both people's, within stream::kOperatorReasonMax.
[[nodiscard]] std::string reason_of(const LetterRequest& request);

/// How the same is done where records have to be signed: one writes a proposal, another signs it.
[[nodiscard]] std::string as_proposal(const LetterRequest& request);

}  // namespace kpay::gateway
