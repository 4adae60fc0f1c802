#include "store/state_file.h"

#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>

#include "base/check.h"
#include "base/time.h"

namespace kpay::store {

namespace {

constexpr const char* kSchema =
    "CREATE TABLE IF NOT EXISTS rows(tbl INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,"
    " PRIMARY KEY(tbl, key)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;";

void bind_blob(sqlite3_stmt* statement, int place, ByteView bytes) {
  // An empty blob must not become NULL: SQLite takes a null pointer for that.
  static constexpr char kNothing = 0;
  const void* data = bytes.empty() ? static_cast<const void*>(&kNothing) : bytes.data();
  sqlite3_bind_blob64(statement, place, data, bytes.size(), SQLITE_STATIC);
}

ByteView column_blob(sqlite3_stmt* statement, int column) {
  const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(statement, column));
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement, column))};
}

// SQLite keeps values of any type in any column.
bool is_row(sqlite3_stmt* statement) {
  constexpr sqlite3_int64 kLastTable = std::numeric_limits<std::uint16_t>::max();
  return sqlite3_column_type(statement, 0) == SQLITE_INTEGER &&
         sqlite3_column_int64(statement, 0) >= 0 &&
         sqlite3_column_int64(statement, 0) <= kLastTable &&
         sqlite3_column_type(statement, 1) == SQLITE_BLOB &&
         sqlite3_column_type(statement, 2) == SQLITE_BLOB;
}

// A statement for one use, finalized at the end of the block.
class Statement {
 public:
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  [[nodiscard]] sqlite3_stmt* get() const noexcept { return statement_; }

 private:
  sqlite3_stmt* statement_;
};

// Our statements are fixed, so one that SQLite finds wrong means a file of another shape.
bool is_damage(int code) {
  const int primary = code & 0xff;
  return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB || primary == SQLITE_ERROR ||
         primary == SQLITE_CONSTRAINT || primary == SQLITE_MISMATCH;
}

}  // namespace

Unexpected StateFile::failure(const char* doing) const {
  const int primary = last_code_ & 0xff;
  ErrorCode code = ErrorCode::io;
  if (is_damage(last_code_)) {
    code = ErrorCode::corrupt;
  } else if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED) {
    code = ErrorCode::conflict;
  }
  std::string text = options_.path + ": " + doing + ": " + sqlite3_errstr(last_code_);
  if (code == ErrorCode::conflict) {
    text += " (another process has this state file open)";
  }
  return {code, text};
}

Result<std::unique_ptr<StateFile>> StateFile::open(StateFileOptions options) {
  std::unique_ptr<StateFile> file(new StateFile(std::move(options)));
  Result<void> ready = file->connect();
  if (!ready && ready.error().code == ErrorCode::corrupt) {
    ready = file->set_aside("damaged");
  }
  if (!ready) {
    return Unexpected(ready.error());
  }
  Result<bool> ours = file->has_our_identity();
  if (!ours && ours.error().code != ErrorCode::corrupt) {
    return Unexpected(ours.error());
  }
  if (!ours || !*ours) {
    if (Result<void> moved = file->set_aside(ours ? "other-identity" : "damaged"); !moved) {
      return Unexpected(moved.error());
    }
  }
  return file;
}

Result<bool> StateFile::has_our_identity() {
  Result<Bytes> found = identity();
  if (!found) {
    return Unexpected(found.error());
  }
  return *found == options_.identity;
}

Result<Bytes> StateFile::identity() {
  Result<sqlite3_stmt*> query = prepare("SELECT value FROM meta WHERE name='identity'");
  if (!query) {
    return Unexpected(query.error());
  }
  const Statement statement(*query);
  last_code_ = sqlite3_step(statement.get());
  if (last_code_ == SQLITE_DONE) {
    return Unexpected(ErrorCode::corrupt, options_.path + ": it doesn't say whose state it is");
  }
  if (last_code_ != SQLITE_ROW) {
    return failure("read the identity");
  }
  return to_bytes(column_blob(statement.get(), 0));
}

StateFile::~StateFile() { close(); }

void StateFile::close() {
  if (copy_ != nullptr) {
    end_copy();
    (void)std::remove(copy_path_.c_str());
  }
  sqlite3_finalize(put_);
  sqlite3_finalize(erase_);
  sqlite3_finalize(meta_);
  put_ = erase_ = meta_ = nullptr;
  sqlite3_close(db_);
  db_ = nullptr;
}

Result<void> StateFile::connect() {
  last_code_ =
      sqlite3_open_v2(options_.path.c_str(), &db_,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (last_code_ != SQLITE_OK) {
    return failure("open");
  }
  sqlite3_extended_result_codes(db_, 1);
  // Our files have neither triggers nor views; in another's they could change what is written.
  sqlite3_db_config(db_, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  sqlite3_busy_timeout(db_, 2000);
  const char* sync = options_.sync_full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL";
  for (const char* sql :
       {"PRAGMA locking_mode=EXCLUSIVE", "PRAGMA page_size=8192", "PRAGMA journal_mode=WAL", sync,
        "PRAGMA temp_store=MEMORY", "PRAGMA cache_size=-16384", "PRAGMA wal_autocheckpoint=4000"}) {
    if (Result<void> done = run(sql); !done) {
      return done;
    }
  }
  return prepare_schema();
}

Result<void> StateFile::prepare_schema() {
  if (Result<void> begun = run("BEGIN IMMEDIATE"); !begun) {
    return begun;
  }
  if (Result<void> made = run(kSchema); !made) {
    return made;
  }
  // An empty file becomes ours; in any other the identity stays what it was.
  Result<sqlite3_stmt*> claim = prepare(
      "INSERT INTO meta(name, value) SELECT 'identity', ?1 WHERE NOT EXISTS(SELECT 1 FROM meta)");
  if (!claim) {
    return Unexpected(claim.error());
  }
  {
    const Statement statement(*claim);
    bind_blob(statement.get(), 1, options_.identity);
    last_code_ = sqlite3_step(statement.get());
  }
  if (last_code_ != SQLITE_DONE) {
    return failure("claim");
  }
  if (Result<void> done = run("COMMIT"); !done) {
    return done;
  }
  const std::array<std::pair<sqlite3_stmt**, const char*>, 3> statements{{
      {&put_,
       "INSERT INTO rows(tbl, key, value) VALUES(?1, ?2, ?3)"
       " ON CONFLICT(tbl, key) DO UPDATE SET value=excluded.value"},
      {&erase_, "DELETE FROM rows WHERE tbl=?1 AND key=?2"},
      {&meta_,
       "INSERT INTO meta(name, value) VALUES('marker', ?1)"
       " ON CONFLICT(name) DO UPDATE SET value=excluded.value"},
  }};
  for (const auto& [place, sql] : statements) {
    Result<sqlite3_stmt*> made = prepare(sql);
    if (!made) {
      return Unexpected(made.error());
    }
    *place = *made;
  }
  return {};
}

Result<void> StateFile::run(const char* sql) {
  last_code_ = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
  if (last_code_ != SQLITE_OK) {
    return failure(sql);
  }
  return {};
}

Result<sqlite3_stmt*> StateFile::prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  last_code_ = sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (last_code_ != SQLITE_OK) {
    return failure(sql);
  }
  return statement;
}

Result<std::optional<Bytes>> StateFile::marker() {
  Result<sqlite3_stmt*> query = prepare("SELECT value FROM meta WHERE name='marker'");
  if (!query) {
    return Unexpected(query.error());
  }
  const Statement statement(*query);
  last_code_ = sqlite3_step(statement.get());
  if (last_code_ == SQLITE_ROW) {
    return std::optional(to_bytes(column_blob(statement.get(), 0)));
  }
  if (last_code_ == SQLITE_DONE) {
    return std::optional<Bytes>();
  }
  return failure("read the marker");
}

Result<void> StateFile::load(const std::function<Result<void>(const StoredRow&)>& sink) {
  Result<sqlite3_stmt*> query = prepare("SELECT tbl, key, value FROM rows ORDER BY tbl, key");
  if (!query) {
    return Unexpected(query.error());
  }
  const Statement statement(*query);
  while ((last_code_ = sqlite3_step(statement.get())) == SQLITE_ROW) {
    if (!is_row(statement.get())) {
      return Unexpected(ErrorCode::corrupt, options_.path + ": load: a row of another shape");
    }
    const StoredRow row{static_cast<std::uint16_t>(sqlite3_column_int(statement.get(), 0)),
                        column_blob(statement.get(), 1), column_blob(statement.get(), 2)};
    if (Result<void> taken = sink(row); !taken) {
      return taken;
    }
  }
  if (last_code_ != SQLITE_DONE) {
    return failure("load");
  }
  return {};
}

Result<void> StateFile::write_rows(const std::vector<StoredRow>& rows, ByteView marker,
                                   bool replace) {
  if (replace) {
    if (Result<void> emptied = run("DELETE FROM rows"); !emptied) {
      return emptied;
    }
  }
  for (const StoredRow& row : rows) {
    sqlite3_stmt* statement = row.value ? put_ : erase_;
    sqlite3_bind_int(statement, 1, row.table);
    bind_blob(statement, 2, row.key);
    if (row.value) {
      bind_blob(statement, 3, *row.value);
    }
    last_code_ = sqlite3_step(statement);
    const int step = last_code_;
    sqlite3_reset(statement);
    if (step != SQLITE_DONE) {
      return failure("write a row");
    }
  }
  bind_blob(meta_, 1, marker);
  last_code_ = sqlite3_step(meta_);
  const int step = last_code_;
  sqlite3_reset(meta_);
  if (step != SQLITE_DONE) {
    return failure("write the marker");
  }
  return run("COMMIT");
}

Result<void> StateFile::commit(std::vector<StoredRow>& rows, ByteView marker, bool replace) {
  sort_rows(rows);
  if (Result<void> begun = run("BEGIN IMMEDIATE"); !begun) {
    return begun;
  }
  Result<void> written = write_rows(rows, marker, replace);
  if (!written) {
    const int code = last_code_;
    (void)sqlite3_exec(db_, "ROLLBACK", nullptr, nullptr, nullptr);
    last_code_ = code;
  }
  return written;
}

Result<std::vector<KeyValue>> StateFile::range(std::uint16_t table, ByteView from, ByteView to,
                                               std::size_t limit) {
  Result<sqlite3_stmt*> query = prepare(
      "SELECT key, value FROM rows WHERE tbl=?1 AND key>=?2 AND (?3 OR key<?4)"
      " ORDER BY key LIMIT ?5");
  if (!query) {
    return Unexpected(query.error());
  }
  const Statement statement(*query);
  sqlite3_bind_int(statement.get(), 1, table);
  bind_blob(statement.get(), 2, from);
  sqlite3_bind_int(statement.get(), 3, to.empty() ? 1 : 0);
  bind_blob(statement.get(), 4, to);
  sqlite3_bind_int64(statement.get(), 5, static_cast<sqlite3_int64>(limit));
  std::vector<KeyValue> found;
  while ((last_code_ = sqlite3_step(statement.get())) == SQLITE_ROW) {
    found.push_back(
        {to_bytes(column_blob(statement.get(), 0)), to_bytes(column_blob(statement.get(), 1))});
  }
  if (last_code_ != SQLITE_DONE) {
    return failure("range");
  }
  return found;
}

Result<void> StateFile::set_aside(const std::string& why) {
  close();
  // Never onto a name that is taken: what was set aside stays.
  std::int64_t stamp = wall_clock_now().ms;
  do {
    aside_ = options_.path + ".aside-" + std::to_string(stamp++) + "-" + why;
  } while (::access(aside_.c_str(), F_OK) == 0);
  for (const char* part : {"-wal", "-shm", "-journal", ""}) {
    const std::string from = options_.path + part;
    const std::string to = aside_ + part;
    if (std::rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT) {
      return Unexpected(ErrorCode::io, from + ": cannot be set aside: " + std::strerror(errno));
    }
  }
  return connect();
}

}  // namespace kpay::store
