// FaultyDevice: SQLite's way to the device, with calls in it that fail when a test wants it.
#pragma once

#include <sqlite3.h>

#include <new>

namespace kpay::store {

/// One at a time; while it lives, files that SQLite opens go through it. Threads: one.
class FaultyDevice {
 public:
  FaultyDevice() {
    base_ = sqlite3_vfs_find(nullptr);
    vfs_ = *base_;
    vfs_.zName = "faulty";
    vfs_.szOsFile = static_cast<int>(sizeof(File)) + base_->szOsFile;
    vfs_.xOpen = [](sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
      return open(name, file, flags, out);
    };
    self_ = this;
    sqlite3_vfs_register(&vfs_, 1);
  }
  ~FaultyDevice() {
    sqlite3_vfs_unregister(&vfs_);
    sqlite3_vfs_register(base_, 1);
    self_ = nullptr;
  }
  FaultyDevice(const FaultyDevice&) = delete;
  FaultyDevice& operator=(const FaultyDevice&) = delete;

  /// The call number `at` from now on fails, and with `on` all that follow.
  void arm(int at, bool on) {
    at_ = at;
    on_ = on;
    calls_ = 0;
  }
  void disarm() { at_ = 0; }
  [[nodiscard]] bool failed() const { return at_ > 0 && calls_ >= at_; }

 private:
  struct File {
    sqlite3_file base;
    sqlite3_file* inner() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  };
  static File& of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
  static bool fails() {
    ++self_->calls_;
    return self_->at_ > 0 &&
           (self_->on_ ? self_->calls_ >= self_->at_ : self_->calls_ == self_->at_);
  }

  static int open(const char* name, sqlite3_file* file, int flags, int* out) {
    File& own = *new (file) File{};
    if (fails()) {
      return SQLITE_CANTOPEN;
    }
    const int opened = self_->base_->xOpen(self_->base_, name, own.inner(), flags, out);
    own.base.pMethods = own.inner()->pMethods == nullptr ? nullptr : methods();
    return opened;
  }

  static const sqlite3_io_methods* methods() {
    static const sqlite3_io_methods kMethods = make_methods();
    return &kMethods;
  }
  static sqlite3_io_methods make_methods() {
    sqlite3_io_methods to{};
    to.iVersion = 2;  // with shared memory, which is no device
    to.xClose = [](sqlite3_file* f) { return inner(f)->pMethods->xClose(inner(f)); };
    to.xRead = [](sqlite3_file* f, void* into, int size, sqlite3_int64 at) {
      return fails() ? SQLITE_IOERR_READ : inner(f)->pMethods->xRead(inner(f), into, size, at);
    };
    to.xWrite = [](sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
      return fails() ? SQLITE_FULL : inner(f)->pMethods->xWrite(inner(f), from, size, at);
    };
    to.xTruncate = [](sqlite3_file* f, sqlite3_int64 size) {
      return fails() ? SQLITE_IOERR_TRUNCATE : inner(f)->pMethods->xTruncate(inner(f), size);
    };
    // No power goes here: what was written is there. Where it does: power_device.h.
    to.xSync = [](sqlite3_file*, int) { return fails() ? SQLITE_IOERR_FSYNC : SQLITE_OK; };
    to.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) {
      return fails() ? SQLITE_IOERR_FSTAT : inner(f)->pMethods->xFileSize(inner(f), size);
    };
    to.xLock = [](sqlite3_file* f, int lock) {
      return fails() ? SQLITE_IOERR_LOCK : inner(f)->pMethods->xLock(inner(f), lock);
    };
    to.xUnlock = [](sqlite3_file* f, int lock) {
      return inner(f)->pMethods->xUnlock(inner(f), lock);
    };
    to.xCheckReservedLock = [](sqlite3_file* f, int* out) {
      return inner(f)->pMethods->xCheckReservedLock(inner(f), out);
    };
    to.xFileControl = [](sqlite3_file* f, int what, void* with) {
      return inner(f)->pMethods->xFileControl(inner(f), what, with);
    };
    to.xSectorSize = [](sqlite3_file* f) { return inner(f)->pMethods->xSectorSize(inner(f)); };
    to.xDeviceCharacteristics = [](sqlite3_file* f) {
      return inner(f)->pMethods->xDeviceCharacteristics(inner(f));
    };
    to.xShmMap = [](sqlite3_file* f, int page, int size, int extend, void volatile** at) {
      return inner(f)->pMethods->xShmMap(inner(f), page, size, extend, at);
    };
    to.xShmLock = [](sqlite3_file* f, int offset, int n, int flags) {
      return inner(f)->pMethods->xShmLock(inner(f), offset, n, flags);
    };
    to.xShmBarrier = [](sqlite3_file* f) { inner(f)->pMethods->xShmBarrier(inner(f)); };
    to.xShmUnmap = [](sqlite3_file* f, int remove) {
      return inner(f)->pMethods->xShmUnmap(inner(f), remove);
    };
    return to;
  }
  static sqlite3_file* inner(sqlite3_file* file) { return of(file).inner(); }

  static inline FaultyDevice* self_ = nullptr;
  sqlite3_vfs* base_ = nullptr;
  sqlite3_vfs vfs_{};
  int at_ = 0;
  bool on_ = false;
  int calls_ = 0;
};

}  // namespace kpay::store
