// JournalConfig: what kpay-journal is told by its file, as plain values. Most of its fields are the
// daemons' own, with the same bounds and sentences; state.directory and query.* are its own and may
// be left out. docs/configuration.md has all.
#pragma once

#include <chrono>
#include <string>

#include "config/daemon_config.h"

namespace kpay::config {

struct JournalConfig {
  std::string instance_id;
  KafkaConfig kafka;
  HttpConfig http;
  LogConfig log;
  std::chrono::milliseconds stop_deadline{};
  std::string state_directory;  ///< empty: the auditor keeps nothing
  struct Query {
    std::string directory;       ///< empty: no query side
    std::int64_t keep_days = 0;  ///< zero: for good
    bool changes = false;        ///< tells accounts.changes
  } query;
  std::string hash;  ///< of all values (Config::hash())
};

[[nodiscard]] Schema journal_schema();

/// Errors: those of load().
[[nodiscard]] Result<JournalConfig> load_journal_config(const std::string& path);

}  // namespace kpay::config
