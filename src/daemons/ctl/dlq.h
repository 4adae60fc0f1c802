// Dlq: what the commands about dead letters share.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemons/ctl/cli.h"
#include "daemons/ctl/letters.h"

namespace kpay::ctl {

/// Which dead letters, as typed.
struct LetterFlags {
  std::vector<std::string> ids;
  std::string cause;
  std::string stage;
  std::string state;
  std::string since;
  std::string until;
};

/// ID..., --cause, --stage, --since and --until.
void add_letter_options(CLI::App& command, LetterFlags& flags);
/// Errors: invalid, with what would be right.
[[nodiscard]] Result<LetterFilter> filter_in(const LetterFlags& flags);

/// Everything about it but its bytes, as a JSON object.
[[nodiscard]] std::string letter_json(const Letter& letter);

/// `dlq replay` and `dlq discard`.
void add_dlq_replay(CLI::App& dlq, Session& session);
void add_dlq_discard(CLI::App& dlq, Session& session);

}  // namespace kpay::ctl
