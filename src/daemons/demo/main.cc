#include <cstring>

#include "daemons/demo/embedded.h"
#include "daemons/service/app.h"
#include "stages/specs.h"

int main(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], "--embedded") == 0) {
    return kpay::daemons::run_embedded(argc - 1, argv + 1);
  }
  return kpay::daemons::run_daemon(argc, argv, {"kpay-demo", kpay::stages::all_specs()});
}
