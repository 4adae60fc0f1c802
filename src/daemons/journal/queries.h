// Queries: the journal's query side: the index that is written behind the auditor, and the reader
// that answers from it. Whatever goes wrong here, the auditor goes on.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "daemons/journal/changes.h"
#include "query/feeder.h"
#include "query/reader.h"
#include "telemetry/telemetry.h"

namespace kpay::journal {

struct QueryOptions {
  std::string directory;  ///< empty: there is no query side
  std::int64_t keep_ms = 0;
  bool changes = false;  ///< accounts.changes is told
};

/// Threads: any, but those that say that they are the follower's.
class Queries {
 public:
  /// Makes the directory if need be. What fails is told in problem().
  /// `changes` is null when nothing is told.
  Queries(QueryOptions options, query::IndexOptions index, std::unique_ptr<Changes> changes,
          std::string instance, telemetry::Telemetry& telemetry);
  ~Queries();

  // The follower's.
  /// Null when nothing can be written.
  [[nodiscard]] audit::Witness* witness() noexcept { return feeder_.get(); }
  void tick(std::int64_t as_of_ms, std::int64_t now_ms);
  /// Everything that was told is on the disk when this returns, or the query side has failed.
  void flush(std::int64_t as_of_ms, const audit::Offsets& next);
  /// The file has what was told before these offsets; also true when nothing can be written.
  [[nodiscard]] bool reaches(const audit::Offsets& next) const;
  /// The file is set aside and another one begun, of what happens from then on. There is another
  /// witness() then. REQUIRES: nobody asks yet.
  void begin_anew(std::int64_t from_ms);

  /// Why nothing can be asked; empty when it can.
  [[nodiscard]] std::string problem() const;
  [[nodiscard]] query::Reader& reader() noexcept { return *reader_; }
  [[nodiscard]] query::Progress progress() const;
  /// Records of accounts.changes since the start.
  [[nodiscard]] std::uint64_t changes_told() const noexcept;
  [[nodiscard]] const std::string& instance() const noexcept { return instance_; }

 private:
  void start();
  void feed(std::unique_ptr<query::Index> index);
  void tell_aside(const std::string& kept_as, const std::string& reason);
  void fail(const Error& error);

  QueryOptions options_;
  std::unique_ptr<Changes> changes_;
  query::IndexOptions index_;
  std::string instance_;
  telemetry::Telemetry* telemetry_;
  mutable std::mutex mutex_;  // guards problem_
  std::string problem_;
  std::unique_ptr<query::Reader> reader_;
  std::unique_ptr<query::Feeder> feeder_;  // last: its thread calls fail()
};

}  // namespace kpay::journal
