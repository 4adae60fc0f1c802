// One record of a changelog.
#include "base/check.h"
#include "fuzz/seal.h"
#include "fuzz/target.h"
#include "stream/changelog.h"

namespace kpay::fuzz {

namespace {

void check_rows(ByteView body) {
  ByteReader in(body);
  Bytes again;
  ByteWriter out(again);
  std::size_t count = 0;
  while (const std::optional<stream::RowView> row = stream::get_row(in)) {
    stream::put_row(out, row->table, row->key, row->value);
    ++count;
  }
  check(count <= body.size() / 7, "a row takes at least seven bytes");
  check(!in.done() || again.size() == body.size(), "rows are as long as what they were read from");
}

}  // namespace

void run_changelog(ByteView input) {
  const Bytes record = sealed_record(input);
  const std::optional<stream::ChangelogRecord> decoded = stream::decode_changelog(record);
  if (!decoded) {
    return;
  }
  check(stream::is_runtime_record(record), "records of a changelog are the runtime's");
  const Bytes again = std::visit([](const auto& each) { return encode(each); }, *decoded);
  check(again == record, "a record that was read has the bytes that are written");
  if (const auto* rows = std::get_if<stream::RowFrame>(&*decoded)) {
    check_rows(rows->body);
  }
}

}  // namespace kpay::fuzz
