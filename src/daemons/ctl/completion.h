// Completion: scripts that let a shell complete kpayctl's commands and options, made from the very
// tree that parses them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace kpay::ctl {

/// For "bash" or "zsh"; nothing for any other shell.
[[nodiscard]] std::optional<std::string> completion(const CLI::App& app, std::string_view shell);

}  // namespace kpay::ctl
