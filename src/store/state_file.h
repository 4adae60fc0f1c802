// StateFile: a StateStore in one SQLite file. Layout and validity: docs/store.md.
//
// Exactly one connection exists, in exclusive locking mode with a write-ahead log; a second
// process gets `conflict`. A file of another task, lineage or cluster, or one that SQLite finds
// damaged, is set aside under "<name>.aside-<time>-<why>" and never deleted.
#pragma once

#include <memory>
#include <string>

#include "store/state_store.h"

struct sqlite3;
struct sqlite3_backup;
struct sqlite3_stmt;

namespace kpay::store {

struct StateFileOptions {
  std::string path;
  Bytes identity;          ///< whose state it is: compared byte for byte
  bool sync_full = false;  ///< synchronous=FULL instead of NORMAL
};

class StateFile final : public StateStore {
 public:
  /// Opens or makes the file. Errors: conflict (somebody else has it open), io.
  static Result<std::unique_ptr<StateFile>> open(StateFileOptions options);
  ~StateFile() override;
  StateFile(const StateFile&) = delete;
  StateFile& operator=(const StateFile&) = delete;

  Result<std::optional<Bytes>> marker() override;
  Result<void> load(const std::function<Result<void>(const StoredRow&)>& sink) override;
  Result<void> commit(std::vector<StoredRow>& rows, ByteView marker, bool replace) override;
  Result<std::vector<KeyValue>> range(std::uint16_t table, ByteView from, ByteView to,
                                      std::size_t limit) override;
  Result<void> set_aside(const std::string& why) override;
  Result<void> begin_copy(const std::string& path) override;
  Result<bool> copy_more(int pages) override;

  /// A copy that nobody changes, to be read: marker(), load(), range(), identity(). Writes nothing,
  /// not even beside it. Errors: not_found, corrupt, io.
  static Result<std::unique_ptr<StateFile>> open_copy(const std::string& path);
  /// Whose state it is. Errors: corrupt (it doesn't say), io.
  Result<Bytes> identity();

  /// Where the last set_aside() (or open()) put what it found; empty when nothing was.
  [[nodiscard]] const std::string& aside() const noexcept { return aside_; }

 private:
  explicit StateFile(StateFileOptions options) : options_(std::move(options)) {}

  Result<void> connect();
  Result<void> prepare_schema();
  Result<bool> has_our_identity();
  void close();
  void end_copy();
  Result<void> run(const char* sql);
  Result<sqlite3_stmt*> prepare(const char* sql);
  Result<void> write_rows(const std::vector<StoredRow>& rows, ByteView marker, bool replace);
  [[nodiscard]] Unexpected failure(const char* doing) const;

  StateFileOptions options_;
  sqlite3* db_ = nullptr;
  int last_code_ = 0;
  sqlite3_stmt* put_ = nullptr;
  sqlite3_stmt* erase_ = nullptr;
  sqlite3_stmt* meta_ = nullptr;
  std::string aside_;
  sqlite3* copy_db_ = nullptr;  // a copy under way
  sqlite3_backup* copy_ = nullptr;
  std::string copy_path_;
};

}  // namespace kpay::store
