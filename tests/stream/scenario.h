// A scenario for crashes: the same input at the same times in every run, faults in between, and
// what has to be the same at the end as without them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "support/test_driver.h"
#include "support/toy_stages.h"

namespace kpay::test {

/// Both toy stages over `partitions`, with frequent checkpoints and bases and no ticks of their
/// own.
[[nodiscard]] TestDriver::Options crash_options(std::int32_t partitions, std::uint64_t seed);

/// The commands of one batch; a function of its arguments only.
[[nodiscard]] std::vector<std::string> batch_of(std::uint64_t seed, int batch, int commands);

/// Appends a batch to toy.in, each command to the partition of its first name.
void pipe_batch(TestDriver& driver, std::int32_t partitions, const std::vector<std::string>& batch);

/// What must not depend on who crashed when.
struct Outcome {
  std::vector<std::string> source_rows;
  std::vector<std::string> adder_rows;
  std::vector<std::string> source_hashes;  ///< whole-state hash of each task after its clean marker
  std::vector<std::string> mid;            ///< events that a receiver applies, in order per sender
  std::vector<std::string> out;
  std::vector<std::string> told;  ///< public records, each number once
  std::uint64_t diverged = 0;
};

/// Says what differs and where first; empty when nothing does.
[[nodiscard]] std::string difference(const Outcome& seen, const Outcome& wanted);

/// Ends a run: a last process takes everything over, finishes and stops cleanly.
[[nodiscard]] Outcome finish(TestDriver& driver, std::int32_t partitions, bool in_order);

/// Replays the adder over the very input that it had, from genesis, in a world of its own: equal to
/// the state hash of its last marker in `driver`, or an explanation.
[[nodiscard]] std::string replay_differs(TestDriver& driver, std::int32_t partitions,
                                         std::uint64_t seed);

/// The last accepted marker in a changelog.
[[nodiscard]] stream::Marker last_marker(TestDriver& driver, const std::string& stage,
                                         std::int32_t partition = 0);

}  // namespace kpay::test
