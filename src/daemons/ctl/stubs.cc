#include "daemons/ctl/cli.h"
namespace kpay::ctl {
void add_books(CLI::App&, Session&) {}
void add_pipeline(CLI::App&, Session&) {}
void add_dlq(CLI::App&, Session&) {}
void add_status(CLI::App&, Session&) {}
void add_config(CLI::App&, Session&) {}
}
