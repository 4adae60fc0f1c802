// Reader: answers questions from the index's file while it is written: lists by page, one journey,
// an account's postings, statement and balance.
//
// Lists are read from an index, a page at a time, newest first; a cursor is the place of the last
// row, so pages stay right while rows come.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "query/journey.h"
#include "store/database.h"

namespace kpay::query {

struct PaymentFilter {
  std::string account{};  ///< payer or payee; empty: all
  std::optional<Status> status{};
  std::int64_t from_ms = 0;  ///< accepted at or after
  std::int64_t to_ms = 0;    ///< and before; 0: until now
  std::string cursor{};      ///< `next` of the page before
  std::size_t limit = 0;
};

struct PaymentPage {
  std::vector<Journey> payments;  ///< without hops
  std::string next;               ///< empty on the last page
};

/// A change of an account's balance.
struct Posting {
  std::int64_t posted_ms = 0;
  std::int64_t offset = 0;  ///< of its leg on payments.inflight
  std::uint32_t index = 0;
  std::string kind;  ///< opening, deposit, debit, credit, refund, carried
  std::int64_t delta_minor = 0;
  std::string balance_minor;  ///< after it: digits
  core::Currency currency;
  Uuid id;  ///< of its payment or account command
  std::string counterparty;
  std::string reference;
};

struct PostingFilter {
  std::string account{};  ///< as account_name() has it
  std::int64_t from_ms = 0;
  std::int64_t to_ms = 0;  ///< 0: until now
  std::string cursor{};
  std::size_t limit = 0;
  bool oldest_first = false;
};

struct PostingPage {
  std::vector<Posting> postings;
  std::string next;
};

/// A balance at a time. Empty digits: the account had no posting by then.
struct Balance {
  std::string minor;
  core::Currency currency;
  std::int64_t posted_ms = 0;  ///< of its last posting
};

/// Who ran a task when it sent a hop, and by which rules.
struct Runner {
  std::string instance;
  std::string build;
  std::uint32_t logic_version = 0;
  std::string rules_hash;
};

/// What a leg did to its account.
struct Effect {
  std::string account;
  std::string before_minor;
  std::string after_minor;
};

struct Told {
  Journey journey;
  std::vector<std::optional<Runner>> runners;  ///< of each hop
  std::vector<std::optional<Effect>> effects;  ///< of each hop
};

/// Threads: any; limits::readers questions at a time, others wait.
class Reader {
 public:
  explicit Reader(std::string path) : path_(std::move(path)) {}
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  /// Errors of all: invalid (a cursor that is none), unavailable (no file yet), io, corrupt.
  Result<PaymentPage> payments(const PaymentFilter& filter);
  Result<std::optional<Told>> journey(const Uuid& id);
  Result<PostingPage> postings(const PostingFilter& filter);
  /// After the last posting before `before_ms`.
  Result<Balance> balance(const std::string& account, std::int64_t before_ms);
  /// True when the index has any posting of the account.
  Result<bool> knows(const std::string& account);

 private:
  class Lease;
  Result<std::unique_ptr<store::Database>> take();
  void give(std::unique_ptr<store::Database> database);

  std::string path_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<store::Database>> idle_;
  std::size_t out_ = 0;
};

/// A leased connection, given back at the end of the block.
class Reader::Lease {
 public:
  explicit Lease(Reader& reader) : reader_(&reader), database_(reader.take()) {}
  ~Lease() { reader_->give(database_ ? std::move(*database_) : nullptr); }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  [[nodiscard]] const Result<std::unique_ptr<store::Database>>& get() const { return database_; }
  store::Database* operator->() { return database_->get(); }

 private:
  Reader* reader_;
  Result<std::unique_ptr<store::Database>> database_;
};

}  // namespace kpay::query
