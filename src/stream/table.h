// Table: the rows of a stage, in memory, with what the checkpoint needs to know of each change.
//
// A stage reads with find() and writes with change(), insert() and erase(); there is no other way
// to a mutable row, so every change is known. Rows become bytes only when a checkpoint freezes
// them (R14, R15), and when a base or a query asks.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/plant.h"
#include "base/result.h"

namespace kpay::stream {

/// One field of a row as a reader outside sees it. Text, whole numbers and truth values only.
struct Field {
  std::string name;
  std::variant<std::int64_t, std::uint64_t, bool, std::string> value;
};
using Fields = std::vector<Field>;

/// Takes rows as bytes; no value means that the row was deleted. Views are valid during the call.
using RowSink = std::function<void(ByteView key, std::optional<ByteView> value)>;

/// What a row of that table adds to the sum of its rows.
[[nodiscard]] Hash128 row_hash(std::uint16_t table, ByteView key, ByteView value);

/// What the runtime sees of a table. One thread, except describe functions, which are pure.
class TableBase {
 public:
  explicit TableBase(std::string name) : name_(std::move(name)) {}
  virtual ~TableBase() = default;
  TableBase(const TableBase&) = delete;
  TableBase& operator=(const TableBase&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] virtual std::size_t size() const noexcept = 0;
  [[nodiscard]] virtual std::size_t changed() const noexcept = 0;

  /// Its number among the stage's tables: seeds the row hashes. Set once, by the runtime.
  void set_number(std::uint16_t number) noexcept { number_ = number; }
  [[nodiscard]] std::uint16_t number() const noexcept { return number_; }

  /// Sum of the hashes of all rows as of the last freeze().
  [[nodiscard]] const Hash128& sum() const noexcept { return sum_; }

  /// Gives each row changed since the last freeze to `sink`, and marks all as unchanged.
  virtual void freeze(const RowSink& sink) = 0;

  /// Restore: takes a row from the log or the file as unchanged; no value deletes it.
  /// Errors: corrupt, when the bytes are not a row of this table.
  virtual Result<void> load(ByteView key, std::optional<ByteView> value) = 0;
  virtual void clear() = 0;

  /// Starts a base: the rows as they are now. REQUIRES: changed() == 0, no base under way.
  virtual void base_begin() = 0;
  /// Gives up to `rows_max` more rows of the base to `sink`; false when none is left. Rows that
  /// changed meanwhile come as they were at base_begin().
  virtual bool base_slice(std::size_t rows_max, const RowSink& sink) = 0;
  virtual void base_end() = 0;

  /// For readers outside. The bytes of the key that `text` names; nothing if it names none.
  [[nodiscard]] virtual std::optional<Bytes> key_from_text(std::string_view text) const = 0;
  [[nodiscard]] virtual std::string key_text(ByteView key) const = 0;
  /// The fields of a row's bytes; empty when they are not a row of this table.
  [[nodiscard]] virtual Fields fields(ByteView value) const = 0;
  /// The row's bytes as it is now, also when not yet in a checkpoint.
  [[nodiscard]] virtual std::optional<Bytes> get(ByteView key) const = 0;

  /// What a row adds to sum().
  [[nodiscard]] Hash128 row_hash(ByteView key, ByteView value) const;

 protected:
  std::string name_;
  std::uint16_t number_ = 0;
  Hash128 sum_;
};

/// A table of Rows by Key. Codec is a stateless struct with
///   static void encode_key(const Key&, ByteWriter&);      // big-endian, so that ranges make sense
///   static std::optional<Key> decode_key(ByteView);
///   static void encode(const Row&, ByteWriter&);
///   static std::optional<Row> decode(ByteView);
///   static std::optional<Key> key_from_text(std::string_view);
///   static std::string key_text(const Key&);
///   static Fields fields(const Row&);
/// Key needs == and std::hash. References to rows are valid until the row is erased.
template <class Key, class Row, class Codec>
class Table final : public TableBase {
 public:
  using TableBase::TableBase;

  [[nodiscard]] std::size_t size() const noexcept override { return live_; }
  [[nodiscard]] std::size_t changed() const noexcept override { return changed_.size(); }

  /// The row, or null.
  [[nodiscard]] const Row* find(const Key& key) const {
    const Entry* entry = lookup(key);
    return entry != nullptr && entry->live ? &entry->row : nullptr;
  }
  /// The row, to be changed. REQUIRES: find(key) is not null.
  [[nodiscard]] Row& change(const Key& key) {
    Entry* entry = lookup(key);
    check(entry != nullptr && entry->live, "a row that is changed exists");
    touch(*entry);
    return entry->row;
  }
  /// A new row. REQUIRES: find(key) is null.
  Row& insert(const Key& key, Row row) {
    Entry* entry = lookup(key);
    if (entry == nullptr) {
      entry = add(key);
    }
    check(!entry->live, "a row that is inserted does not exist");
    touch(*entry);
    entry->row = std::move(row);
    entry->live = true;
    ++live_;
    return entry->row;
  }
  /// Changes the row, or inserts it when there is none.
  void put(const Key& key, Row row) {
    if (find(key) != nullptr) {
      change(key) = std::move(row);
    } else {
      insert(key, std::move(row));
    }
  }
  /// REQUIRES: find(key) is not null.
  void erase(const Key& key) {
    Entry* entry = lookup(key);
    check(entry != nullptr && entry->live, "a row that is erased exists");
    touch(*entry);
    entry->live = false;
    --live_;
  }

  void freeze(const RowSink& sink) override {
    Bytes key;
    Bytes value;
    for (const std::uint32_t slot : changed_) {
      Entry& entry = entries_[slot];
      entry.dirty = false;
      key.clear();
      encode_key(entry.key, key);
      sum_ -= entry.hash;
      entry.hash = {};
      if (entry.live) {
        value.clear();
        ByteWriter out(value);
        Codec::encode(entry.row, out);
        entry.hash = row_hash(key, value);
        sum_ += entry.hash;
        sink(key, ByteView(value));
      } else {
        if (!KPAY_PLANT(deletion_not_written)) {
          sink(key, std::nullopt);
        }
        remove(slot);
      }
    }
    changed_.clear();
  }

  Result<void> load(ByteView key_bytes, std::optional<ByteView> value) override {
    const std::optional<Key> key = Codec::decode_key(key_bytes);
    if (!key) {
      return Unexpected(ErrorCode::corrupt, "table " + name_ + ": key " + to_hex(key_bytes));
    }
    Entry* entry = lookup(*key);
    if (!value) {
      if (entry != nullptr) {
        sum_ -= entry->hash;
        --live_;
        remove(entry->slot);
      }
      return {};
    }
    std::optional<Row> row = Codec::decode(*value);
    if (!row) {
      return Unexpected(ErrorCode::corrupt, "table " + name_ + ": row of key " + to_hex(key_bytes));
    }
    if (entry == nullptr) {
      entry = add(*key);
      entry->live = true;
      ++live_;
    }
    sum_ -= entry->hash;
    entry->row = std::move(*row);
    entry->hash = row_hash(key_bytes, *value);
    sum_ += entry->hash;
    return {};
  }

  void clear() override {
    entries_.clear();
    free_.clear();
    index_.clear();
    changed_.clear();
    captured_.clear();
    live_ = 0;
    sum_ = {};
    scanning_ = false;
  }

  void base_begin() override {
    check(!scanning_, "one base at a time");
    check(changed_.empty(), "a base begins at a freeze");
    scanning_ = true;
    ++base_;
    base_next_ = 0;
    base_end_ = entries_.size();
    captured_.clear();
  }

  bool base_slice(std::size_t rows_max, const RowSink& sink) override {
    for (const auto& [key, value] : captured_) {
      sink(key, ByteView(value));
    }
    captured_.clear();
    Bytes key;
    Bytes value;
    for (std::size_t n = 0; n < rows_max && base_next_ < base_end_; ++n, ++base_next_) {
      Entry& entry = entries_[base_next_];
      if (entry.seen == base_ || !entry.live) {
        continue;
      }
      entry.seen = base_;
      encode_row(entry, key, value);
      sink(key, ByteView(value));
    }
    return base_next_ < base_end_;
  }

  void base_end() override {
    scanning_ = false;
    captured_.clear();
  }

  [[nodiscard]] std::optional<Bytes> key_from_text(std::string_view text) const override {
    const std::optional<Key> key = Codec::key_from_text(text);
    if (!key) {
      return std::nullopt;
    }
    Bytes bytes;
    encode_key(*key, bytes);
    return bytes;
  }
  [[nodiscard]] std::string key_text(ByteView key) const override {
    const std::optional<Key> decoded = Codec::decode_key(key);
    return decoded ? Codec::key_text(*decoded) : to_hex(key);
  }
  [[nodiscard]] Fields fields(ByteView value) const override {
    const std::optional<Row> row = Codec::decode(value);
    return row ? Codec::fields(*row) : Fields{};
  }
  [[nodiscard]] std::optional<Bytes> get(ByteView key_bytes) const override {
    const std::optional<Key> key = Codec::decode_key(key_bytes);
    const Row* row = key ? find(*key) : nullptr;
    if (row == nullptr) {
      return std::nullopt;
    }
    Bytes value;
    ByteWriter out(value);
    Codec::encode(*row, out);
    return value;
  }

 private:
  struct Entry {
    Key key{};
    Row row{};
    Hash128 hash;            // of the row as last frozen or loaded; zero when it was not there
    std::uint32_t slot = 0;  // its own place in entries_
    std::uint32_t seen = 0;  // the base that has it already
    bool live = false;
    bool dirty = false;
  };

  static constexpr std::uint32_t kEmpty = 0xffffffffU;

  /// A place of the index. The hash beside the slot spares a visit to the entry, which is a cache
  /// miss, wherever the keys differ, and when the index grows.
  struct Place {
    std::uint32_t slot = kEmpty;
    std::uint32_t hash = 0;
  };

  static void encode_key(const Key& key, Bytes& out) {
    ByteWriter writer(out);
    Codec::encode_key(key, writer);
  }
  static void encode_row(const Entry& entry, Bytes& key, Bytes& value) {
    key.clear();
    encode_key(entry.key, key);
    value.clear();
    ByteWriter out(value);
    Codec::encode(entry.row, out);
  }

  // Before a row changes: keeps it for a base that has not come to it, and notes it as changed.
  void touch(Entry& entry) {
    if (scanning_ && entry.seen != base_ && !KPAY_PLANT(base_of_moving_rows)) {
      entry.seen = base_;
      if (entry.live) {
        Bytes key;
        Bytes value;
        encode_row(entry, key, value);
        captured_.emplace_back(std::move(key), std::move(value));
      }
    }
    if (!entry.dirty && !(KPAY_PLANT(forgotten_dirty_mark) && entry.slot % 7 == 3)) {
      entry.dirty = true;
      changed_.push_back(entry.slot);
    }
  }

  // The place in index_ that holds `key`, or the empty place where it would go.
  [[nodiscard]] std::size_t find_place(const Key& key, std::uint32_t hash) const noexcept {
    const std::size_t mask = index_.size() - 1;
    std::size_t place = hash & mask;
    while (index_[place].slot != kEmpty &&
           !(index_[place].hash == hash && entries_[index_[place].slot].key == key)) {
      place = (place + 1) & mask;
    }
    return place;
  }
  [[nodiscard]] const Entry* lookup(const Key& key) const {
    if (index_.empty()) {
      return nullptr;
    }
    const std::uint32_t slot = index_[find_place(key, hash_of(key))].slot;
    return slot == kEmpty ? nullptr : &entries_[slot];
  }
  [[nodiscard]] Entry* lookup(const Key& key) {
    return const_cast<Entry*>(std::as_const(*this).lookup(key));
  }

  Entry* add(const Key& key) {
    if ((used_() + 1) * 4 > index_.size() * 3) {
      grow();
    }
    std::uint32_t slot = 0;
    if (free_.empty()) {
      slot = static_cast<std::uint32_t>(entries_.size());
      check(slot != kEmpty, "a table has fewer than 2^32 rows");
      entries_.emplace_back();
    } else {
      slot = free_.back();
      free_.pop_back();
      entries_[slot] = Entry{};
    }
    Entry& entry = entries_[slot];
    entry.key = key;
    entry.slot = slot;
    entry.seen = base_;  // a row that is born during a base is none of its business
    const std::uint32_t hash = hash_of(key);
    index_[find_place(key, hash)] = {slot, hash};
    return &entry;
  }

  // Takes the entry out of the index (backward shift) and keeps its slot for later use.
  void remove(std::uint32_t slot) {
    const std::size_t mask = index_.size() - 1;
    const Key& key = entries_[slot].key;
    std::size_t hole = find_place(key, hash_of(key));
    std::size_t place = hole;
    for (;;) {
      place = (place + 1) & mask;
      if (index_[place].slot == kEmpty) {
        break;
      }
      const std::size_t home = index_[place].hash & mask;
      if (((place - home) & mask) >= ((place - hole) & mask)) {
        index_[hole] = index_[place];
        hole = place;
      }
    }
    index_[hole] = {};
    entries_[slot].live = false;
    entries_[slot].row = Row{};
    free_.push_back(slot);
  }

  void grow() {
    const std::size_t size = index_.empty() ? 64 : index_.size() * 2;
    const std::size_t mask = size - 1;
    std::vector<Place> old(size);
    old.swap(index_);
    for (const Place& each : old) {
      if (each.slot != kEmpty) {
        std::size_t place = each.hash & mask;
        while (index_[place].slot != kEmpty) {
          place = (place + 1) & mask;
        }
        index_[place] = each;
      }
    }
  }

  [[nodiscard]] std::size_t used_() const noexcept { return entries_.size() - free_.size(); }
  [[nodiscard]] static std::uint32_t hash_of(const Key& key) noexcept {
    std::uint64_t hash = std::hash<Key>{}(key);
    hash ^= hash >> 32U;
    hash *= 0x9e3779b97f4a7c15ULL;
    return static_cast<std::uint32_t>(hash ^ (hash >> 29U));
  }

  std::deque<Entry> entries_;        // slots; stable addresses
  std::vector<std::uint32_t> free_;  // slots to use again
  std::vector<Place> index_;         // open addressing, linear probing; a power of two
  std::vector<std::uint32_t> changed_;
  std::size_t live_ = 0;

  bool scanning_ = false;
  std::uint32_t base_ = 0;
  std::size_t base_next_ = 0;
  std::size_t base_end_ = 0;
  std::vector<std::pair<Bytes, Bytes>> captured_;
};

}  // namespace kpay::stream
