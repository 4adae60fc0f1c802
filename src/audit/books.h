// Books: what every account has and where the rest of the money is, per currency, from events
// alone; compared with the rows that the account tasks checkpoint.
#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "audit/entry.h"
#include "audit/finding.h"
#include "core/rows.h"
#include "core/sum.h"

namespace kpay::audit {

/// The statement of one currency at the auditor's cut.
struct CurrencyBooks {
  core::Tally opened;  ///< accounts, with their opening balances
  core::Tally deposits;
  core::Sum balances;        ///< of all accounts, suspense too
  core::Tally between;       ///< credit and refund legs that wait: on no account
  core::Tally dead_letters;  ///< such legs that are open dead letters (R24)
  core::Tally discarded;     ///< such legs that operators have closed without applying them
  core::Tally accepted;      ///< debit legs that intake sent
  core::Tally completed;
  core::Tally failed;    ///< after a debit leg had been sent
  core::Tally refunded;  ///< of those: the money had been debited
  core::Tally refused;   ///< failed at intake, no money moved
  core::Sum suspense;    ///< of balances

  void keep(auto& io) {
    io(opened, deposits, balances, between, dead_letters, discarded, accepted, completed, failed,
       refunded, refused, suspense);
  }
  [[nodiscard]] core::Sum inside() const noexcept {
    return balances + between.value + dead_letters.value + discarded.value;
  }
  [[nodiscard]] core::Sum outside() const noexcept { return opened.value + deposits.value; }
  /// What came in is what is there.
  [[nodiscard]] bool conserved() const noexcept { return inside() == outside(); }
};

class Witness;

/// Threads: one.
class Books {
 public:
  Books(std::int32_t partitions, Findings& findings)
      : findings_(&findings), accounts_(static_cast<std::size_t>(partitions)) {}

  /// Tells each posting from now on; to nobody, if null.
  void tell(Witness* witness) noexcept { witness_ = witness; }
  /// Tells what every account has. REQUIRES: somebody to tell it to.
  void tell_balances() const;
  void keep(auto& io) { io(currencies_, accounts_); }

  [[nodiscard]] CurrencyBooks& of(core::Currency currency) { return currencies_[currency]; }
  [[nodiscard]] const std::map<core::Currency, CurrencyBooks>& currencies() const noexcept {
    return currencies_;
  }

  /// A posting is known: its money is where it belongs from now on.
  void promise(const Entry& entry);
  /// A posting is made. REQUIRES: promised; in the order of the task's input.
  void post(const Place& place, const Entry& entry);

  /// The account rows of a checkpoint at whose position all postings are made. With `whole`, every
  /// account that was posted to since the checkpoint before has to have one.
  void compare(std::int32_t partition, ByteView rows, bool whole, const Place& marker);
  [[nodiscard]] std::size_t accounts() const noexcept;

 private:
  struct Account {
    core::Currency currency;
    bool opened = false;
    bool touched = false;  ///< posted to since the last comparison
    core::Sum balance;

    void keep(auto& io) { io(currency, opened, touched, balance); }
  };
  using Accounts = std::unordered_map<core::AccountId, Account>;
  struct Partition {
    Accounts accounts;
    std::vector<core::AccountId> touched;

    void keep(auto& io) { io(accounts, touched); }
  };

  Accounts::value_type& account_for(Partition& partition, const Entry& entry);
  void compare_row(Partition& partition, const core::AccountId& id, const core::AccountRow& row,
                   const Place& marker);

  Findings* findings_;
  Witness* witness_ = nullptr;
  std::map<core::Currency, CurrencyBooks> currencies_;
  std::vector<Partition> accounts_;
};

}  // namespace kpay::audit
