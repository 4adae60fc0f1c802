// Index: its file.
#include <algorithm>
#include <charconv>

#include "query/index.h"
#include "query/limits.h"

namespace kpay::query {

namespace {

constexpr std::string_view kLayout = "1";

// Rows stand in the order in which they are asked for: ids begin with their time, and so do the
// rows of an account. Most payments complete, so only the others have an index by status.
constexpr const char* kSchema =
    "CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS positions(stream INTEGER, partition INTEGER, offset INTEGER,"
    " idx INTEGER, ms INTEGER, PRIMARY KEY(stream, partition)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS owners(stage INTEGER, partition INTEGER, offset INTEGER,"
    " opened_ms INTEGER, instance TEXT, build TEXT, logic INTEGER, rules TEXT,"
    " PRIMARY KEY(stage, partition, offset)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS journeys(id BLOB PRIMARY KEY, kind INTEGER, status INTEGER,"
    " refusal INTEGER, payer TEXT, payee TEXT, minor INTEGER, currency TEXT, value_date INTEGER,"
    " reference TEXT, accepted_ms INTEGER, finished_ms INTEGER, hops BLOB) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS by_time ON journeys(kind, accepted_ms, id);"
    "CREATE INDEX IF NOT EXISTS by_status ON journeys(status, accepted_ms, id)"
    " WHERE kind=0 AND status<>2;"
    "CREATE TABLE IF NOT EXISTS touches(account TEXT, accepted_ms INTEGER, id BLOB, status INTEGER,"
    " PRIMARY KEY(account, accepted_ms, id)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS postings(account TEXT, posted_ms INTEGER, offset INTEGER,"
    " idx INTEGER, kind INTEGER, delta INTEGER, balance, currency TEXT, id BLOB,"
    " PRIMARY KEY(account, posted_ms, offset, idx)) WITHOUT ROWID;";

std::string identity_of(const IndexOptions& options) {
  std::string text = std::to_string(options.partitions);
  for (const Uuid& id : options.input_ids) {
    text += " " + to_string(id);
  }
  return text;
}

std::int64_t number_in(std::string_view text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Offsets of a partition each, topics by line.
std::string text_of(const audit::Offsets& cut) {
  std::string text;
  for (const std::vector<std::int64_t>& topic : cut) {
    for (const std::int64_t offset : topic) {
      text += std::to_string(offset) + " ";
    }
    text += "\n";
  }
  return text;
}

audit::Offsets cut_in(std::string_view text) {
  audit::Offsets cut;
  const char* at = text.data();
  const char* end = at + text.size();
  for (std::vector<std::int64_t>& topic : cut) {
    for (; at != end && *at != '\n'; ++at) {
      std::int64_t offset = 0;
      at = std::from_chars(at, end, offset).ptr;
      if (at == end || *at != ' ') {
        return {};
      }
      topic.push_back(offset);
    }
    at += at == end ? 0 : 1;
  }
  return cut;
}

core::AccountId account_in(std::string_view text) {
  return core::AccountId::parse(text).value_or(core::AccountId{});
}

}  // namespace

Index::Index(IndexOptions options) : options_(std::move(options)) {
  const auto partitions = static_cast<std::size_t>(options_.partitions);
  for (std::vector<Position>& stream : positions_) {
    stream.resize(partitions);
  }
}

Result<std::unique_ptr<Index>> Index::open(IndexOptions options) {
  std::unique_ptr<Index> index(new Index(std::move(options)));
  Result<void> opened = index->open_file();
  const Result<bool> ours = opened ? index->is_ours() : Result<bool>(false);
  const bool damaged = (!opened && opened.error().code == ErrorCode::corrupt) ||
                       (!ours && ours.error().code == ErrorCode::corrupt);
  if (!damaged && (!opened || !ours)) {
    return Unexpected(!opened ? opened.error() : ours.error());
  }
  if (damaged || !*ours) {
    index->database_.reset();
    Result<std::string> aside =
        store::Database::set_aside(index->path(), damaged ? "damaged" : "other-topics");
    if (!aside) {
      return Unexpected(aside.error());
    }
    index->aside_ = *aside;
    opened = index->open_file();
    if (!opened) {
      return Unexpected(opened.error());
    }
  }
  Result<void> ready = index->prepare();
  ready = ready ? index->load() : ready;
  return ready ? Result<std::unique_ptr<Index>>(std::move(index)) : Unexpected(ready.error());
}

Result<void> Index::open_file() {
  Result<std::unique_ptr<store::Database>> database =
      store::Database::open({options_.path, true, limits::writer_cache_kilobytes});
  if (!database) {
    return Unexpected(database.error());
  }
  database_ = std::move(*database);
  return database_->run(kSchema);
}

Result<bool> Index::is_ours() {
  Result<store::Statement> query = database_->prepare("SELECT name, value FROM meta");
  if (!query) {
    return Unexpected(query.error());
  }
  std::map<std::string, std::string> meta;
  for (;;) {
    const Result<bool> row = query->step();
    if (!row) {
      return Unexpected(row.error());
    }
    if (!*row) {
      break;
    }
    meta[std::string(query->text(0))] = query->text(1);
  }
  return meta.empty() || (meta["layout"] == kLayout && meta["identity"] == identity_of(options_));
}

Result<void> Index::prepare() {
  const std::array<std::pair<store::Statement*, const char*>, 11> statements{{
      {&find_,
       "SELECT kind, status, refusal, payer, payee, minor, currency, value_date, reference,"
       " accepted_ms, finished_ms, hops FROM journeys WHERE id=?1"},
      {&put_journey_,
       "INSERT INTO journeys VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)"
       " ON CONFLICT(id) DO UPDATE SET kind=?2, status=?3, refusal=?4, payer=?5, payee=?6,"
       " minor=?7, currency=?8, value_date=?9, reference=?10, finished_ms=?12, hops=?13"},
      {&put_touch_,
       "INSERT INTO touches VALUES(?1,?2,?3,?4)"
       " ON CONFLICT(account, accepted_ms, id) DO UPDATE SET status=?4"},
      {&drop_touch_, "DELETE FROM touches WHERE account=?1 AND accepted_ms=?2 AND id=?3"},
      {&put_posting_, "INSERT INTO postings VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)"},
      {&put_position_, "INSERT OR REPLACE INTO positions VALUES(?1,?2,?3,?4,?5)"},
      {&put_owner_, "INSERT OR IGNORE INTO owners VALUES(?1,?2,?3,?4,?5,?6,?7,?8)"},
      {&put_meta_, "INSERT OR REPLACE INTO meta VALUES(?1,?2)"},
      {&old_,
       "SELECT id, payer, payee, accepted_ms FROM journeys"
       " WHERE kind=?1 AND accepted_ms<?2 AND status>=2 ORDER BY accepted_ms LIMIT ?3"},
      {&drop_journey_, "DELETE FROM journeys WHERE id=?1"},
      // The newest one before the horizon stays: the balance that what is kept begins with.
      {&drop_postings_,
       "DELETE FROM postings WHERE account=?1 AND (posted_ms, offset, idx) <"
       " (SELECT posted_ms, offset, idx FROM postings WHERE account=?1 AND posted_ms<?2"
       " ORDER BY posted_ms DESC, offset DESC, idx DESC LIMIT 1)"},
  }};
  for (const auto& [place, sql] : statements) {
    Result<store::Statement> made = database_->prepare(sql);
    if (!made) {
      return Unexpected(made.error());
    }
    *place = std::move(*made);
  }
  Result<void> claimed = set("layout", kLayout);
  return claimed ? set("identity", identity_of(options_)) : claimed;
}

Result<void> Index::set(std::string_view name, std::string_view value) {
  return put_meta_.bind(1, name).bind(2, value).run();
}

Result<void> Index::load() {
  Result<store::Statement> query =
      database_->prepare("SELECT stream, partition, offset, idx, ms FROM positions");
  Result<store::Statement> meta = database_->prepare(
      "SELECT name, value FROM meta WHERE name IN ('as_of_ms','kept_from_ms','cut')");
  if (!query || !meta) {
    return Unexpected(!query ? query.error() : meta.error());
  }
  Result<bool> row = query->step();
  for (; row && *row; row = query->step()) {
    const auto stream = static_cast<std::size_t>(query->number(0));
    const auto partition = static_cast<std::size_t>(query->number(1));
    if (stream < kStreams && partition < positions_[stream].size()) {
      positions_[stream][partition] = {
          query->number(2), static_cast<std::uint32_t>(query->number(3)), query->number(4), false};
      fresh_ = false;
    }
  }
  if (!row) {
    return Unexpected(row.error());
  }
  for (row = meta->step(); row && *row; row = meta->step()) {
    const std::string_view name = meta->text(0);
    if (name == "cut") {
      cut_ = cut_in(meta->text(1));
    } else {
      (name == "as_of_ms" ? as_of_ms_ : kept_from_ms_) = number_in(meta->text(1));
    }
  }
  return row ? Result<void>() : Unexpected(row.error());
}

Result<bool> Index::load_journey(const Uuid& id, Open& open) {
  find_.bind(1, id.view());
  const Result<bool> row = find_.step();
  if (!row || !*row) {
    return row;
  }
  Journey& journey = open.journey;
  journey.kind = static_cast<Kind>(find_.number(0));
  journey.status = static_cast<Status>(find_.number(1));
  journey.refusal =
      core::refusal_of(static_cast<std::uint32_t>(find_.number(2))).value_or(core::Refusal::none);
  journey.from = account_in(find_.text(3));
  journey.to = account_in(find_.text(4));
  journey.amount = {find_.number(5),
                    core::Currency::parse(find_.text(6)).value_or(core::Currency{})};
  journey.value_date = static_cast<std::int32_t>(find_.number(7));
  journey.reference = find_.text(8);
  journey.accepted_ms = find_.number(9);
  journey.finished_ms = find_.number(10);
  const bool whole = decode(find_.blob(11), journey.hops, journey.more_hops);
  find_.reset();
  if (!whole) {
    return Unexpected(ErrorCode::corrupt,
                      path() + ": the journey of " + to_string(id) + " can't be read");
  }
  open.stored = true;
  open.status = journey.status;
  open.from = journey.from;
  open.to = journey.to;
  return true;
}

Result<void> Index::take_owner(const Item& item, ByteView payload) {
  ByteReader in(payload);
  Owner owner;
  owner.instance = as_text(in.sized());
  owner.build = as_text(in.sized());
  owner.logic_version = in.get<std::uint32_t>();
  owner.rules_hash = as_text(in.sized());
  return put_owner_.bind(1, std::int64_t{item.cause.stage})
      .bind(2, std::int64_t{item.place.partition})
      .bind(3, item.place.offset)
      .bind(4, item.appended.ms)
      .bind(5, owner.instance)
      .bind(6, owner.build)
      .bind(7, std::int64_t{owner.logic_version})
      .bind(8, owner.rules_hash)
      .run();
}

Result<void> Index::write_touches(const Open& open) {
  const Journey& journey = open.journey;
  if (journey.kind != Kind::payment) {
    return {};
  }
  const bool moved = open.stored && (open.from != journey.from || open.to != journey.to);
  for (const core::AccountId* account : {&open.from, &open.to}) {
    if (moved && !account->empty()) {
      const Result<void> dropped = drop_touch_.bind(1, account->text())
                                       .bind(2, journey.accepted_ms)
                                       .bind(3, journey.id.view())
                                       .run();
      if (!dropped) {
        return dropped;
      }
    }
  }
  if (open.stored && !moved && open.status == journey.status) {
    return {};
  }
  for (const core::AccountId* account : {&journey.from, &journey.to}) {
    if (account->empty()) {
      continue;
    }
    const Result<void> put = put_touch_.bind(1, account->text())
                                 .bind(2, journey.accepted_ms)
                                 .bind(3, journey.id.view())
                                 .bind(4, static_cast<std::int64_t>(journey.status))
                                 .run();
    if (!put) {
      return put;
    }
  }
  return {};
}

Result<void> Index::write_journey(Open& open) {
  const Journey& journey = open.journey;
  const Bytes hops = encode(journey.hops, journey.more_hops);
  const Result<void> put = put_journey_.bind(1, journey.id.view())
                               .bind(2, static_cast<std::int64_t>(journey.kind))
                               .bind(3, static_cast<std::int64_t>(journey.status))
                               .bind(4, static_cast<std::int64_t>(journey.refusal))
                               .bind(5, journey.from.text())
                               .bind(6, journey.to.text())
                               .bind(7, journey.amount.minor)
                               .bind(8, journey.amount.currency.text())
                               .bind(9, std::int64_t{journey.value_date})
                               .bind(10, journey.reference)
                               .bind(11, journey.accepted_ms)
                               .bind(12, journey.finished_ms)
                               .bind(13, hops)
                               .run();
  ++counts_.journeys;
  return put;
}

// Sorted, so that neighbours in the file are written one after the other.
Result<void> Index::write_journeys() {
  std::vector<Open*> dirty;
  for (auto& [id, open] : open_) {
    if (open.dirty) {
      dirty.push_back(&open);
    }
  }
  std::sort(dirty.begin(), dirty.end(),
            [](const Open* a, const Open* b) { return a->journey.id < b->journey.id; });
  for (Open* open : dirty) {
    if (Result<void> put = write_journey(*open); !put) {
      return put;
    }
  }
  std::sort(dirty.begin(), dirty.end(),
            [](const Open* a, const Open* b) { return a->journey.from < b->journey.from; });
  for (Open* open : dirty) {
    if (Result<void> put = write_touches(*open); !put) {
      return put;
    }
    open->dirty = false;
    open->stored = true;
    open->status = open->journey.status;
    open->from = open->journey.from;
    open->to = open->journey.to;
  }
  return {};
}

Result<void> Index::write_postings() {
  std::sort(postings_.begin(), postings_.end(), [](const Change& a, const Change& b) {
    return std::tie(a.account, a.posted_ms, a.place) < std::tie(b.account, b.posted_ms, b.place);
  });
  for (const Change& each : postings_) {
    const std::optional<std::int64_t> narrow = each.balance.narrow();
    const std::string digits = narrow ? std::string() : to_string(each.balance);
    put_posting_.bind(1, each.account)
        .bind(2, each.posted_ms)
        .bind(3, each.place.offset)
        .bind(4, std::int64_t{each.place.index})
        .bind(5, static_cast<std::int64_t>(each.kind))
        .bind(6, each.delta)
        .bind(8, each.currency.text())
        .bind(9, each.id.view());
    narrow ? put_posting_.bind(7, *narrow) : put_posting_.bind(7, std::string_view(digits));
    if (Result<void> put = put_posting_.run(); !put) {
      return put;
    }
  }
  counts_.postings += postings_.size();
  postings_.clear();
  return {};
}

Result<void> Index::write_positions() {
  for (std::size_t stream = 0; stream < kStreams; ++stream) {
    for (std::size_t p = 0; p < positions_[stream].size(); ++p) {
      Position& each = positions_[stream][p];
      if (!each.dirty) {
        continue;
      }
      each.dirty = false;
      const Result<void> put = put_position_.bind(1, static_cast<std::int64_t>(stream))
                                   .bind(2, static_cast<std::int64_t>(p))
                                   .bind(3, each.offset)
                                   .bind(4, std::int64_t{each.index})
                                   .bind(5, each.ms)
                                   .run();
      if (!put) {
        return put;
      }
    }
  }
  return {};
}

Result<void> Index::commit(std::span<const Batch> batches) {
  const Batch* cut = nullptr;
  for (const Batch& batch : batches) {
    as_of_ms_ = std::max(as_of_ms_, batch.as_of_ms);
    cut = batch.cut ? &batch : cut;
  }
  Result<void> done = write_journeys();
  done = done ? write_postings() : done;
  done = done ? write_positions() : done;
  done = done ? expire(batches.size()) : done;
  done = done ? set("as_of_ms", std::to_string(as_of_ms_)) : done;
  if (done && cut != nullptr) {
    done = set("cut", text_of(*cut->cut));
  }
  done = done ? database_->run("COMMIT") : done;
  if (!done) {
    return done;
  }
  cut_ = cut != nullptr ? *cut->cut : cut_;
  const bool many = open_.size() > limits::open_journeys_max;
  std::erase_if(open_, [&](const auto& each) { return many || each.second.journey.ended(); });
  return {};
}

// With a cut, the file is on the disk before the auditor's own state is.
Result<void> Index::write(std::span<const Batch> batches) {
  const bool sync = std::any_of(batches.begin(), batches.end(),
                                [](const Batch& batch) { return batch.cut.has_value(); });
  Result<void> done =
      database_->run(sync ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
  done = done ? database_->run("BEGIN IMMEDIATE") : done;
  for (const Batch& batch : batches) {
    for (const Item& item : batch.items) {
      done = done ? take(batch, item) : done;
    }
  }
  if (done && options_.changes && !postings_.empty()) {
    done = options_.changes(postings_);
  }
  done = done ? commit(batches) : done;
  if (!done) {
    (void)database_->run("ROLLBACK");
  }
  return done;
}

}  // namespace kpay::query
