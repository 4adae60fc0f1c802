#include <cstdio>
#include <exception>

#include "daemons/load/cli.h"

int main(int argc, char** argv) {
  try {
    return kpay::load::run_cli(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "kpay-load: %s\n", error.what());
    return 1;
  }
}
