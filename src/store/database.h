// Database, Statement: a SQLite file of tables that its user declares, for what can be rebuilt at
// any time. The state of tasks has a file of its own kind: store/state_file.h.
//
// One process has the file at a time (the lock is on a file beside it). Within it, one connection
// writes and any number read: only the writer ever resets the WAL, so SQLite's bug with two of them
// at once can't happen, and readers see what was committed last.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace kpay::store {

class Database;

/// A prepared statement; views that it gives are good until it moves on. Threads: one.
class Statement {
 public:
  Statement() = default;
  ~Statement();
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  /// Parameters, from 1. Views have to stay until the statement has run.
  Statement& bind(int place, std::int64_t value);
  Statement& bind(int place, std::string_view text);
  Statement& bind(int place, ByteView bytes);
  Statement& bind_null(int place);

  /// The next row; false at the end, and then it may be bound anew. Errors: corrupt, io.
  Result<bool> step();
  /// For a statement without rows.
  Result<void> run();
  void reset();

  /// Columns of the row, from 0.
  [[nodiscard]] std::int64_t number(int column) const;
  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] ByteView blob(int column) const;
  [[nodiscard]] bool is_null(int column) const;

 private:
  friend class Database;
  Statement(Database* database, sqlite3_stmt* statement)
      : database_(database), statement_(statement) {}

  Database* database_ = nullptr;
  sqlite3_stmt* statement_ = nullptr;
};

/// Threads: one. Outlives its statements.
class Database {
 public:
  struct Options {
    std::string path;
    bool writes = false;
    std::int64_t cache_kilobytes = 16'384;
  };
  /// A writer makes the file. Errors: conflict (another process has it), corrupt, io.
  static Result<std::unique_ptr<Database>> open(const Options& options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Statements without rows, with semicolons between.
  Result<void> run(const char* sql);
  Result<Statement> prepare(std::string_view sql);
  /// Rows that the last statement changed.
  [[nodiscard]] std::int64_t changes() const;

  /// Moves a file that nobody has open out of the way, with what belongs to it; gives its new name.
  static Result<std::string> set_aside(const std::string& path, const std::string& why);

 private:
  friend class Statement;
  explicit Database(std::string path) : path_(std::move(path)) {}
  Result<void> lock();
  Result<void> connect(const Options& options);
  [[nodiscard]] Unexpected failure(std::string_view doing, int code) const;

  std::string path_;
  int lock_ = -1;
  sqlite3* db_ = nullptr;
};

}  // namespace kpay::store
