// State files, as anything may have left them on the disk: they are read, or set aside.
//
// The first four bytes are the length of the database; what is behind it is its write-ahead log.
#include <algorithm>

#include "base/check.h"
#include "fuzz/scratch_folder.h"
#include "fuzz/target.h"
#include "store/state_file.h"

namespace kpay::fuzz {

namespace {

const Bytes kIdentity = to_bytes(as_bytes("settle/0"));
constexpr std::size_t kRangeMax = 100;

Result<std::unique_ptr<store::StateFile>> open(const ScratchFolder& folder) {
  return store::StateFile::open({folder.file("state.db"), kIdentity});
}

void check_error(const Error& error) {
  check(!error.message.empty(), "an error says what is wrong");
}

// Everything that can be read of it.
void read_all(store::StateFile& file) {
  const Result<std::optional<Bytes>> marker = file.marker();
  if (!marker) {
    check_error(marker.error());
  }
  std::uint16_t table = 0;
  Bytes key;
  bool first = true;
  const Result<void> loaded = file.load([&](const store::StoredRow& row) -> Result<void> {
    const Bytes next = to_bytes(row.key);
    check(first || row.table > table || (row.table == table && next > key),
          "rows come in the order of table and key");
    check(row.value.has_value(), "rows that are there have a value");
    table = row.table;
    key = next;
    first = false;
    return {};
  });
  if (!loaded) {
    check_error(loaded.error());
  }
  const Result<std::vector<store::KeyValue>> range = file.range(1, {}, {}, kRangeMax);
  check(!range || range->size() <= kRangeMax, "a range has no more rows than its limit");
}

// What was replaced is whole, whatever was there before.
void write_anew(store::StateFile& file) {
  const Bytes key = to_bytes(as_bytes("key"));
  const Bytes value = to_bytes(as_bytes("value"));
  std::vector<store::StoredRow> rows{{1, key, ByteView(value)}};
  if (const Result<void> written = file.commit(rows, value, true); !written) {
    check_error(written.error());
    const Result<void> aside = file.set_aside("unusable");
    check(aside.has_value(), "a file that can't be written can be set aside");
    rows = {{1, key, ByteView(value)}};
    check(file.commit(rows, value, true).has_value(), "an empty file can be written");
  }
  const Result<std::optional<Bytes>> marker = file.marker();
  check(marker && *marker && **marker == value, "the marker is the one that was written");
  std::size_t count = 0;
  const Result<void> loaded = file.load([&](const store::StoredRow& row) -> Result<void> {
    check(row.table == 1 && equal(row.key, key) && row.value && equal(*row.value, value),
          "the rows are those that were written");
    ++count;
    return {};
  });
  check(loaded && count == 1, "all rows that were written are there");
}

}  // namespace

void run_state_file(ByteView input) {
  static const ScratchFolder folder("state");
  folder.empty();
  ByteReader in(input);
  const std::size_t size = std::min<std::size_t>(in.get<std::uint32_t>(), in.left());
  const ByteView database = in.raw(size);
  const ByteView log = in.raw(in.left());
  if (!in.ok()) {
    return;
  }
  folder.write("state.db", database);
  if (!log.empty()) {
    folder.write("state.db-wal", log);
  }
  Result<std::unique_ptr<store::StateFile>> file = open(folder);
  if (!file) {
    check_error(file.error());
    return;
  }
  read_all(**file);
  write_anew(**file);
}

}  // namespace kpay::fuzz
