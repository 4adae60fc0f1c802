// StateFile: copying it while it is in use, and reading such a copy.
//
// SQLite's online backup takes some pages at a time. What this very connection commits in between
// goes into the copy, too, so that it never begins again, and commits never wait for all of it.
#include <sqlite3.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/check.h"
#include "store/state_file.h"

namespace kpay::store {

namespace {

// As part of a file: URI.
std::string uri_of(const std::string& path) {
  std::string uri = "file:";
  for (const char c : path) {
    if (c == '%' || c == '?' || c == '#') {
      uri += "%" + to_hex(as_bytes(std::string_view(&c, 1)));
    } else {
      uri += c;
    }
  }
  return uri + "?immutable=1";
}

}  // namespace

Result<void> StateFile::begin_copy(const std::string& path) {
  check(copy_ == nullptr, "one copy at a time");
  copy_path_ = path;
  const int opened =
      sqlite3_open_v2(path.c_str(), &copy_db_,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (opened == SQLITE_OK) {
    // Whoever takes the copy syncs it once it is whole; until then it may go with the power.
    (void)sqlite3_exec(copy_db_, "PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE", nullptr,
                       nullptr, nullptr);
    copy_ = sqlite3_backup_init(copy_db_, "main", db_, "main");
  }
  if (copy_ == nullptr) {
    const std::string text = copy_db_ == nullptr ? "no memory" : sqlite3_errmsg(copy_db_);
    end_copy();
    return Unexpected(ErrorCode::io, path + ": cannot be begun as a copy: " + text);
  }
  return {};
}

Result<bool> StateFile::copy_more(int pages) {
  check(copy_ != nullptr, "a copy was begun");
  const int code = sqlite3_backup_step(copy_, pages);
  if (code == SQLITE_OK) {
    return false;
  }
  end_copy();
  if (code == SQLITE_DONE) {
    return true;
  }
  (void)std::remove(copy_path_.c_str());
  return Unexpected(ErrorCode::io, copy_path_ + ": cannot be copied: " + sqlite3_errstr(code));
}

void StateFile::end_copy() {
  sqlite3_backup_finish(copy_);
  copy_ = nullptr;
  sqlite3_close(copy_db_);
  copy_db_ = nullptr;
}

Result<std::unique_ptr<StateFile>> StateFile::open_copy(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> there(std::fopen(path.c_str(), "rb"),
                                                              std::fclose);
  if (!there) {
    return Unexpected(errno == ENOENT ? ErrorCode::not_found : ErrorCode::io,
                      path + ": " + std::strerror(errno));
  }
  std::unique_ptr<StateFile> file(new StateFile(StateFileOptions{path, {}, false}));
  file->last_code_ =
      sqlite3_open_v2(uri_of(path).c_str(), &file->db_,
                      SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, nullptr);
  if (file->last_code_ != SQLITE_OK) {
    return file->failure("open");
  }
  sqlite3_extended_result_codes(file->db_, 1);
  sqlite3_db_config(file->db_, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(file->db_, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  return file;
}

}  // namespace kpay::store
