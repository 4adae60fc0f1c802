// StateStore: where a task keeps its state on this host, so that a restart needs only the tail of
// the changelog. It is a copy: the log is the truth (R14, R17).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace kpay::store {

/// A row to write, or (without a value) to delete. Views into the caller's bytes.
struct StoredRow {
  std::uint16_t table = 0;
  ByteView key;
  std::optional<ByteView> value;
};

/// A row as a range read gives it.
struct KeyValue {
  Bytes key;
  Bytes value;
};

/// One task's state. One thread at a time; nobody else has it open.
class StateStore {
 public:
  virtual ~StateStore() = default;

  /// What the last commit said it is the state of; nothing when there was no commit yet.
  /// Errors: corrupt, io.
  virtual Result<std::optional<Bytes>> marker() = 0;

  /// Gives all rows, in the order of (table, key). Views are valid during the call.
  virtual Result<void> load(const std::function<Result<void>(const StoredRow&)>& sink) = 0;

  /// Writes rows and marker in one transaction. With `replace`, all that was there goes first.
  /// Errors: io (disk full, device error): then nothing of it is there.
  virtual Result<void> commit(std::vector<StoredRow>& rows, ByteView marker, bool replace) = 0;

  /// Up to `limit` rows of a table with from <= key (and key < to, unless `to` is empty), by key.
  virtual Result<std::vector<KeyValue>> range(std::uint16_t table, ByteView from, ByteView to,
                                              std::size_t limit) = 0;

  /// Begins a copy of the state in a new file at `path`, which copy_more() fills. One at a time;
  /// whatever is committed meanwhile is in it, too. Errors: invalid (a store without a file), io.
  virtual Result<void> begin_copy(const std::string& path) {
    return Unexpected(ErrorCode::invalid, path + ": this store has no file to be copied");
  }
  /// Up to `pages` pages more. True when it is whole: the state at marker(), closed and on the disk
  /// as far as the system writes. After an error nothing is left of it. REQUIRES: begin_copy().
  virtual Result<bool> copy_more(int pages) {
    (void)pages;
    return false;
  }

  /// Takes the state out of the way, kept under another name, and starts an empty one.
  virtual Result<void> set_aside(const std::string& why) = 0;
};

/// Sorts rows by (table, key) and keeps only the last of each: what a commit writes.
void sort_rows(std::vector<StoredRow>& rows);

}  // namespace kpay::store
