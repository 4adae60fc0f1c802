#include "query/journey.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "query/limits.h"

namespace kpay::query {

namespace {

template <class E, std::size_t N>
std::string_view word(const std::array<std::string_view, N>& words, E value) {
  const auto at = static_cast<std::size_t>(value);
  return at < N ? words[at] : std::string_view("unknown");
}

constexpr std::array<std::string_view, 5> kStatuses{"accepted", "in_flight", "completed", "failed",
                                                    "rejected"};

// Which news win: a command that is sent again later doesn't reopen what has ended.
int rank(Status status) {
  switch (status) {
    case Status::submitted: return 0;
    case Status::rejected: return 1;
    case Status::in_flight: return 2;
    case Status::completed:
    case Status::failed: return 3;
  }
  return 0;
}

auto order(const Hop& hop) { return std::tie(hop.appended_ms, hop.what, hop.place); }

}  // namespace

std::string_view to_string(Kind kind) noexcept {
  return word(std::array<std::string_view, 4>{"payment", "opening", "deposit", "closing"}, kind);
}

std::string_view to_string(Status status) noexcept { return word(kStatuses, status); }

std::optional<Status> status_of(std::string_view text) noexcept {
  const auto found = std::find(kStatuses.begin(), kStatuses.end(), text);
  return found == kStatuses.end() ? std::nullopt
                                  : std::optional(static_cast<Status>(found - kStatuses.begin()));
}

std::string_view to_string(What what) noexcept {
  return word(std::array<std::string_view, 8>{"command", "debit", "credit", "refund", "forwarded",
                                              "outcome", "result", "dead_letter"},
              what);
}

void Journey::add(const Hop& hop) {
  const auto at = std::lower_bound(hops.begin(), hops.end(), hop,
                                   [](const Hop& a, const Hop& b) { return order(a) < order(b); });
  if (at != hops.end() && order(*at) == order(hop)) {
    return;
  }
  if (hops.size() == limits::hops_max) {
    ++more_hops;
    return;
  }
  hops.insert(at, hop);
}

void Journey::advance(Status now, core::Refusal why, std::int64_t at_ms) {
  if (rank(now) < rank(status) || rank(status) == 3) {
    return;
  }
  status = now;
  refusal = why;
  finished_ms = now == Status::in_flight ? 0 : at_ms;
}

bool Journey::ended() const noexcept {
  const What last = kind == Kind::payment ? What::result : What::outcome;
  return status != Status::submitted && status != Status::in_flight &&
         (status == Status::rejected ||
          std::any_of(hops.begin(), hops.end(), [&](const Hop& hop) { return hop.what == last; }));
}

std::string account_name(const core::AccountId& account, std::int32_t partition) {
  std::string name(account.text());
  return account.reserved() ? name + "@" + std::to_string(partition) : name;
}

}  // namespace kpay::query
