// Reader: what happened on an account.
#include <array>
#include <charconv>
#include <limits>

#include "audit/entry.h"
#include "query/change.h"
#include "query/reader.h"

namespace kpay::query {

namespace {

constexpr std::int64_t kEver = std::numeric_limits<std::int64_t>::max();

struct Cursor {
  std::int64_t ms = 0;
  std::int64_t offset = 0;
  std::int64_t index = 0;
};

// "1795366435000.4711.2": the last row's.
std::optional<Cursor> cursor_in(const std::string& text) {
  std::array<std::int64_t, 3> numbers{};
  const char* at = text.data();
  const char* end = text.data() + text.size();
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto [next, error] = std::from_chars(at, end, numbers[i]);
    const bool last = i + 1 == numbers.size();
    if (error != std::errc{} || (last ? next != end : next == end || *next != '.')) {
      return std::nullopt;
    }
    at = last ? next : next + 1;
  }
  return Cursor{numbers[0], numbers[1], numbers[2]};
}

std::string text_of(const Posting& posting) {
  return std::to_string(posting.posted_ms) + "." + std::to_string(posting.offset) + "." +
         std::to_string(posting.index);
}

// Of the two bounds, the one where a page begins is the row before it.
std::string sql_of(bool oldest_first) {
  std::string sql =
      "SELECT p.posted_ms, p.offset, p.idx, p.kind, p.delta, p.balance, p.currency, p.id,"
      " CASE WHEN j.payer=p.account THEN j.payee ELSE j.payer END, j.reference"
      " FROM postings p LEFT JOIN journeys j ON j.id=p.id WHERE p.account=?1"
      " AND (p.posted_ms, p.offset, p.idx)";
  sql += oldest_first ? ">(?2,?3,?4) AND p.posted_ms<?5 ORDER BY p.posted_ms, p.offset, p.idx"
                      : "<(?2,?3,?4) AND p.posted_ms>=?5"
                        " ORDER BY p.posted_ms DESC, p.offset DESC, p.idx DESC";
  return sql + " LIMIT ?6";
}

Posting posting_in(store::Statement& row) {
  Posting posting;
  posting.posted_ms = row.number(0);
  posting.offset = row.number(1);
  posting.index = static_cast<std::uint32_t>(row.number(2));
  const auto kind = static_cast<audit::EntryKind>(row.number(3));
  posting.kind = posting_kind(kind);
  posting.delta_minor = row.number(4);
  posting.balance_minor = row.text(5);
  posting.currency = core::Currency::parse(row.text(6)).value_or(core::Currency{});
  posting.id = uuid_from_bytes(row.blob(7)).value_or(Uuid{});
  const bool payment = kind == audit::EntryKind::debit || kind == audit::EntryKind::credit ||
                       kind == audit::EntryKind::refund;
  posting.counterparty = payment ? row.text(8) : std::string_view();
  posting.reference = row.text(9);
  return posting;
}

}  // namespace

std::string_view posting_kind(audit::EntryKind kind) noexcept {
  switch (kind) {
    case audit::EntryKind::open: return "opening";
    case audit::EntryKind::deposit: return "deposit";
    case audit::EntryKind::debit: return "debit";
    case audit::EntryKind::credit: return "credit";
    case audit::EntryKind::refund: return "refund";
    default: return "carried";
  }
}

Result<PostingPage> Reader::postings(const PostingFilter& filter) {
  const std::int64_t to_ms = filter.to_ms == 0 ? kEver : filter.to_ms;
  const Cursor edge{filter.oldest_first ? filter.from_ms : to_ms, -1, -1};
  const std::optional<Cursor> cursor = filter.cursor.empty() ? edge : cursor_in(filter.cursor);
  if (!cursor) {
    return Unexpected(ErrorCode::invalid, "the cursor is none that a page has given");
  }
  Lease database(*this);
  if (!database.get()) {
    return Unexpected(database.get().error());
  }
  Result<store::Statement> query = database->prepare(sql_of(filter.oldest_first));
  if (!query) {
    return Unexpected(query.error());
  }
  query->bind(1, std::string_view(filter.account))
      .bind(2, cursor->ms)
      .bind(3, cursor->offset)
      .bind(4, cursor->index)
      .bind(5, filter.oldest_first ? to_ms : filter.from_ms)
      .bind(6, static_cast<std::int64_t>(filter.limit) + 1);
  PostingPage page;
  Result<bool> row = query->step();
  for (; row && *row; row = query->step()) {
    if (page.postings.size() == filter.limit) {
      page.next = text_of(page.postings.back());
      break;
    }
    page.postings.push_back(posting_in(*query));
  }
  return row ? Result<PostingPage>(std::move(page)) : Unexpected(row.error());
}

Result<Balance> Reader::balance(const std::string& account, std::int64_t before_ms) {
  Lease database(*this);
  if (!database.get()) {
    return Unexpected(database.get().error());
  }
  Result<store::Statement> query = database->prepare(
      "SELECT balance, currency, posted_ms FROM postings WHERE account=?1 AND posted_ms<?2"
      " ORDER BY posted_ms DESC, offset DESC, idx DESC LIMIT 1");
  if (!query) {
    return Unexpected(query.error());
  }
  query->bind(1, std::string_view(account)).bind(2, before_ms);
  const Result<bool> row = query->step();
  if (!row || !*row) {
    return row ? Result<Balance>(Balance{}) : Unexpected(row.error());
  }
  return Balance{std::string(query->text(0)),
                 core::Currency::parse(query->text(1)).value_or(core::Currency{}),
                 query->number(2)};
}

Result<bool> Reader::knows(const std::string& account) {
  const Result<Balance> last = balance(account, kEver);
  return last ? Result<bool>(!last->minor.empty()) : Unexpected(last.error());
}

}  // namespace kpay::query
