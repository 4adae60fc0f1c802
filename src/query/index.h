// Index: payments, account commands, postings and owners of tasks in one SQLite file, as the
// auditor sees them (audit/witness.h), so that they can be looked up, listed and summed.
//
// The file is a copy: deleted, it is built again from the log, with the same rows. Each batch is
// one transaction with the place up to which it goes in each partition; what comes again after a
// restart is known by that and skipped. docs/query.md has the tables.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "query/batch.h"
#include "query/change.h"
#include "query/journey.h"
#include "store/database.h"
#include "wire/codec.h"

namespace kpay::query {

struct IndexOptions {
  std::string path;
  std::int32_t partitions = 0;
  std::array<Uuid, 3> input_ids{};  ///< of payments.incoming, .inflight and .complete
  std::int64_t keep_ms = 0;         ///< older payments and postings are deleted; 0: never
  /// Called with the changes of each batch, of each partition in their order, before they are
  /// written: perhaps again after a crash. Its error is write()'s. May be empty.
  std::function<Result<void>(const std::vector<Change>&)> changes{};
};

struct IndexCounts {
  std::uint64_t events = 0;    ///< taken, without those that were known
  std::uint64_t skipped = 0;   ///< known already
  std::uint64_t journeys = 0;  ///< rows written, new and changed
  std::uint64_t postings = 0;
  std::uint64_t expired = 0;  ///< journeys that were too old
};

/// Threads: one, but for path().
class Index {
 public:
  /// A file of other topics, of another layout or a damaged one is set aside, and aside() names it.
  /// Errors: conflict (another process has it), io.
  static Result<std::unique_ptr<Index>> open(IndexOptions options);
  /// What came before isn't here and won't be: an auditor that doesn't read it again tells what
  /// every account has. REQUIRES: fresh.
  Result<void> begin_at(std::int64_t ms);

  /// One transaction. After an error the file is as before, and nothing more may be written: open
  /// it again.
  Result<void> write(std::span<const Batch> batches);

  [[nodiscard]] const std::string& path() const noexcept { return options_.path; }
  [[nodiscard]] const std::string& aside() const noexcept { return aside_; }
  [[nodiscard]] const IndexCounts& counts() const noexcept { return counts_; }
  [[nodiscard]] std::int64_t as_of_ms() const noexcept { return as_of_ms_; }
  /// What is older was deleted, or never was here; 0: everything is.
  [[nodiscard]] std::int64_t kept_from_ms() const noexcept { return kept_from_ms_; }
  /// True when nothing was in the file that open() found, or made.
  [[nodiscard]] bool fresh() const noexcept { return fresh_; }
  /// Everything is here that an auditor has told which was to read these offsets next.
  [[nodiscard]] bool reaches(const audit::Offsets& next) const;

 private:
  /// A journey in memory: what it is now, and what of it the file has.
  struct Open {
    Journey journey;
    bool dirty = false;
    bool stored = false;
    Status status = Status::submitted;  // as stored, with the accounts
    core::AccountId from;
    core::AccountId to;
  };
  struct Position {
    std::int64_t offset = -1;
    std::uint32_t index = 0;
    std::int64_t ms = 0;
    bool dirty = false;
  };
  struct Old {
    Uuid id;
    std::string from;
    std::string to;
    std::int64_t accepted_ms = 0;
  };
  /// Streams of positions: the event topics by their number, and the postings.
  static constexpr std::size_t kPosted = audit::kEventTopics;
  static constexpr std::size_t kStreams = audit::kEventTopics + 1;

  explicit Index(IndexOptions options);

  // The file (index_file.cc)
  Result<void> open_file();
  Result<bool> is_ours();
  Result<void> load();
  Result<void> prepare();
  Result<bool> load_journey(const Uuid& id, Open& open);
  Result<void> write_journeys();
  Result<void> write_journey(Open& open);
  Result<void> write_touches(const Open& open);
  Result<void> write_postings();
  Result<void> write_positions();
  Result<void> set(std::string_view name, std::string_view value);
  Result<void> commit(std::span<const Batch> batches);

  // What is too old (index_expiry.cc)
  Result<void> expire(std::size_t batches);
  Result<std::vector<Old>> old(std::int64_t kind, std::int64_t horizon_ms, std::int64_t count);
  Result<void> expire_one(const Old& old, std::int64_t horizon_ms);

  // What comes (index.cc)
  Result<void> take(const Batch& batch, const Item& item);
  Result<void> take_command(const Item& item, ByteView payload);
  Result<void> take_leg(const Item& item, ByteView payload);
  Result<void> take_outcome(const Item& item, ByteView payload);
  Result<void> take_letter(const Item& item, ByteView payload);
  Result<void> take_result(const Item& item, ByteView payload);
  void take_posting(const Item& item);
  Result<void> take_owner(const Item& item, ByteView payload);
  [[nodiscard]] bool is_known(std::size_t stream, const audit::Place& place, Timestamp at);
  Result<Open*> journey(const Uuid& id);
  void take_balance(const Item& item);

  IndexOptions options_;
  std::string aside_;
  bool fresh_ = true;
  std::unique_ptr<store::Database> database_;
  store::Statement find_;
  store::Statement put_journey_;
  store::Statement put_touch_;
  store::Statement drop_touch_;
  store::Statement put_posting_;
  store::Statement put_position_;
  store::Statement put_owner_;
  store::Statement put_meta_;
  store::Statement old_;
  store::Statement drop_journey_;
  store::Statement drop_postings_;
  std::unordered_map<Uuid, Open> open_;
  std::vector<Change> postings_;
  std::array<std::vector<Position>, kStreams> positions_;
  audit::Offsets cut_;
  IndexCounts counts_;
  std::int64_t as_of_ms_ = 0;
  std::int64_t kept_from_ms_ = 0;
  wire::CommandCodec commands_;
  wire::InflightCodec inflight_;
  wire::OutcomeCodec outcomes_;
  wire::ResultCodec results_;
  core::Command command_;
  core::InflightEvent leg_;
  core::Outcome outcome_;
  core::PaymentResult result_;
};

}  // namespace kpay::query
