// The command line of a process that has no tasks: the gateway's and the journal's.
//
//   kpay-X --config FILE             runs
//   kpay-X config check FILE         checks the file, offline
//   kpay-X config reference|example  prints the fields, or a file with all defaults
//   kpay-X selfcheck --config FILE   does everything but run: file, cluster, topics
//   kpay-X version
#pragma once

#include <functional>
#include <string>

#include "config/schema.h"
#include "daemons/service/service.h"

namespace kpay::daemons {

struct PlainApp {
  std::string name;   ///< "kpay-gateway"
  std::string about;  ///< "the API and the page"
  config::Schema (*schema)() = nullptr;
  /// The file's configuration hash. Errors: what is wrong with the file.
  std::function<Result<std::string>(const std::string& file)> check_file;
  /// REQUIRES: check_file() has accepted the file. Both give the exit code.
  std::function<int(const std::string& file, const BuildInfo& build)> run;
  std::function<int(const std::string& file)> selfcheck;
  std::string footer{};  ///< of --help
};

/// The process's exit code (exit_codes.h).
int run_plain_app(const PlainApp& plain, int argc, char** argv);

}  // namespace kpay::daemons
