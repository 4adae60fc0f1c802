#include "stages/row_io.h"

#include <utility>

#include "core/horizon.h"

namespace kpay::stages {

// Refusals that were counted, each with its number: a row stays small, and a refusal that a later
// version puts in between moves none.
void RowWriter::operator()(std::string_view, const core::RefusalCounts& counts) {
  std::uint8_t used = 0;
  for (const core::Refusal refusal : core::kRefusals) {
    used = static_cast<std::uint8_t>(used + (counts.of(refusal) != 0 ? 1 : 0));
  }
  out_->put(used);
  for (const core::Refusal refusal : core::kRefusals) {
    if (counts.of(refusal) != 0) {
      (*this)({}, refusal);
      out_->put(counts.of(refusal));
    }
  }
}

void RowWriter::operator()(std::string_view,
                           const std::array<core::Tally, core::kRefusals.size()>& tallies) {
  std::uint8_t used = 0;
  for (const core::Tally& tally : tallies) {
    used = static_cast<std::uint8_t>(used + (tally.count != 0 ? 1 : 0));
  }
  out_->put(used);
  for (std::size_t i = 0; i < tallies.size(); ++i) {
    if (tallies[i].count != 0) {
      (*this)({}, core::kRefusals[i]);
      (*this)({}, tallies[i]);
    }
  }
}

void RowWriter::operator()(std::string_view, const core::Histogram& histogram) {
  out_->put(histogram.min());
  out_->put(histogram.max());
  out_->put(static_cast<std::uint32_t>(histogram.buckets().size()));
  for (const core::Histogram::Bucket& bucket : histogram.buckets()) {
    out_->put(bucket.index);
    out_->put(bucket.count);
  }
}

void RowWriter::operator()(std::string_view, const std::vector<core::CurrencyWindow>& windows) {
  out_->put(static_cast<std::uint32_t>(windows.size()));
  for (const core::CurrencyWindow& window : windows) {
    (*this)({}, window.currency);
    (*this)({}, window.completed);
    (*this)({}, window.largest);
    (*this)({}, window.largest_payment);
  }
}

void RowWriter::operator()(std::string_view, const std::vector<core::ExpiryEntry>& entries) {
  out_->put(static_cast<std::uint32_t>(entries.size()));
  for (const core::ExpiryEntry& entry : entries) {
    out_->raw(entry.id.view());
    out_->put(entry.table);
  }
}

Uuid RowReader::uuid() { return uuid_from_bytes(in_.raw(16)).value_or(Uuid{}); }

std::size_t RowReader::count_of(std::size_t size) {
  const auto count = in_.get<std::uint32_t>();
  if (count > in_.left() / size) {
    valid_ = false;
    return 0;
  }
  return count;
}

void RowReader::operator()(std::string_view, core::Refusal& refusal) {
  const std::optional<core::Refusal> known = core::refusal_of(in_.get<std::uint16_t>());
  valid_ = valid_ && known.has_value();
  refusal = known.value_or(core::Refusal::none);
}

void RowReader::operator()(std::string_view, core::Sum& sum) {
  const auto high = in_.get<std::int64_t>();
  sum = core::Sum(high, in_.get<std::uint64_t>());
}

void RowReader::operator()(std::string_view, core::Currency& currency) {
  const std::optional<core::Currency> parsed = core::Currency::parse(as_text(in_.raw(3)));
  valid_ = valid_ && parsed.has_value();
  currency = parsed.value_or(core::Currency{});
}

void RowReader::operator()(std::string_view, core::Money& money) {
  money.minor = in_.get<std::int64_t>();
  (*this)({}, money.currency);
}

void RowReader::operator()(std::string_view, core::Tally& tally) {
  tally.count = in_.get<std::uint64_t>();
  (*this)({}, tally.value);
}

void RowReader::operator()(std::string_view, core::AccountId& id) {
  const ByteView text = in_.raw(in_.get<std::uint8_t>());
  const std::optional<core::AccountId> parsed = core::AccountId::parse(as_text(text));
  valid_ = valid_ && parsed.has_value();
  id = parsed.value_or(core::AccountId{});
}

void RowReader::operator()(std::string_view, core::RefusalCounts& counts) {
  const auto used = in_.get<std::uint8_t>();
  core::Refusal last = core::Refusal::none;  // they come in their order, each once
  for (std::uint8_t i = 0; i < used && valid_ && in_.ok(); ++i) {
    core::Refusal refusal{};
    (*this)({}, refusal);
    const auto count = in_.get<std::uint64_t>();
    valid_ = valid_ && refusal > last && count != 0;
    last = refusal;
    if (valid_) {
      counts.add(refusal, count);
    }
  }
}

void RowReader::operator()(std::string_view,
                           std::array<core::Tally, core::kRefusals.size()>& tallies) {
  const auto used = in_.get<std::uint8_t>();
  core::Refusal last = core::Refusal::none;
  for (std::uint8_t i = 0; i < used && valid_ && in_.ok(); ++i) {
    core::Refusal refusal{};
    core::Tally tally;
    (*this)({}, refusal);
    (*this)({}, tally);
    valid_ = valid_ && refusal > last && tally.count != 0;
    last = refusal;
    if (valid_) {
      tallies[core::place_of(refusal)] = tally;
    }
  }
}

void RowReader::operator()(std::string_view, core::Histogram& histogram) {
  const auto min = in_.get<std::int64_t>();
  const auto max = in_.get<std::int64_t>();
  std::vector<core::Histogram::Bucket> buckets(count_of(12));
  for (core::Histogram::Bucket& bucket : buckets) {
    bucket.index = in_.get<std::uint32_t>();
    bucket.count = in_.get<std::uint64_t>();
  }
  valid_ = histogram.restore(min, max, std::move(buckets)) && valid_;
}

void RowReader::operator()(std::string_view, std::vector<core::CurrencyWindow>& windows) {
  windows.resize(count_of(51));
  for (core::CurrencyWindow& window : windows) {
    (*this)({}, window.currency);
    (*this)({}, window.completed);
    (*this)({}, window.largest);
    (*this)({}, window.largest_payment);
  }
}

void RowReader::operator()(std::string_view, std::vector<core::ExpiryEntry>& entries) {
  const std::size_t count = count_of(17);
  valid_ = valid_ && count <= core::kExpiryChunkIds;
  entries.reserve(core::kExpiryChunkIds);
  for (std::size_t i = 0; i < count && valid_; ++i) {
    const Uuid id = uuid();
    entries.push_back({id, in_.get<std::uint8_t>()});
  }
}

void FieldMaker::operator()(std::string_view name, const core::Sum& sum) {
  if (const std::optional<std::int64_t> narrow = sum.narrow()) {
    add(name, *narrow);
  } else {
    add(name, to_string(sum));
  }
}

void FieldMaker::operator()(std::string_view name, const core::Money& money) {
  add(std::string(name) + "_minor", money.minor);
  add("currency", std::string(money.currency.text()));
}

void FieldMaker::operator()(std::string_view name, const core::Tally& tally) {
  add(std::string(name) + "_count", tally.count);
  (*this)(std::string(name) + "_value", tally.value);
}

void FieldMaker::operator()(std::string_view name, const core::RefusalCounts& counts) {
  for (const core::Refusal refusal : core::kRefusals) {
    if (counts.of(refusal) != 0) {
      add(std::string(name) + "." + std::string(to_string(refusal)), counts.of(refusal));
    }
  }
}

void FieldMaker::operator()(std::string_view name,
                            const std::array<core::Tally, core::kRefusals.size()>& tallies) {
  for (std::size_t i = 0; i < tallies.size(); ++i) {
    if (tallies[i].count != 0) {
      (*this)(std::string(name) + "." + std::string(to_string(core::kRefusals[i])), tallies[i]);
    }
  }
}

void FieldMaker::operator()(std::string_view name, const core::Histogram& histogram) {
  const std::string prefix(name);
  add("completed_count", histogram.count());
  add(prefix + "_min", histogram.min());
  add(prefix + "_max", histogram.max());
  add(prefix + "_p50", histogram.percentile(500));
  add(prefix + "_p90", histogram.percentile(900));
  add(prefix + "_p99", histogram.percentile(990));
  add(prefix + "_p999", histogram.percentile(999));
  add(prefix + "_histogram", to_string(histogram));
}

void FieldMaker::operator()(std::string_view, const std::vector<core::CurrencyWindow>& windows) {
  for (const core::CurrencyWindow& window : windows) {
    const std::string prefix = std::string(window.currency.text()) + ".";
    (*this)(prefix + "completed", window.completed);
    add(prefix + "largest_minor", window.largest);
    (*this)(prefix + "largest_payment", window.largest_payment);
  }
}

void FieldMaker::operator()(std::string_view name, const std::vector<core::ExpiryEntry>& entries) {
  add(std::string(name) + "_count", static_cast<std::uint64_t>(entries.size()));
}

}  // namespace kpay::stages
