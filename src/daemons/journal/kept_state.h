// KeptState: the auditor's file on this host: read at the start, written anew every few seconds,
// whole or not at all.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "audit/kept_file.h"

namespace kpay::journal {

/// Threads: one.
class KeptState {
 public:
  /// `folder` is this instance's alone; it is made if it isn't there. Empty: nothing is kept.
  explicit KeptState(std::string folder) : folder_(std::move(folder)) {}

  [[nodiscard]] bool keeps() const noexcept { return !folder_.empty(); }
  /// The state that lies there; nothing when there is none. Errors: corrupt, conflict (see
  /// read_kept_file), io.
  [[nodiscard]] Result<std::optional<Bytes>> read(const audit::KeptIdentity& identity) const;
  /// Takes what lies there out of the way; gives its new name. Errors: io.
  [[nodiscard]] Result<std::string> set_aside(const std::string& why) const;
  /// After an error the former one is still there. Errors: io.
  [[nodiscard]] Result<void> write(const audit::KeptIdentity& identity, ByteView state) const;

  /// Writing again is due: after a pause that bounds what writing costs.
  [[nodiscard]] bool due(std::int64_t now_ms) const noexcept { return now_ms >= due_ms_; }
  /// It was tried, beginning at `began_ms`, and is over at `now_ms`.
  void tried(std::int64_t began_ms, std::int64_t now_ms) noexcept;
  [[nodiscard]] std::string path() const { return folder_ + "/auditor.state"; }

 private:
  std::string folder_;
  std::int64_t due_ms_ = 0;
};

}  // namespace kpay::journal
