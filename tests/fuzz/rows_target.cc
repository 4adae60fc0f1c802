// Rows of every stage's tables, as restore takes them from the log or a file.
#include <algorithm>
#include <map>

#include "base/check.h"
#include "fuzz/stage_tables.h"
#include "fuzz/target.h"

namespace kpay::fuzz {

namespace {

using Model = std::map<Bytes, Bytes>;

// Loads the row, and looks that it is there (or not) exactly as it was given.
void load(stream::TableBase& table, Model& model, ByteView key, std::optional<ByteView> value) {
  if (const Result<void> loaded = table.load(key, value); !loaded) {
    check(loaded.error().code == ErrorCode::corrupt && !loaded.error().message.empty(),
          "what is no row is corrupt, and says so");
    return;
  }
  if (!value) {
    model.erase(to_bytes(key));
    check(!table.get(key).has_value(), "a deleted row is gone");
    return;
  }
  model[to_bytes(key)] = to_bytes(*value);
  check(table.get(key) == to_bytes(*value), "a row has the bytes that it was loaded from");
  check(!table.fields(*value).empty(), "a row has fields to show");
  const std::optional<Bytes> named = table.key_from_text(table.key_text(key));
  // Minutes and days beyond the year 9999 have no text of their own.
  check(!named || table.key_text(*named) == table.key_text(key),
        "the text of a key names that key or none");
}

// A table that was loaded is what it was loaded from: its sum, and its base, row for row.
void check_whole(stream::TableBase& table, const Model& model) {
  check(table.size() == model.size() && table.changed() == 0, "a table has the rows it was given");
  Hash128 sum;
  for (const auto& [key, value] : model) {
    sum += table.row_hash(key, value);
  }
  check(table.sum() == sum, "a table's sum is that of its rows");
  Model base;
  table.base_begin();
  const auto take = [&](ByteView key, std::optional<ByteView> value) {
    check(value.has_value(), "a base has no deletions");
    base[to_bytes(key)] = to_bytes(*value);
  };
  while (table.base_slice(3, take)) {
  }
  table.base_end();
  check(base == model, "a base has the rows as they were loaded");
}

}  // namespace

// {table 1, key size 1, value size 2 (the highest bit: a deletion), key, value} and so on.
void run_rows(ByteView input) {
  StageTables tables;
  std::vector<Model> models(tables.all().size());
  ByteReader in(input);
  while (in.left() > 0) {
    const std::size_t place = in.get<std::uint8_t>() % models.size();
    const auto key_bytes = in.get<std::uint8_t>();
    const auto value_bytes = in.get<std::uint16_t>();
    const ByteView key = in.raw(std::min<std::size_t>(key_bytes, in.left()));
    const bool is_deletion = (value_bytes & 0x8000U) != 0;
    const ByteView value =
        is_deletion ? ByteView{} : in.raw(std::min<std::size_t>(value_bytes, in.left()));
    if (!in.ok()) {
      break;
    }
    load(*tables.all()[place], models[place], key,
         is_deletion ? std::nullopt : std::optional(value));
  }
  for (std::size_t i = 0; i < models.size(); ++i) {
    check_whole(*tables.all()[i], models[i]);
  }
}

}  // namespace kpay::fuzz
