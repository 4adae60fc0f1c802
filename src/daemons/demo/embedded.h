// The embedded demo: all stages on a log in memory, with no Kafka, no disk and no thread. The same
// tasks, frames, checkpoints and read-back as over Kafka.
#pragma once

namespace kpay::daemons {

/// kpay-demo --embedded [--payments N] [--accounts N] [--partitions N] [--seed N] [--crashes N]
/// Prints a statement. Exit code 0 if the books balance, 1 if not, 2 for a wrong command line.
int run_embedded(int argc, char** argv);

}  // namespace kpay::daemons
