// Reader: payments, and one payment's journey.
#include <charconv>
#include <limits>

#include "query/reader.h"

namespace kpay::query {

namespace {

constexpr std::int64_t kEver = std::numeric_limits<std::int64_t>::max();
constexpr const char* kColumns =
    "j.id, j.kind, j.status, j.refusal, j.payer, j.payee, j.minor, j.currency, j.value_date,"
    " j.reference, j.accepted_ms, j.finished_ms";

Error bad_cursor() { return {ErrorCode::invalid, "the cursor is none that a page has given"}; }

Journey journey_in(store::Statement& row) {
  Journey journey;
  journey.id = uuid_from_bytes(row.blob(0)).value_or(Uuid{});
  journey.kind = static_cast<Kind>(row.number(1));
  journey.status = static_cast<Status>(row.number(2));
  journey.refusal =
      core::refusal_of(static_cast<std::uint32_t>(row.number(3))).value_or(core::Refusal::none);
  journey.from = core::AccountId::parse(row.text(4)).value_or(core::AccountId{});
  journey.to = core::AccountId::parse(row.text(5)).value_or(core::AccountId{});
  journey.amount = {row.number(6), core::Currency::parse(row.text(7)).value_or(core::Currency{})};
  journey.value_date = static_cast<std::int32_t>(row.number(8));
  journey.reference = row.text(9);
  journey.accepted_ms = row.number(10);
  journey.finished_ms = row.number(11);
  return journey;
}

struct Cursor {
  std::int64_t ms = kEver;
  Uuid id;
};

// "1795366435000.0193b4e2-…": the last row's. The first page has none.
std::optional<Cursor> cursor_in(const PaymentFilter& filter) {
  const std::string& text = filter.cursor;
  if (text.empty()) {
    return Cursor{filter.to_ms == 0 ? kEver : filter.to_ms, {}};
  }
  Cursor cursor;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, cursor.ms);
  if (error != std::errc{} || at == end || *at != '.') {
    return std::nullopt;
  }
  const std::optional<Uuid> id = parse_uuid(std::string_view(at + 1, end));
  cursor.id = id.value_or(Uuid{});
  return id ? std::optional(cursor) : std::nullopt;
}

// What a list is read from, newest first: an index that has its rows in that order. The status
// stands in the text, and what the partial index is of once more, so that SQLite sees that it fits.
std::string sql_of(const PaymentFilter& filter) {
  const bool of_account = !filter.account.empty();
  const std::string x = of_account ? "x." : "j.";
  std::string sql = std::string("SELECT ") + kColumns;
  if (of_account) {
    sql += " FROM touches x JOIN journeys j ON j.id=x.id WHERE x.account=?5";
  } else if (filter.status && *filter.status != Status::completed) {
    sql += " FROM journeys j INDEXED BY by_status WHERE j.kind=0 AND j.status<>2";
  } else {
    sql += " FROM journeys j INDEXED BY by_time WHERE j.kind=0";
  }
  if (filter.status) {
    sql += " AND " + x + "status=" + std::to_string(static_cast<int>(*filter.status));
  }
  // One bound from above, of the page or of the filter: with two, SQLite may seek by the wrong one.
  sql += " AND " + x + "accepted_ms>=?1 AND (" + x + "accepted_ms, " + x + "id)<(?2,?3)";
  return sql + " ORDER BY " + x + "accepted_ms DESC, " + x + "id DESC LIMIT ?4";
}

}  // namespace

Result<PaymentPage> Reader::payments(const PaymentFilter& filter) {
  const std::optional<Cursor> cursor = cursor_in(filter);
  if (!cursor) {
    return Unexpected(bad_cursor());
  }
  Lease database(*this);
  if (!database.get()) {
    return Unexpected(database.get().error());
  }
  Result<store::Statement> query = database->prepare(sql_of(filter));
  if (!query) {
    return Unexpected(query.error());
  }
  query->bind(1, filter.from_ms)
      .bind(2, cursor->ms)
      .bind(3, cursor->id.view())
      .bind(4, static_cast<std::int64_t>(filter.limit) + 1);
  if (!filter.account.empty()) {
    query->bind(5, std::string_view(filter.account));
  }
  PaymentPage page;
  Result<bool> row = query->step();
  for (; row && *row; row = query->step()) {
    if (page.payments.size() == filter.limit) {
      const Journey& last = page.payments.back();
      page.next = std::to_string(last.accepted_ms) + "." + to_string(last.id);
      break;
    }
    page.payments.push_back(journey_in(*query));
  }
  return row ? Result<PaymentPage>(std::move(page)) : Unexpected(row.error());
}

namespace {

// The owner of the task when the record was appended.
Result<std::optional<Runner>> runner_of(store::Database& database, const Hop& hop) {
  if (hop.stage == 0) {
    return std::optional<Runner>();
  }
  Result<store::Statement> query = database.prepare(
      "SELECT instance, build, logic, rules FROM owners WHERE stage=?1 AND partition=?2"
      " AND opened_ms<=?3 ORDER BY offset DESC LIMIT 1");
  if (!query) {
    return Unexpected(query.error());
  }
  query->bind(1, std::int64_t{hop.stage})
      .bind(2, std::int64_t{hop.cause.partition})
      .bind(3, hop.appended_ms);
  const Result<bool> row = query->step();
  if (!row || !*row) {
    return row ? Result<std::optional<Runner>>(std::optional<Runner>()) : Unexpected(row.error());
  }
  return std::optional(Runner{std::string(query->text(0)), std::string(query->text(1)),
                              static_cast<std::uint32_t>(query->number(2)),
                              std::string(query->text(3))});
}

// A posting stands under the time of its leg, or later where the broker's clock went back.
Result<std::optional<Effect>> effect_of(store::Database& database, const Hop& hop,
                                        const std::string& account) {
  Result<store::Statement> query = database.prepare(
      "SELECT balance, posted_ms FROM postings WHERE account=?1 AND posted_ms>=?2 AND offset=?3"
      " AND idx=?4 ORDER BY posted_ms LIMIT 1");
  Result<store::Statement> before = database.prepare(
      "SELECT balance FROM postings WHERE account=?1 AND (posted_ms, offset, idx)<(?2,?3,?4)"
      " ORDER BY posted_ms DESC, offset DESC, idx DESC LIMIT 1");
  if (!query || !before) {
    return Unexpected(!query ? query.error() : before.error());
  }
  query->bind(1, std::string_view(account))
      .bind(2, hop.appended_ms)
      .bind(3, hop.place.offset)
      .bind(4, std::int64_t{hop.place.index});
  const Result<bool> row = query->step();
  if (!row || !*row) {
    return row ? Result<std::optional<Effect>>(std::optional<Effect>()) : Unexpected(row.error());
  }
  before->bind(1, std::string_view(account))
      .bind(2, query->number(1))
      .bind(3, hop.place.offset)
      .bind(4, std::int64_t{hop.place.index});
  const Result<bool> earlier = before->step();
  if (!earlier) {
    return Unexpected(earlier.error());
  }
  return std::optional(
      Effect{account, *earlier ? std::string(before->text(0)) : "0", std::string(query->text(0))});
}

std::vector<std::string> accounts_of(const Journey& journey, const Hop& hop) {
  const std::int32_t partition = hop.place.partition;
  switch (hop.what) {
    case What::debit:
    case What::forwarded: return {account_name(journey.from, partition)};
    case What::credit: return {account_name(journey.to, partition)};
    // R25: where the payer's account can't take it, it is in suspense.
    case What::refund:
      return {account_name(journey.from, partition),
              account_name(core::AccountId::suspense(journey.amount.currency), partition)};
    default: return {};
  }
}

}  // namespace

Result<std::optional<Told>> Reader::journey(const Uuid& id) {
  Lease database(*this);
  if (!database.get()) {
    return Unexpected(database.get().error());
  }
  Result<store::Statement> query = database->prepare(std::string("SELECT ") + kColumns +
                                                     ", j.hops FROM journeys j WHERE j.id=?1");
  if (!query) {
    return Unexpected(query.error());
  }
  query->bind(1, id.view());
  const Result<bool> row = query->step();
  if (!row || !*row) {
    return row ? Result<std::optional<Told>>(std::optional<Told>()) : Unexpected(row.error());
  }
  Told told;
  told.journey = journey_in(*query);
  if (!decode(query->blob(12), told.journey.hops, told.journey.more_hops)) {
    return Unexpected(ErrorCode::corrupt, "the hops of " + to_string(id) + " can't be read");
  }
  for (const Hop& hop : told.journey.hops) {
    Result<std::optional<Runner>> runner = runner_of(**database.get(), hop);
    if (!runner) {
      return Unexpected(runner.error());
    }
    told.runners.push_back(std::move(*runner));
    told.effects.emplace_back();
    for (const std::string& account : accounts_of(told.journey, hop)) {
      Result<std::optional<Effect>> effect = effect_of(**database.get(), hop, account);
      if (!effect) {
        return Unexpected(effect.error());
      }
      if (*effect) {
        told.effects.back() = std::move(*effect);
        break;
      }
    }
  }
  return std::optional(std::move(told));
}

}  // namespace kpay::query
