#include "daemons/service/app.h"
#include "stages/specs.h"

int main(int argc, char** argv) {
  return kpay::daemons::run_daemon(argc, argv,
                                   {"kpay-confirmed", {kpay::stages::confirmed_spec()}});
}
