#include "store/database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/time.h"

namespace kpay::store {

namespace {

constexpr int kBusyMs = 2'000;

// Our statements are fixed, so one that SQLite finds wrong means a file of another shape.
ErrorCode error_code_of(int code) {
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH: return ErrorCode::corrupt;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ErrorCode::conflict;
    default: return ErrorCode::io;
  }
}

}  // namespace

// ---- Statement

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_), statement_(std::exchange(other.statement_, nullptr)) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  if (this != &other) {
    sqlite3_finalize(statement_);
    database_ = other.database_;
    statement_ = std::exchange(other.statement_, nullptr);
  }
  return *this;
}

Statement& Statement::bind(int place, std::int64_t value) {
  sqlite3_bind_int64(statement_, place, value);
  return *this;
}

Statement& Statement::bind(int place, std::string_view text) {
  sqlite3_bind_text64(statement_, place, text.empty() ? "" : text.data(), text.size(),
                      SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind(int place, ByteView bytes) {
  // An empty blob must not become NULL: SQLite takes a null pointer for that.
  static constexpr char kNothing = 0;
  const void* data = bytes.empty() ? static_cast<const void*>(&kNothing) : bytes.data();
  sqlite3_bind_blob64(statement_, place, data, bytes.size(), SQLITE_STATIC);
  return *this;
}

Statement& Statement::bind_null(int place) {
  sqlite3_bind_null(statement_, place);
  return *this;
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) {
    return true;
  }
  const std::string text = sqlite3_sql(statement_);
  sqlite3_reset(statement_);
  if (code != SQLITE_DONE) {
    return database_->failure(text, code);
  }
  return false;
}

Result<void> Statement::run() {
  const Result<bool> stepped = step();
  return stepped ? Result<void>() : Unexpected(stepped.error());
}

void Statement::reset() { sqlite3_reset(statement_); }

std::int64_t Statement::number(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string_view Statement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return {data == nullptr ? "" : data,
          static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

ByteView Statement::blob(int column) const {
  const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(statement_, column));
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

// ---- Database

Unexpected Database::failure(std::string_view doing, int code) const {
  return {error_code_of(code), path_ + ": " + std::string(doing) + ": " + sqlite3_errstr(code)};
}

Result<std::unique_ptr<Database>> Database::open(const Options& options) {
  std::unique_ptr<Database> database(new Database(options.path));
  if (options.writes) {
    if (Result<void> locked = database->lock(); !locked) {
      return Unexpected(locked.error());
    }
  }
  if (Result<void> connected = database->connect(options); !connected) {
    return Unexpected(connected.error());
  }
  return database;
}

Database::~Database() {
  sqlite3_close(db_);
  if (lock_ >= 0) {
    ::close(lock_);
  }
}

Result<void> Database::lock() {
  const std::string path = path_ + ".lock";
  lock_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0) {
    return Unexpected(ErrorCode::io, path + ": " + std::strerror(errno));
  }
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    return Unexpected(ErrorCode::conflict, path_ + ": another process has this file open");
  }
  return {};
}

Result<void> Database::connect(const Options& options) {
  const int access =
      options.writes ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
  const int code = sqlite3_open_v2(path_.c_str(), &db_, access | SQLITE_OPEN_NOMUTEX, nullptr);
  if (code != SQLITE_OK) {
    return failure("open", code);
  }
  sqlite3_extended_result_codes(db_, 1);
  // Our files have neither triggers nor views; in another's they could change what is written.
  sqlite3_db_config(db_, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  sqlite3_busy_timeout(db_, kBusyMs);
  const std::string cache = "PRAGMA cache_size=-" + std::to_string(options.cache_kilobytes);
  if (Result<void> set = run((cache + ";PRAGMA temp_store=MEMORY").c_str()); !set) {
    return set;
  }
  return options.writes ? run("PRAGMA page_size=8192;PRAGMA journal_mode=WAL;"
                              "PRAGMA synchronous=NORMAL;PRAGMA wal_autocheckpoint=4000")
                        : run("PRAGMA wal_autocheckpoint=0");
}

Result<void> Database::run(const char* sql) {
  const int code = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? Result<void>() : failure(sql, code);
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) {
    return failure(sql, code);
  }
  return Statement(this, statement);
}

std::int64_t Database::changes() const { return sqlite3_changes64(db_); }

Result<std::string> Database::set_aside(const std::string& path, const std::string& why) {
  // Never onto a name that is taken: what was set aside stays.
  std::string aside;
  std::int64_t stamp = wall_clock_now().ms;
  do {
    aside = path + ".aside-" + std::to_string(stamp++) + "-" + why;
  } while (::access(aside.c_str(), F_OK) == 0);
  for (const char* part : {"-wal", "-shm", ""}) {
    if (std::rename((path + part).c_str(), (aside + part).c_str()) != 0 && errno != ENOENT) {
      return Unexpected(ErrorCode::io,
                        path + part + ": cannot be set aside: " + std::strerror(errno));
    }
  }
  return aside;
}

}  // namespace kpay::store
