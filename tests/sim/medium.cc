#include "sim/medium.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>

#include "base/check.h"
#include "store/state_file.h"

namespace kpay::sim {

namespace {

struct OwnedRow {
  std::uint16_t table = 0;
  Bytes key;
  std::optional<Bytes> value;
};

std::vector<OwnedRow> rows_of(store::MemoryStore& store) {
  std::vector<OwnedRow> rows;
  const Result<void> loaded = store.load([&](const store::StoredRow& row) -> Result<void> {
    rows.push_back({row.table, to_bytes(row.key), to_bytes(*row.value)});
    return {};
  });
  check(loaded.has_value(), "a store in memory can be read");
  return rows;
}

void write(store::MemoryStore& store, const std::vector<OwnedRow>& rows, ByteView marker,
           bool replace) {
  std::vector<store::StoredRow> views;
  for (const OwnedRow& row : rows) {
    views.push_back(
        {row.table, row.key, row.value ? std::optional(ByteView(*row.value)) : std::nullopt});
  }
  check(store.commit(views, marker, replace).has_value(), "a store in memory can be written");
}

// As StateFile's WAL is moved into the file each 32 MB: here after some commits.
constexpr std::size_t kUnsyncedMax = 24;

/// A commit as it was written after the last sync.
struct Commit {
  std::vector<OwnedRow> rows;  ///< those without a value go
  Bytes marker;
  bool replace = false;
};

/// What lies in memory: what is synced, and the commits after it, which are not.
struct Layers {
  store::MemoryStore now;
  store::MemoryStore synced;
  std::vector<Commit> unsynced;

  void settle() {
    synced = now;
    unsynced.clear();
  }
};

/// The store itself stays with the medium.
class View final : public store::StateStore {
 public:
  explicit View(Layers& layers) : layers_(&layers), store_(&layers.now) {}
  Result<std::optional<Bytes>> marker() override { return store_->marker(); }
  Result<void> load(const std::function<Result<void>(const store::StoredRow&)>& sink) override {
    return store_->load(sink);
  }
  Result<void> commit(std::vector<store::StoredRow>& rows, ByteView marker, bool replace) override;
  Result<std::vector<store::KeyValue>> range(std::uint16_t table, ByteView from, ByteView to,
                                             std::size_t limit) override {
    return store_->range(table, from, to, limit);
  }
  // That a file's new name is forgotten as well is tried in tests/store/power_cut_test.cc.
  Result<void> set_aside(const std::string& why) override {
    Result<void> done = store_->set_aside(why);
    layers_->settle();
    return done;
  }

 private:
  Layers* layers_;
  store::MemoryStore* store_;
};

Result<void> View::commit(std::vector<store::StoredRow>& rows, ByteView marker, bool replace) {
  if (layers_->unsynced.size() == kUnsyncedMax) {
    layers_->settle();
  }
  Commit commit{{}, to_bytes(marker), replace};
  for (const store::StoredRow& row : rows) {
    commit.rows.push_back({row.table, to_bytes(row.key),
                           row.value ? std::optional(to_bytes(*row.value)) : std::nullopt});
  }
  Result<void> done = store_->commit(rows, marker, replace);
  if (done) {
    layers_->unsynced.push_back(std::move(commit));
  }
  return done;
}

class MemoryMedium final : public Medium {
 public:
  Result<std::unique_ptr<store::StateStore>> open(const Bytes&) override {
    return std::unique_ptr<store::StateStore>(std::make_unique<View>(layers_));
  }
  Image image() override { return {store_, {}}; }
  void put(const Image& image) override {
    store_ = image.memory;
    layers_.settle();
  }
  bool flip(Dice& dice) override;
  void tear(Dice& dice, const Image& earlier) override;
  void settle() override {
    if (!layers_.unsynced.empty()) {
      layers_.settle();
    }
  }
  bool lose_unsynced(Dice& dice) override;

 private:
  [[nodiscard]] Bytes marker() { return store_.marker().value().value_or(Bytes{}); }

  Layers layers_;
  store::MemoryStore& store_ = layers_.now;
};

bool MemoryMedium::lose_unsynced(Dice& dice) {
  const std::size_t written = layers_.unsynced.size();
  layers_.unsynced.resize(dice.index(written + 1));
  if (layers_.unsynced.size() == written) {
    return false;
  }
  store_ = layers_.synced;
  for (const Commit& commit : layers_.unsynced) {
    write(store_, commit.rows, commit.marker, commit.replace);
  }
  layers_.settle();
  return true;
}

bool MemoryMedium::flip(Dice& dice) {
  const auto flip_in = [&](Bytes& bytes) {
    bytes[dice.index(bytes.size())] ^= static_cast<std::byte>(1U << dice.below(8));
  };
  Bytes its_marker = marker();
  if (dice.one_in(4) && !its_marker.empty()) {
    flip_in(its_marker);
    write(store_, {}, its_marker, false);
    layers_.settle();
    return true;
  }
  std::vector<OwnedRow> rows = rows_of(store_);
  if (rows.empty()) {
    return false;
  }
  OwnedRow& row = rows[dice.index(rows.size())];
  Bytes& bytes = dice.one_in(4) ? row.key : *row.value;
  if (bytes.empty()) {
    return false;
  }
  flip_in(bytes);
  write(store_, rows, its_marker, true);
  layers_.settle();
  return true;
}

// New rows with the old marker, or the new marker over rows of which some stayed as they were.
void MemoryMedium::tear(Dice& dice, const Image& earlier) {
  store::MemoryStore torn = earlier.memory;
  std::vector<OwnedRow> rows = rows_of(store_);
  rows.resize(rows.size() / 2);
  const Bytes old_marker = torn.marker().value().value_or(Bytes{});
  write(torn, rows, dice.one_in(2) ? marker() : old_marker, false);
  store_ = std::move(torn);
  layers_.settle();
}

class FileMedium final : public Medium {
 public:
  explicit FileMedium(std::filesystem::path path) : path_(std::move(path)) {}

  Result<std::unique_ptr<store::StateStore>> open(const Bytes& identity) override {
    std::filesystem::create_directories(path_.parent_path());
    Result<std::unique_ptr<store::StateFile>> file =
        store::StateFile::open({path_.string(), identity});
    if (!file) {
      return Unexpected(file.error());
    }
    put_away_ = !(*file)->aside().empty();
    return std::unique_ptr<store::StateStore>(std::move(*file));
  }
  Image image() override;
  void put(const Image& image) override;
  bool flip(Dice& dice) override;
  void tear(Dice& dice, const Image& earlier) override;
  void settle() override {}  // closing it has moved its WAL into it
  bool lose_unsynced(Dice& dice) override;
  [[nodiscard]] bool put_away() const override { return put_away_; }

 private:
  [[nodiscard]] std::filesystem::path part(const std::string& suffix) const {
    return path_.string() + suffix;
  }

  std::filesystem::path path_;
  bool put_away_ = false;
};

constexpr std::array kParts{"", "-wal"};

Image FileMedium::image() {
  Image image;
  for (const char* suffix : kParts) {
    std::ifstream in(part(suffix), std::ios::binary);
    if (in) {
      image.files[suffix] = {std::istreambuf_iterator<char>(in), {}};
    }
  }
  return image;
}

void FileMedium::put(const Image& image) {
  for (const char* suffix : kParts) {
    std::filesystem::remove(part(suffix));
  }
  for (const auto& [suffix, bytes] : image.files) {
    std::ofstream(part(suffix), std::ios::binary) << bytes;
  }
}

bool FileMedium::flip(Dice& dice) {
  Image now = image();
  if (now.files.empty()) {
    return false;
  }
  std::string& bytes =
      std::next(now.files.begin(), static_cast<std::ptrdiff_t>(dice.index(now.files.size())))
          ->second;
  if (bytes.empty()) {
    return false;
  }
  char& byte = bytes[dice.index(bytes.size())];
  byte = static_cast<char>(static_cast<unsigned char>(byte) ^ (1U << dice.below(8)));
  put(now);
  return true;
}

// Shorter than it was, without its log, or with the log of another time.
void FileMedium::tear(Dice& dice, const Image& earlier) {
  Image now = image();
  switch (dice.below(3)) {
    case 0:
      for (auto& [suffix, bytes] : now.files) {
        bytes.resize(dice.index(bytes.size() + 1));
      }
      break;
    case 1: now.files.erase("-wal"); break;
    default: now.files[""] = earlier.files.contains("") ? earlier.files.at("") : ""; break;
  }
  put(now);
}

// Runs are too short for the WAL to be moved before the file is closed, so none of it is synced but
// its header; the file itself is. Beyond some point of it, sectors are there or not, as it comes.
bool FileMedium::lose_unsynced(Dice& dice) {
  constexpr std::size_t kSector = 512;
  Image now = image();
  const auto wal = now.files.find("-wal");
  if (wal == now.files.end() || wal->second.size() <= kSector) {
    return false;
  }
  std::string& bytes = wal->second;
  for (std::size_t at = dice.index(bytes.size()) / kSector * kSector + kSector; at < bytes.size();
       at += kSector) {
    if (dice.one_in(2)) {
      std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                  std::min(kSector, bytes.size() - at), '\0');
    }
  }
  put(now);
  return true;
}

}  // namespace

std::unique_ptr<Medium> make_memory_medium() { return std::make_unique<MemoryMedium>(); }
std::unique_ptr<Medium> make_file_medium(std::filesystem::path path) {
  return std::make_unique<FileMedium>(std::move(path));
}

}  // namespace kpay::sim
