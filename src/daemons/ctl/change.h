// Change: what every command that changes something has: --dry-run, and for what is dangerous a
// question first.
//
// Mild changes (a pause) are never asked about; what can't be taken back at once, or touches a
// whole system, is. Without a terminal a question is an error, so a script says --yes.
#pragma once

#include <optional>
#include <string>

#include "daemons/ctl/cli.h"

namespace kpay::ctl {

/// --dry-run.
void add_dry_run(CLI::App& command, Session& session);
/// --dry-run, --yes and --no-input.
void add_danger_options(CLI::App& command, Session& session);

/// --key and --propose.
void add_signing_options(CLI::App& command, Session& session);

/// Asks whether to go on; `effect` says what will happen, to which cluster. Nothing when it may;
/// else the answer that ends the command. What is only proposed changes nothing, and isn't asked.
[[nodiscard]] std::optional<Answer> ask(const Session& session, const tool::Connection& connection,
                                        const std::string& effect);

/// The same for what can never be taken back: the words have to be typed.
[[nodiscard]] std::optional<Answer> ask_typed(const Session& session,
                                              const tool::Connection& connection,
                                              const std::string& effect, const std::string& words);

/// Who is asking: for the records that keep an owner.
[[nodiscard]] std::string operator_name();

}  // namespace kpay::ctl
