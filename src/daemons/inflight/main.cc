#include "daemons/service/app.h"
#include "stages/specs.h"

int main(int argc, char** argv) {
  return kpay::daemons::run_daemon(
      argc, argv, {"kpay-inflight", {kpay::stages::intake_spec(), kpay::stages::settle_spec()}});
}
