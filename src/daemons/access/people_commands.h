// `kpay-gateway users` and `tokens`: who changes the people's file, on a terminal.
//
//   users init|list|add NAME|passwd NAME|roles NAME|disable NAME|enable NAME|remove NAME
//   tokens list|add NAME|revoke NAME
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace kpay::access {

struct PeopleTool {
  std::string program;  ///< "kpay-gateway"
  /// The people's file that a configuration names. Errors: what is wrong with it.
  std::function<Result<std::string>(const std::string& config_file)> file_of_config;
  std::vector<std::string> operations;  ///< that a token may be bound to
};

/// True for the first words that run_people_tool() takes.
[[nodiscard]] bool is_people_command(int argc, char** argv);
/// The process's exit code.
int run_people_tool(const PeopleTool& tool, int argc, char** argv);

}  // namespace kpay::access
