// Live: everything that needs the cluster, once it was reached.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "daemons/ctl/http_tables.h"
#include "daemons/ctl/letters.h"
#include "daemons/gateway/actions.h"
#include "daemons/gateway/audits.h"
#include "daemons/gateway/feed.h"
#include "daemons/gateway/outcomes.h"
#include "daemons/gateway/submitter.h"
#include "daemons/gateway/watcher.h"

namespace kpay::gateway {

/// The newest dead letters, oldest first, and how many there are in all.
struct Letters {
  std::vector<ctl::Letter> newest;
  std::size_t total = 0;
};

/// Those of the newest that the filter takes. Errors: not_found, for an id that none of them has.
[[nodiscard]] Result<std::vector<ctl::Letter>> letters_among(const Letters& letters,
                                                             const ctl::LetterFilter& filter);

/// Threads: any.
class Live {
 public:
  static Result<std::unique_ptr<Live>> start(tool::Connection connection,
                                             const ctl::HttpFlags& daemons,
                                             http::Broadcaster& broadcaster, ActionLog& actions,
                                             const std::function<void(const Error&)>& failed);

  [[nodiscard]] std::int32_t partitions() const noexcept { return reached_.partitions; }
  [[nodiscard]] const Uuid& incoming_id() const noexcept { return reached_.incoming_id; }
  /// How daemons are asked.
  [[nodiscard]] const ctl::HttpFlags& daemons() const noexcept { return daemons_; }
  /// Until when no journal is asked, since none has answered: a monotonic time.
  [[nodiscard]] std::atomic<std::int64_t>& no_journal_until_ms() noexcept {
    return no_journal_until_ms_;
  }
  /// For what takes its time, over a connection of its own.
  [[nodiscard]] const tool::Connection& connection() const noexcept { return reached_.connection; }
  [[nodiscard]] Feed& feed() noexcept { return *feed_; }
  [[nodiscard]] Audits& audits() noexcept { return *audits_; }
  [[nodiscard]] Submitter& submitter() noexcept { return *submitter_; }
  [[nodiscard]] Outcomes& outcomes() noexcept { return *outcomes_; }
  [[nodiscard]] Watcher& watcher() noexcept { return *watcher_; }

  /// Appends a record to control.state and waits until it is there, and until feed() has it. An
  /// empty value takes the key away.
  Result<void> write_state(const std::string& key, const std::string& value);
  /// The newest dead letters, as read at most limits::letters_ms ago.
  Result<std::shared_ptr<const Letters>> letters();
  /// Something was done about them: letters() reads again.
  void forget_letters();

 private:
  explicit Live(tool::Reached reached) : reached_(std::move(reached)) {}

  tool::Reached reached_;
  ctl::HttpFlags daemons_;
  std::atomic<std::int64_t> no_journal_until_ms_ = 0;
  std::mutex control_mutex_;  // one change at a time
  std::mutex letters_mutex_;
  std::shared_ptr<const Letters> letters_;
  std::int64_t letters_at_ms_ = 0;
  std::unique_ptr<Feed> feed_;
  std::unique_ptr<Audits> audits_;
  std::unique_ptr<Submitter> submitter_;
  std::unique_ptr<Outcomes> outcomes_;
  std::unique_ptr<Watcher> watcher_;  // last: it uses feed and audits
};

}  // namespace kpay::gateway
