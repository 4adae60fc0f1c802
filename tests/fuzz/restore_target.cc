// A whole changelog: what counts of it, and the state that it leads to.
//
// The input is a program that appends records, right ones and nearly right ones: random bytes
// would never get beyond the first checksum. Two readers must agree on every record, the restored
// state must be what was written, and starting at an accepted base must lead to the same state.
#include <algorithm>
#include <map>
#include <memory>

#include "base/check.h"
#include "fuzz/target.h"
#include "stages/specs.h"
#include "stream/restorer.h"

namespace kpay::fuzz {

namespace {

using stream::OpenMarker;
using stream::Verdict;

constexpr std::uint16_t kTable = 4;      // expiry_ends of settle: a number and its row
constexpr std::size_t kValueBytes = 17;  // version, head, tail
constexpr std::size_t kRecordsMax = 512;

using Rows = std::map<Bytes, Bytes>;

// The tables of one task.
class Tables {
 public:
  Tables() : stage_(stages::settle_spec().make(0, 1)) {
    std::uint16_t number = 0;
    for (stream::TableBase* table : all()) {
      table->set_number(number++);
    }
  }
  [[nodiscard]] std::span<stream::TableBase* const> all() const { return stage_->tables(); }
  [[nodiscard]] Hash128 sum() const {
    Hash128 sum;
    for (const stream::TableBase* table : all()) {
      sum += table->sum();
    }
    return sum;
  }
  [[nodiscard]] Hash128 sum_of(const Rows& rows) const {
    Hash128 sum;
    for (const auto& [key, value] : rows) {
      sum += all()[kTable]->row_hash(key, value);
    }
    return sum;
  }

 private:
  std::unique_ptr<stream::Stage> stage_;
};

// Appends what an owner would, altered where a step says so.
class Owner {
 public:
  Bytes open(OpenMarker::Kind kind, std::uint8_t alter) const {
    OpenMarker marker;
    marker.kind = kind;
    marker.identity.partitions = 1;
    marker.identity.lineage.bytes[0] = static_cast<std::uint8_t>(alter & 1U);
    marker.previous_epoch = epoch_ + ((alter & 2U) != 0 ? 1 : 0);
    return encode(marker);
  }

  Bytes rows(ByteReader& in, std::uint8_t alter) {
    Bytes body;
    ByteWriter out(body);
    std::uint32_t count = 0;
    Rows state = state_;
    for (unsigned left = in.get<std::uint8_t>() % 4U; left > 0 && in.left() > 0; --left) {
      Bytes key(sizeof(std::uint64_t));
      key.back() = static_cast<std::byte>(in.get<std::uint8_t>());
      Bytes value(kValueBytes);
      value.front() = std::byte{1};
      value.back() = static_cast<std::byte>(in.get<std::uint8_t>());
      const bool is_deletion = (key.back() & std::byte{1}) != std::byte{0};
      stream::put_row(out, kTable, key,
                      is_deletion ? std::nullopt : std::optional(ByteView(value)));
      is_deletion ? void(state.erase(key)) : void(state[key] = value);
      ++count;
    }
    // Under another epoch or number they are nobody's: this owner's state is without them.
    Pending nobodys;
    const bool are_ours = (alter & 3U) == 0;
    state_ = are_ours ? std::move(state) : state_;
    return framed(false, number_ + 1, body, count, alter, are_ours ? checkpoint_ : nobodys);
  }

  Bytes marker(std::uint8_t alter, const Tables& tables) {
    stream::Marker marker;
    marker.epoch = epoch_ - ((alter & 1U) != 0 ? 1 : 0);
    marker.number = number_ + ((alter & 2U) != 0 ? 2 : 1);
    marker.rows = checkpoint_.rows + ((alter & 4U) != 0 ? 1U : 0U);
    marker.rows_digest = (alter & 8U) != 0 ? Hash128{1, 1} : checkpoint_.digest;
    marker.previous_digest = (alter & 16U) != 0 ? Hash128{1, 1} : digest_;
    marker.clean = (alter & 32U) != 0;
    marker.registers.position = static_cast<std::int64_t>(number_);
    marker.state_hash = state_hash(tables.sum_of(state_), marker.registers);
    if (marker.epoch == epoch_) {  // else it is nobody's, and the rows wait for their own
      checkpoint_ = {};
    }
    return encode(marker);
  }

  Bytes base_rows(std::uint8_t alter) {
    Bytes body;
    ByteWriter out(body);
    for (const auto& [key, value] : first_rows_) {
      stream::put_row(out, kTable, key, ByteView(value));
    }
    return framed(true, first_.number, body, static_cast<std::uint32_t>(first_rows_.size()), alter,
                  base_);
  }

  Bytes base(std::uint8_t alter) {
    stream::BaseMarker marker;
    marker.epoch = epoch_ - ((alter & 1U) != 0 ? 1 : 0);
    marker.number = first_.number + ((alter & 2U) != 0 ? 1 : 0);
    marker.rows = base_.rows + ((alter & 4U) != 0 ? 1U : 0U);
    marker.rows_digest = base_.digest;
    base_is_whole_ = first_rows_.empty() || base_.rows > 0;
    marker.state_hash = (alter & 8U) != 0 ? Hash128{1, 1} : first_.state_hash;
    base_ = {};
    return encode(marker);
  }

  // What became of the record: a new owner goes on from what counts.
  void opened(std::int64_t offset) {
    epoch_ = offset;
    state_ = accepted_;
    checkpoint_ = {};
    base_ = {};
    first_ = {};
  }
  void accepted(const stream::Marker& marker) {
    number_ = marker.number;
    digest_ = marker.digest();
    accepted_ = state_;
    if (first_.number == 0) {
      first_ = marker;
      first_rows_ = state_;
    }
  }
  [[nodiscard]] const Rows& accepted_rows() const noexcept { return accepted_; }
  /// Whether the last base() closed the rows that it stands for.
  [[nodiscard]] bool base_is_whole() const noexcept { return base_is_whole_; }

 private:
  struct Pending {
    std::uint32_t rows = 0;
    Hash128 digest;
  };

  Bytes framed(bool base, std::uint64_t number, ByteView body, std::uint32_t count,
               std::uint8_t alter, Pending& pending) const {
    stream::RowFrame frame;
    frame.base = base;
    frame.epoch = epoch_ - ((alter & 1U) != 0 ? 1 : 0);
    frame.number = number + ((alter & 2U) != 0 ? 1 : 0);
    frame.rows = count + ((alter & 4U) != 0 ? 1U : 0U);
    frame.body = body;
    pending.rows += count;
    pending.digest = chain(pending.digest, body);
    return encode(frame);
  }

  std::int64_t epoch_ = -1;
  std::uint64_t number_ = 0;
  Hash128 digest_;
  Rows state_;
  Rows accepted_;
  Pending checkpoint_;
  Pending base_;
  bool base_is_whole_ = false;
  stream::Marker first_;  // of this epoch
  Rows first_rows_;
};

Bytes next_record(Owner& owner, const Tables& tables, ByteReader& in) {
  using Kind = OpenMarker::Kind;
  const auto step = in.get<std::uint8_t>();
  // Most steps alter nothing, so that long right logs are common.
  const std::uint8_t alter = (step & 0x80U) != 0 ? in.get<std::uint8_t>() : std::uint8_t{0};
  switch (step % 8U) {
    case 0: return owner.open(Kind::genesis, alter);
    case 1: return owner.open(Kind::takeover, alter);
    case 2: return owner.open(Kind::renewal, alter);
    case 3: return owner.rows(in, alter);
    case 4: return owner.base_rows(alter);
    case 5: return owner.marker(alter, tables);
    case 6: return owner.base(alter);
    default: return to_bytes(in.raw(std::min<std::size_t>(in.left(), alter)));
  }
}

void check_verdict(const stream::ChangelogReader& reader, Verdict verdict, std::int64_t offset,
                   std::uint64_t number_before) {
  const bool counts = verdict != Verdict::ignored && verdict != Verdict::rejected;
  check(reader.reason().empty() == counts, "what doesn't count has a reason");
  check(reader.epoch() <= offset, "an epoch is the offset of a record that was read");
  check(verdict != Verdict::opened || reader.epoch() == offset, "an open marker begins an epoch");
  if (verdict == Verdict::checkpoint) {
    check(number_before == 0 || reader.marker().number == number_before + 1,
          "accepted markers have no gaps");
    check(reader.marker().epoch == reader.epoch(), "accepted markers are of the current epoch");
  }
}

// Reading from an accepted base leads to the state that reading everything leads to.
void check_from(std::size_t start, const std::vector<Bytes>& records, const stream::Restorer& whole,
                const Hash128& sum) {
  const Tables tables;
  stream::Restorer restorer(tables.all(), std::nullopt);
  for (std::size_t at = start; at < records.size(); ++at) {
    const Result<Verdict> fed = restorer.feed(static_cast<std::int64_t>(at), records[at]);
    check(fed.has_value(), "a log can be read from its accepted base");
  }
  check(restorer.proven() && restorer.marker().number == whole.marker().number,
        "reading from a base ends at the same marker");
  check(tables.sum() == sum, "reading from a base ends in the same state");
}

}  // namespace

void run_restore(ByteView input) {
  const Tables tables;
  Owner owner;
  stream::ChangelogReader hashing(false);
  stream::Restorer restorer(tables.all(), std::nullopt);
  std::vector<Bytes> records;
  std::optional<std::int64_t> base_at;
  std::optional<std::int64_t>
      hollow_at;  // the epoch of a base without its rows: no task writes one
  ByteReader in(input);
  while (in.left() > 0 && records.size() < kRecordsMax) {
    const auto offset = static_cast<std::int64_t>(records.size());
    records.push_back(next_record(owner, tables, in));
    const std::uint64_t number = hashing.marker().number;
    const Verdict verdict = hashing.feed(offset, records.back());
    check_verdict(hashing, verdict, offset, number);
    const Result<Verdict> restored = restorer.feed(offset, records.back());
    if (!restored) {
      check(!restored.error().message.empty(), "an error says what is wrong");
      return;
    }
    check(*restored == verdict, "keeping rows doesn't change what counts");
    if (verdict == Verdict::opened) {
      owner.opened(offset);
    } else if (verdict == Verdict::checkpoint) {
      owner.accepted(hashing.marker());
    } else if (verdict == Verdict::base) {
      const std::int64_t epoch = hashing.base().epoch;
      hollow_at = owner.base_is_whole() ? hollow_at : epoch;
      base_at = epoch == hollow_at ? std::nullopt : std::optional(epoch);
    }
    if (restorer.proven() && hashing.from_genesis()) {
      check(tables.sum() == tables.sum_of(owner.accepted_rows()),
            "the restored state is what was written and accepted");
    }
  }
  if (base_at && restorer.proven()) {
    check_from(static_cast<std::size_t>(*base_at), records, restorer, tables.sum());
  }
}

}  // namespace kpay::fuzz
