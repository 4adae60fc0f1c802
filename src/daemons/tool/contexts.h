// Contexts: clusters by name, for the command-line tools. A context is a file as --config takes it,
// in a folder of the person's own; one of them may be the current one.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace kpay::tool {

/// $XDG_CONFIG_HOME/kpay/contexts, or ~/.config/kpay/contexts. Empty when neither is set.
[[nodiscard]] std::string contexts_folder();

/// Names of the files there (NAME.yaml), in order.
[[nodiscard]] std::vector<std::string> context_names();

/// The one that `kpayctl contexts use` chose; empty when none is, or its file is gone.
[[nodiscard]] std::string current_context();

/// Where its file is. Errors: invalid (no name), not_found, naming those that there are.
[[nodiscard]] Result<std::string> context_file(const std::string& name);

/// Makes it the current one; empty: none is. Errors: those of context_file(), io.
[[nodiscard]] Result<void> use_context(const std::string& name);

}  // namespace kpay::tool
