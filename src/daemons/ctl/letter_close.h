// LetterClose: closes open dead letters by operators' records, each once (R24): by kpayctl, and by
// the gateway for two people.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "daemons/ctl/answer.h"
#include "daemons/ctl/letter_check.h"
#include "daemons/ctl/operator_channel.h"

namespace kpay::ctl {

/// An open letter, and what would become of it.
struct LetterItem {
  Letter letter;
  LetterCheck check;
  bool chosen = false;  ///< whether it is to be sent
  Uuid id{};            ///< of the record about it; set when it is sent
  kafka::RecordHeaders headers{};
};

struct OpenLetters {
  std::vector<LetterItem> items;
  std::size_t closed_before = 0;  ///< of those that were asked for
};

/// The open ones of `letters`, each checked.
[[nodiscard]] OpenLetters check_open(std::vector<Letter> letters, std::int32_t partitions,
                                     Timestamp now);
/// The same of all that the filter takes. Errors: not_found, when an id names none at all.
[[nodiscard]] Result<OpenLetters> open_letters(const tool::Reached& reached,
                                               const LetterFilter& filter);

/// "passes", "moves".
[[nodiscard]] const char* to_string(LetterCheck::Verdict verdict) noexcept;
/// What a replay of them would do, as far as that can be known; nothing is done.
[[nodiscard]] Answer dry_replay(const OpenLetters& letters);

/// Chooses what would pass; with `force` also what would fail, as far as its bytes are all there.
/// Gives how many.
std::size_t choose_for_replay(OpenLetters& letters, bool force);

struct CloseOptions {
  bool discards = false;  ///< else they are replayed
  std::string reason;
  int rate_max = 100;  ///< so many a second
  int timeout_ms = 60'000;
};

struct Closing {
  Answer answer;
  std::map<std::string, std::size_t> became;  ///< "replayed", "not_signed", … and how many
  std::size_t unanswered = 0;                 ///< a repeat is without a second effect
};

/// Sends what is chosen, and waits for the tasks' answers. Whoever is killed meanwhile, or has no
/// answer, does all of it again: a record's id is the letter's and its attempt's.
[[nodiscard]] Result<Closing> close_letters(const tool::Reached& reached, ChannelOptions channel,
                                            OpenLetters& letters, const CloseOptions& options);

}  // namespace kpay::ctl
