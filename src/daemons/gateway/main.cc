#include "daemons/gateway/app.h"

int main(int argc, char** argv) { return kpay::gateway::run_app(argc, argv); }
