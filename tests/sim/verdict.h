// Verdict: what has to be true when a run has come to rest. Each gives a sentence that says what is
// wrong and where, beginning with the name of the checker; empty when all is well.
#pragma once

#include <string>

#include "sim/checker.h"
#include "sim/replica.h"
#include "sim/world.h"

namespace kpay::sim {

/// Every marker that ever counted has the position, registers and state hash that the task's input
/// alone leads to, and what stands on the topics is what the input leads to, no more and no less;
/// what was told of an account leads from each of its balances to the next.
[[nodiscard]] std::string judge_tasks(World& world,
                                      std::vector<std::unique_ptr<Replica>>& replicas);

/// A standby that hasn't followed its changelog to the last marker, and where it is; empty when all
/// have.
[[nodiscard]] std::string who_lags(World& world);

/// Every standby has, row by row, the state of the last marker. REQUIRES: nobody lags.
[[nodiscard]] std::string judge_standbys(World& world);

/// Money and payments: every accepted payment has one outcome, every account the balance that the
/// outcomes lead to, nothing is in flight, sums are conserved, public results and totals agree.
[[nodiscard]] std::string judge_books(World& world,
                                      const std::vector<std::unique_ptr<Replica>>& replicas);

/// Every event of every task's input has the consequences that it has to have, or is put aside:
/// what came in is what went out, and dead letters. Nobody is held when a run has come to rest.
[[nodiscard]] std::string judge_letters(World& world,
                                        const std::vector<std::unique_ptr<Replica>>& replicas);

/// An id that intake knows has one answer, whatever comes again under it.
[[nodiscard]] std::string judge_ids(World& world,
                                    const std::vector<std::unique_ptr<Replica>>& replicas);

/// No dead letter is closed twice, and every operator's record has its answer.
[[nodiscard]] std::string judge_operators(World& world,
                                          const std::vector<std::unique_ptr<Replica>>& replicas);

}  // namespace kpay::sim
