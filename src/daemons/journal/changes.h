// Changes: the public change stream of accounts, accounts.changes (docs/query.md).
//
// One record for each change of a balance, in its account's partition and in the order of the
// changes. It is told before the index commits it, so that after a crash it may be told again, and
// never left out; where a start goes on is what the newest record of each partition says.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "daemons/tool/connection.h"
#include "kafka/plain_producer.h"
#include "query/change.h"

namespace kpay::journal {

inline constexpr const char* kChangesTopic = "accounts.changes";

/// Grows with every change of an account; 0: what it had before the log's first kept record.
[[nodiscard]] std::int64_t version_of(const audit::Place& place) noexcept;
/// The record's value.
[[nodiscard]] std::string to_json(const query::Change& change);

class Changes {
 public:
  /// Reads the newest record of each partition. Errors: not_found (no such topic), unavailable,
  /// corrupt (a record that is none of these).
  static Result<std::unique_ptr<Changes>> open(const tool::Reached& reached);

  /// Returns when the brokers have all of them; waits for brokers that are away. One thread.
  /// Errors: unavailable, some seconds after stop().
  Result<void> tell(const std::vector<query::Change>& changes);
  /// Any thread.
  void stop() noexcept;
  [[nodiscard]] std::uint64_t told() const noexcept { return told_; }

 private:
  Changes() = default;
  Result<void> read_newest(const tool::Reached& reached);

  std::string topic_;
  std::unique_ptr<kafka::PlainProducer> producer_;
  std::vector<std::int64_t> newest_;  // version, by partition; -1: it is empty
  std::atomic<std::uint64_t> told_ = 0;
  std::atomic<std::int64_t> give_up_ms_ = 0;  // of monotonic_ms(); 0: never
};

}  // namespace kpay::journal
