// DrainProof: whether the pipeline is drained, and where its tasks stand when it is.
//
// Drained: intake is paused with a marker at its very position, settle has seen all that intake
// sent, and so nothing is in flight.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemons/ctl/books_table.h"
#include "daemons/ctl/control.h"

namespace kpay::ctl {

/// Why the pipeline is not drained yet; empty when it is, and then `instances` is the proof, and
/// `books` has what is in flight.
[[nodiscard]] std::string not_drained(const HttpTables& tables, std::int32_t partitions,
                                      const std::vector<InstanceView>& instances,
                                      ShownBooks& books);

/// Where the running tasks of a stage stand; their markers prove it: a JSON array of objects with
/// `partition`, `position` and `hash`.
[[nodiscard]] std::string positions_json(const std::vector<InstanceView>& instances,
                                         const std::string& stage);

}  // namespace kpay::ctl
