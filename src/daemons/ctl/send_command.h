// SendCommand: sends a client's command and says what became of it, the same way for every kind.
#pragma once

#include <functional>
#include <string>

#include "core/commands.h"
#include "daemons/ctl/cli.h"
#include "daemons/ctl/outcome_watch.h"
#include "http/json.h"

namespace kpay::ctl {

struct SendFlags {
  std::string id;  ///< typed, or made once: the same id has one effect
  bool wait = false;
  int timeout_s = 60;
};

/// --wait and --timeout.
void add_wait_options(CLI::App& command, SendFlags& flags);
/// --id, --wait and --timeout.
void add_send_options(CLI::App& command, SendFlags& flags);

/// How an outcome is shown: the members of `about`, then status, changed and refusal.
[[nodiscard]] Answer outcome_answer(http::JsonObject about, const std::string& id,
                                    const std::string& status, const std::string& refusal);

/// An outcome to its answer. A refusal is exit 4.
using OutcomeTeller = std::function<Result<Answer>(const core::Outcome&)>;

/// Sends the command and, if asked to, waits for its outcome and gives it to `teller`.
[[nodiscard]] Result<Answer> send_command(const Session& session, const SendFlags& flags,
                                          const core::Command& command, http::JsonObject about,
                                          const OutcomeTeller& teller);

}  // namespace kpay::ctl
