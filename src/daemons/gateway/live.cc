#include "daemons/gateway/live.h"

#include <algorithm>
#include <iterator>

#include "base/time.h"
#include "daemons/ctl/control.h"
#include "daemons/gateway/limits.h"

namespace kpay::gateway {

namespace {

constexpr std::int64_t kSeenMs = 2'000;

}  // namespace

Result<std::unique_ptr<Live>> Live::start(tool::Connection connection,
                                          const ctl::HttpFlags& daemons,
                                          http::Broadcaster& broadcaster, ActionLog& actions,
                                          const std::function<void(const Error&)>& failed) {
  Result<tool::Reached> reached = tool::reach_system(std::move(connection));
  if (!reached) {
    return Unexpected(reached.error());
  }
  std::unique_ptr<Live> live(new Live(std::move(*reached)));
  live->daemons_ = daemons;
  Result<std::unique_ptr<Feed>> feed = Feed::start(live->reached_, failed);
  Result<std::unique_ptr<Submitter>> submitter = Submitter::start(live->reached_);
  Result<std::unique_ptr<Outcomes>> outcomes = Outcomes::start(live->reached_, failed);
  Result<std::unique_ptr<Audits>> audits = Audits::start(live->reached_, failed);
  if (Result<void> connected = actions.connect(live->reached_); !connected) {
    return Unexpected(connected.error());
  }
  if (!feed || !submitter || !outcomes || !audits) {
    return Unexpected(!feed        ? feed.error()
                      : !submitter ? submitter.error()
                      : !outcomes  ? outcomes.error()
                                   : audits.error());
  }
  live->feed_ = std::move(*feed);
  live->submitter_ = std::move(*submitter);
  live->outcomes_ = std::move(*outcomes);
  live->audits_ = std::move(*audits);
  live->watcher_ = std::make_unique<Watcher>(WatcherParts{
      live->feed_.get(), live->audits_.get(), daemons, live->partitions(), &broadcaster});
  return live;
}

Result<void> Live::write_state(const std::string& key, const std::string& value) {
  const std::lock_guard lock(control_mutex_);
  if (Result<void> written = ctl::write_state(reached_, key, value); !written) {
    return written;
  }
  const std::int64_t deadline = monotonic_ms() + kSeenMs;
  const Result<std::string> seen = ctl::wait_for(
      deadline, [&]() -> Result<std::string> { return feed_->state_of(key) == value ? "" : key; });
  return seen ? Result<void>() : Unexpected(seen.error());
}

Result<std::shared_ptr<const Letters>> Live::letters() {
  const std::lock_guard lock(letters_mutex_);
  if (letters_ == nullptr || monotonic_ms() - letters_at_ms_ >= limits::letters_ms) {
    Result<std::vector<ctl::Letter>> read = ctl::read_letters(reached_, {});
    if (!read) {
      return Unexpected(read.error());
    }
    Letters letters{{}, read->size()};
    const std::size_t kept = std::min(read->size(), limits::letters_max);
    std::move(read->end() - static_cast<std::ptrdiff_t>(kept), read->end(),
              std::back_inserter(letters.newest));
    letters_ = std::make_shared<const Letters>(std::move(letters));
    letters_at_ms_ = monotonic_ms();
  }
  return letters_;
}

void Live::forget_letters() {
  const std::lock_guard lock(letters_mutex_);
  letters_.reset();
}

Result<std::vector<ctl::Letter>> letters_among(const Letters& letters,
                                               const ctl::LetterFilter& filter) {
  for (const ctl::LetterId& id : filter.ids) {
    if (std::none_of(letters.newest.begin(), letters.newest.end(),
                     [&](const ctl::Letter& letter) { return letter.id == id; })) {
      return Unexpected(ErrorCode::not_found,
                        "No letter of the newest has the id " + to_string(id) + ".");
    }
  }
  std::vector<ctl::Letter> found;
  std::copy_if(letters.newest.begin(), letters.newest.end(), std::back_inserter(found),
               [&](const ctl::Letter& letter) { return filter.takes(letter); });
  return found;
}

}  // namespace kpay::gateway
