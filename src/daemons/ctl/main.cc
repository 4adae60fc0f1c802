#include <cstdio>
#include <exception>

#include "daemons/ctl/cli.h"

int main(int argc, char** argv) {
  try {
    return kpay::ctl::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "kpayctl: %s\n", error.what());
    return 1;
  }
}
