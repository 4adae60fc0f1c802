// Every single call to the device fails once, in turn: a state file says so, loses nothing that it
// has promised, and is whole when the device is.
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <new>

#include "store/state_file.h"

namespace kpay::store {
namespace {

namespace fs = std::filesystem;

// SQLite's way to the device, with one call in it that fails.
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
    to.iVersion = 1;
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
    // No power goes here: what was written is there.
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
    return to;
  }
  static sqlite3_file* inner(sqlite3_file* file) { return of(file).inner(); }

  static FaultyDevice* self_;
  sqlite3_vfs* base_ = nullptr;
  sqlite3_vfs vfs_{};
  int at_ = 0;
  bool on_ = false;
  int calls_ = 0;
};

FaultyDevice* FaultyDevice::self_ = nullptr;

constexpr int kCommits = 2;
constexpr int kRows = 40;         // of each commit
constexpr int kMostCalls = 5000;  // a script that makes more is not ours

class DeviceFaults : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = fs::path(::testing::TempDir()) / ("kpay-device-faults-" + std::to_string(::getpid()));
    fs::remove_all(dir_);
  }
  void TearDown() override { fs::remove_all(dir_); }

  void begin() {
    fs::remove_all(dir_);
    fs::create_directories(dir_);
    promised_ = 0;
    tried_ = 0;
  }
  Result<std::unique_ptr<StateFile>> open() {
    return StateFile::open({(dir_ / "task.db").string(), to_bytes(as_bytes("me")), true});
  }

  // Commit n leaves exactly the rows of n, each with n as its value, and "n" as the marker.
  Result<void> commit(StateFile& file, int number) {
    const std::string value(900, static_cast<char>('0' + number));
    std::vector<std::string> keys;
    std::vector<StoredRow> rows;
    for (int i = 0; i < kRows; ++i) {
      keys.push_back(std::to_string(number) + "-" + std::to_string(i));
    }
    for (const std::string& key : keys) {
      rows.push_back({1, as_bytes(key), as_bytes(value)});
    }
    tried_ = number;
    Result<void> done = file.commit(rows, as_bytes(std::to_string(number)), true);
    promised_ = done ? number : promised_;
    return done;
  }

  // Everything that a task, a daemon and a snapshot do with it.
  Result<void> live() {
    Result<std::unique_ptr<StateFile>> file = open();
    if (!file) {
      return Unexpected(file.error());
    }
    for (int number = 1; number <= kCommits; ++number) {
      if (Result<void> done = commit(**file, number); !done) {
        return done;
      }
    }
    file->reset();
    file = open();
    if (!file) {
      return Unexpected(file.error());
    }
    if (Result<void> seen = see(**file).read; !seen) {
      return seen;
    }
    return copy(**file);
  }

  struct Seen {
    Result<void> read;
    std::string marker;
    int rows = 0;
    bool alike = true;  // each row has the marker's value
  };
  static Seen see(StateFile& file) {
    Seen seen;
    const Result<std::optional<Bytes>> marker = file.marker();
    if (!marker) {
      seen.read = Unexpected(marker.error());
      return seen;
    }
    seen.marker = *marker ? std::string(as_text(**marker)) : "0";
    seen.read = file.load([&seen](const StoredRow& row) -> Result<void> {
      ++seen.rows;
      seen.alike = seen.alike && as_text(*row.value).front() == seen.marker.front();
      return {};
    });
    if (seen.read) {
      const Result<std::vector<KeyValue>> some = file.range(1, as_bytes("0"), as_bytes("9"), 7);
      seen.read = some ? Result<void>() : Unexpected(some.error());
    }
    return seen;
  }

  Result<void> copy(StateFile& file) {
    const std::string path = (dir_ / "copy.db").string();
    if (Result<void> begun = file.begin_copy(path); !begun) {
      return begun;
    }
    for (;;) {
      const Result<bool> whole = file.copy_more(3);
      if (!whole) {
        EXPECT_FALSE(fs::exists(path)) << "nothing is left of a copy that failed";
        return Unexpected(whole.error());
      }
      if (*whole) {
        break;
      }
    }
    Result<std::unique_ptr<StateFile>> copied = StateFile::open_copy(path);
    if (!copied) {
      return Unexpected(copied.error());
    }
    const Result<Bytes> whose = (*copied)->identity();
    if (!whose) {
      return Unexpected(whose.error());
    }
    const Seen seen = see(**copied);
    if (seen.read) {
      EXPECT_EQ(seen.rows, kRows);
      EXPECT_TRUE(seen.alike);
    }
    return seen.read;
  }

  // With a device that works: the last promised commit, or the one that was under way; whole.
  void expect_whole() {
    Result<std::unique_ptr<StateFile>> file = open();
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_TRUE((*file)->aside().empty()) << "a device's error is no damage: " << (*file)->aside();
    const Seen seen = see(**file);
    ASSERT_TRUE(seen.read) << seen.read.error().message;
    EXPECT_TRUE(seen.marker == std::to_string(promised_) || seen.marker == std::to_string(tried_))
        << seen.marker << ", promised " << promised_;
    EXPECT_EQ(seen.rows, seen.marker == "0" ? 0 : kRows);
    EXPECT_TRUE(seen.alike) << "rows of another commit than " << seen.marker;
    ASSERT_TRUE(commit(**file, kCommits + 1)) << "and it goes on";
  }

  void fail_each_call(bool on) {
    FaultyDevice device;
    int at = 1;
    for (bool failed = true; failed; ++at) {
      ASSERT_LT(at, kMostCalls);
      begin();
      device.arm(at, on);
      const Result<void> lived = live();
      failed = device.failed();
      device.disarm();
      if (!lived) {
        EXPECT_NE(lived.error().code, ErrorCode::invalid) << lived.error().message;
        EXPECT_NE(lived.error().message.find(dir_.string()), std::string::npos)
            << lived.error().message;
        ++told_;
      }
      expect_whole();
      EXPECT_FALSE(HasFailure()) << "call " << at;
      if (HasFailure()) {
        return;
      }
    }
    EXPECT_GT(at, 50);
    EXPECT_GT(told_, at / 3) << "the faults were felt";
  }

  fs::path dir_;
  int promised_ = 0;
  int tried_ = 0;
  int told_ = 0;
};

TEST_F(DeviceFaults, R17OneCallThatFailsLosesNothingThatWasPromised) { fail_each_call(false); }

TEST_F(DeviceFaults, R17ADeviceThatIsGoneFromOneCallOnLosesNothingThatWasPromised) {
  fail_each_call(true);
}

}  // namespace
}  // namespace kpay::store
