#include "daemons/journal/changes.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/time.h"
#include "daemons/journal/query_json.h"
#include "daemons/tool/sweep.h"

namespace kpay::journal {

namespace {

constexpr int kIndexBits = 16;  // so that 2^37 offsets fit into what JSON readers take exactly
constexpr int kFlushMs = 1'000;
constexpr std::int64_t kStopMs = 5'000;

}  // namespace

std::int64_t version_of(const audit::Place& place) noexcept {
  return place.offset < 0 ? 0 : ((place.offset + 1) << kIndexBits) + place.index;
}

std::string to_json(const query::Change& change) {
  http::JsonObject json;
  json.add("account", change.account).add("currency", change.currency.text());
  add_amount(json, "balance", to_string(change.balance), change.currency);
  add_amount(json, "amount", std::to_string(change.delta), change.currency);
  json.add("kind", query::posting_kind(change.kind));
  change.id.is_nil() ? json.add_null("id") : json.add("id", to_string(change.id));
  return json.add("posted_at_ms", change.posted_ms)
      .add("partition", change.place.partition)
      .add("offset", change.place.offset)
      .add("index", change.place.index)
      .add("version", version_of(change.place))
      .finish();
}

Result<std::unique_ptr<Changes>> Changes::open(const tool::Reached& reached) {
  std::unique_ptr<Changes> changes(new Changes());
  changes->topic_ = reached.topic(kChangesTopic);
  if (Result<void> read = changes->read_newest(reached); !read) {
    return Unexpected(read.error());
  }
  Result<std::unique_ptr<kafka::PlainProducer>> producer =
      kafka::PlainProducer::connect(reached.connection.client);
  if (!producer) {
    return Unexpected(producer.error());
  }
  changes->producer_ = std::move(*producer);
  return changes;
}

Result<void> Changes::read_newest(const tool::Reached& reached) {
  const Result<std::vector<stream::LogBounds>> bounds = reached.bounds(kChangesTopic);
  if (!bounds) {
    return Unexpected(bounds.error());
  }
  if (bounds->size() != static_cast<std::size_t>(reached.partitions)) {
    return Unexpected(ErrorCode::invalid, topic_ + " has " + std::to_string(bounds->size()) +
                                              " partitions, and has to have " +
                                              std::to_string(reached.partitions));
  }
  newest_.assign(bounds->size(), -1);
  std::vector<tool::SweepPart> parts;
  for (std::size_t p = 0; p < bounds->size(); ++p) {
    const stream::LogBounds& each = (*bounds)[p];
    // Compaction keeps the newest record, whatever it is of.
    const std::int64_t begin = std::max(each.begin, each.end - 1);
    parts.push_back({topic_, static_cast<std::int32_t>(p), begin, each.end});
  }
  Result<std::unique_ptr<tool::Sweep>> sweep =
      tool::Sweep::start(reached.connection.client, std::move(parts));
  if (!sweep) {
    return Unexpected(sweep.error());
  }
  Result<void> fit;
  Result<void> read = (*sweep)->run([&](std::size_t part, const stream::LogRecord& record) {
    const nlohmann::json json =
        nlohmann::json::parse(record.value.begin(), record.value.end(), nullptr, false);
    if (!json.is_object() || !json.contains("version") || !json["version"].is_number_integer()) {
      fit = Unexpected(ErrorCode::corrupt, topic_ + "/" + std::to_string(part) + " offset " +
                                               std::to_string(record.offset) +
                                               " is no change of an account");
      return;
    }
    newest_[part] = json["version"].get<std::int64_t>();
  });
  return read ? fit : read;
}

Result<void> Changes::tell(const std::vector<query::Change>& changes) {
  bool all = false;
  std::vector<std::int64_t> newest;
  while (!all) {
    newest = newest_;
    std::uint64_t sent = 0;
    for (const query::Change& change : changes) {
      std::int64_t& version = newest[static_cast<std::size_t>(change.place.partition)];
      const std::int64_t mine = version_of(change.place);
      // What is carried comes before all that is posted, of each account once.
      if (mine == 0 ? newest_[static_cast<std::size_t>(change.place.partition)] > 0
                    : mine <= version) {
        continue;
      }
      const std::string json = to_json(change);
      if (Result<void> queued = producer_->send(topic_, change.place.partition,
                                                as_bytes(change.account), as_bytes(json));
          !queued) {
        return queued;
      }
      version = mine;
      ++sent;
    }
    all = true;
    while (sent > 0) {
      const Result<void> flushed = producer_->flush(kFlushMs);
      if (flushed) {
        told_ += sent;
        break;
      }
      if (give_up_ms_ != 0 && monotonic_ms() > give_up_ms_) {
        return flushed;
      }
      if (producer_->outstanding() == 0) {
        all = false;  // some were given up: all of them again, in their order
        break;
      }
    }
  }
  newest_ = std::move(newest);
  return {};
}

void Changes::stop() noexcept { give_up_ms_ = monotonic_ms() + kStopMs; }

}  // namespace kpay::journal
