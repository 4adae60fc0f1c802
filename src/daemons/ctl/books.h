// Books: recomputes from events what every payment and account must have come to.
//
// An auditor's second opinion: it takes the events of the topics and the balances of the account
// changelog, and uses none of the decisions that made them. What a stage has processed is known by
// its accepted markers: an event before its position must have had its consequence (R15), one
// after it may still be waiting. Events come topic by topic: commands, then inflight events, then
// outcomes, then results; each partition in order, repeats already dropped.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/commands.h"
#include "core/legs.h"
#include "core/outcomes.h"
#include "core/rows.h"
#include "core/sum.h"

namespace kpay::ctl {

/// The next input offset of each partition, by the last accepted marker of the stage.
struct BooksCut {
  std::vector<std::int64_t> intake;     ///< on payments.incoming
  std::vector<std::int64_t> account;    ///< on payments.inflight
  std::vector<std::int64_t> confirmed;  ///< on payments.complete
};

/// The statement of one currency.
struct CurrencyBooks {
  core::Tally accepted;  ///< submitted and not rejected
  core::Tally refused;   ///< of those: failed before any money moved
  core::Tally completed;
  core::Tally failed;     ///< after a debit leg had been sent
  core::Tally in_flight;  ///< accepted, without an end yet
  core::Tally confirmed_results;
  core::Tally failed_results;
  std::uint64_t rejected = 0;  ///< ids whose command was rejected
  std::uint64_t accounts = 0;
  core::Sum opening;
  core::Sum deposits;
  core::Sum computed;  ///< balances as recomputed
  core::Sum balances;  ///< balances of the changelog, suspense too
  core::Sum suspense;
  core::Sum in_transit;  ///< debited, and neither credited nor refunded at the cut

  /// balances + in_transit = opening + deposits.
  [[nodiscard]] bool conserved() const noexcept {
    return balances + in_transit == opening + deposits;
  }
};

struct BooksReport {
  std::map<std::string, CurrencyBooks> currencies;
  std::uint64_t differences = 0;
  std::vector<std::string> first;     ///< the first kDifferencesKept of them, in words
  std::uint64_t waiting = 0;          ///< commands that intake has not processed
  std::uint64_t in_flight = 0;        ///< payments without an end
  std::uint64_t unprocessed = 0;      ///< legs and account commands after the cut
  std::uint64_t pending_results = 0;  ///< outcomes that have no public result yet
  std::uint64_t put_aside = 0;        ///< payments and commands of which an event is a dead letter

  [[nodiscard]] bool idle() const noexcept {
    return waiting + in_flight + unprocessed + pending_results == 0;
  }
  [[nodiscard]] bool right() const noexcept;
};

inline constexpr std::size_t kDifferencesKept = 20;

/// Threads: one.
class Books {
 public:
  explicit Books(BooksCut cut) : cut_(std::move(cut)) {}

  void take_command(std::int32_t partition, std::int64_t offset, const core::Command& command);
  /// What was put aside (a dead letter that no operator's record has had applied, R24) is told with
  /// `put_aside`: it was sent, nothing follows from it, and its money stays in transit.
  void take_event(std::int32_t partition, std::int64_t offset, const core::InflightEvent& event,
                  bool put_aside = false);
  void take_outcome(std::int32_t partition, std::int64_t offset, const core::Outcome& outcome,
                    bool put_aside = false);
  void take_result(const core::PaymentResult& result);
  /// A row of the account changelog's accounts.
  void take_account(const core::AccountId& id, const core::AccountRow& row);
  /// Something that another reader found, as a hole in a sender's numbers.
  void note(std::string difference);

  /// Compares everything with everything. Call it once, at the end.
  [[nodiscard]] BooksReport close();

 private:
  struct Payment {
    std::int64_t minor = 0;
    std::uint32_t from = 0;
    std::uint32_t to = 0;
    std::uint16_t currency = 0;
    std::uint32_t facts = 0;
    std::uint32_t aside = 0;  // of these facts: put aside
  };
  struct Account {
    core::AccountId id;
    core::Sum opening;
    core::Sum deposits;
    core::Sum balance;
    bool opened = false;
    bool stored = false;
    core::AccountRow row;
  };
  struct AccountCommand {
    core::CommandKind kind = core::CommandKind::open_account;
    std::uint32_t account = 0;
    core::Money amount;
    bool sent = false;
    bool processed = false;
    bool aside = false;
    bool ended = false;
    bool done = false;
  };

  [[nodiscard]] static bool before(const std::vector<std::int64_t>& cut, std::int32_t partition,
                                   std::int64_t offset) noexcept;
  std::uint32_t account_place(const core::AccountId& id);
  std::uint16_t currency_place(core::Currency currency);
  bool same_content(const Payment& payment, const core::Transfer& transfer) const;
  void set_content(Payment& payment, const core::Transfer& transfer);
  enum class Stand : std::uint8_t { waiting, processed, aside };
  void take_leg(const core::Transfer& transfer, std::uint32_t fact, Stand stand);
  void take_account_command(const Uuid& id, core::CommandKind kind, const core::AccountId& account,
                            const core::Money& amount, Stand stand);
  void fact(const Uuid& id, Payment& payment, std::uint32_t fact, Stand stand);
  void close_payment(const Uuid& id, const Payment& payment, BooksReport& report);
  void check_payment(const Uuid& id, const Payment& payment);
  void post(const Payment& payment, CurrencyBooks& books);
  void close_command(const Uuid& id, const AccountCommand& command, BooksReport& report);
  void close_accounts(BooksReport& report);

  BooksCut cut_;
  std::unordered_map<Uuid, Payment> payments_;
  std::unordered_map<Uuid, AccountCommand> commands_;
  std::unordered_map<core::AccountId, std::uint32_t> places_;
  std::vector<Account> accounts_;
  std::vector<core::Currency> currencies_;
  std::uint64_t differences_ = 0;
  std::vector<std::string> first_;
};

}  // namespace kpay::ctl
