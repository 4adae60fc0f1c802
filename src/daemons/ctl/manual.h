// Manual: man pages, from the same table of commands and options that parses the command line.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace CLI {
class App;
}

namespace kpay::ctl {

/// One page for the tool and one for each noun: ("kpayctl-books.1", its text in roff). `version` is
/// what they say at their foot.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> manual(const CLI::App& app,
                                                                      const std::string& version);

}  // namespace kpay::ctl
