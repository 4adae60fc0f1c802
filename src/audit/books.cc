#include "audit/books.h"

#include "audit/witness.h"
#include "core/limits.h"
#include "stages/codecs.h"
#include "stream/changelog.h"

namespace kpay::audit {

namespace {

using RowCodec = stages::RowCodec<stages::AccountKey, core::AccountRow>;

constexpr std::uint16_t kAccountsTable = 0;  // the account stage's first

}  // namespace

void Books::promise(const Entry& entry) {
  CurrencyBooks& books = of(entry.currency);
  books.balances += entry.delta;
  if (entry.kind == EntryKind::open) {
    books.opened.add(entry.minor);
  } else if (entry.kind == EntryKind::deposit) {
    books.deposits.add(entry.minor);
  }
}

// R25: a refund that its account can't take goes to the partition's suspense account.
Books::Accounts::value_type& Books::account_for(Partition& partition, const Entry& entry) {
  core::AccountId id = entry.account;
  if (entry.kind == EntryKind::refund) {
    const auto found = partition.accounts.find(id);
    const bool takes_it =
        found != partition.accounts.end() && found->second.opened &&
        found->second.currency == entry.currency &&
        found->second.balance + core::Sum(entry.delta) <= core::Sum(core::kBalanceMax);
    if (!takes_it) {
      id = core::AccountId::suspense(entry.currency);
      of(entry.currency).suspense += entry.delta;
    }
  }
  Accounts::value_type& found = *partition.accounts.try_emplace(id).first;
  if (!found.second.touched) {
    found.second.touched = true;
    partition.touched.push_back(id);
  }
  return found;
}

void Books::post(const Place& place, const Entry& entry) {
  auto& [id, account] = account_for(accounts_[static_cast<std::size_t>(place.partition)], entry);
  if (entry.kind == EntryKind::open) {
    if (account.opened) {
      findings_->add({FindingKind::second, place, entry.id, "an account is opened once",
                      "a second " + describe(entry)});
    }
    account.opened = true;
  }
  if (entry.kind == EntryKind::open || !account.opened) {
    account.currency = entry.currency;
  }
  account.balance += entry.delta;
  if (witness_ != nullptr) {
    witness_->posted(place, entry, id, account.balance);
  }
  if (account.balance < core::Sum{}) {
    findings_->add({FindingKind::overdraft, place, entry.id, "a balance that isn't below zero",
                    describe(entry) + " leaves " + to_string(account.balance)});
  }
}

void Books::tell_balances() const {
  for (std::size_t p = 0; p < accounts_.size(); ++p) {
    for (const auto& [id, account] : accounts_[p].accounts) {
      witness_->carried(static_cast<std::int32_t>(p), id, account.currency, account.balance);
    }
  }
}

void Books::compare_row(Partition& partition, const core::AccountId& id,
                        const core::AccountRow& row, const Place& marker) {
  Account& account = partition.accounts[id];
  account.touched = false;
  if (account.balance == row.balance) {
    return;
  }
  findings_->add({FindingKind::balance,
                  marker,
                  {},
                  "account " + std::string(id.text()) + " has " + to_string(account.balance) +
                      " (minor units) by its postings",
                  "its row has " + to_string(row.balance)});
  // From here on what the row says, so that one defect is one finding; the sum stays wrong.
  core::Sum difference = row.balance;
  difference -= account.balance;
  of(row.currency).balances += difference;
  account.balance = row.balance;
}

void Books::compare(std::int32_t number, ByteView rows, bool whole, const Place& marker) {
  Partition& partition = accounts_[static_cast<std::size_t>(number)];
  ByteReader in(rows);
  while (const std::optional<stream::RowView> row = stream::get_row(in)) {
    const std::optional<core::AccountId> id =
        row->table == kAccountsTable ? stages::AccountKey::decode_key(row->key) : std::nullopt;
    const std::optional<core::AccountRow> account =
        id && row->value ? RowCodec::decode(*row->value) : std::nullopt;
    if (account) {
      compare_row(partition, *id, *account, marker);
    } else if (id) {
      findings_->add({FindingKind::balance,
                      marker,
                      {},
                      "a row of account " + std::string(id->text()),
                      "none, or one that can't be read"});
    }
  }
  for (const core::AccountId& id : partition.touched) {
    Account& account = partition.accounts[id];
    if (account.touched && whole) {
      findings_->add({FindingKind::balance,
                      marker,
                      {},
                      "a row of account " + std::string(id.text()) + ", which was posted to",
                      "the checkpoint has none"});
    }
    account.touched = false;
  }
  partition.touched.clear();
}

std::size_t Books::accounts() const noexcept {
  std::size_t count = 0;
  for (const Partition& partition : accounts_) {
    count += partition.accounts.size();
  }
  return count;
}

}  // namespace kpay::audit
