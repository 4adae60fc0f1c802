#include "daemons/ctl/books_reader.h"

#include <set>
#include <unordered_map>

#include "base/hash.h"
#include "core/limits.h"
#include "daemons/ctl/letters.h"
#include "daemons/ctl/receiver.h"
#include "daemons/tool/sweep.h"
#include "stages/codecs.h"
#include "stages/specs.h"
#include "stream/changelog_reader.h"
#include "stream/topics.h"
#include "wire/codec.h"

namespace kpay::ctl {

namespace {

using AccountCodec = stages::RowCodec<stages::AccountKey, core::AccountRow>;
using Accounts = std::unordered_map<core::AccountId, core::AccountRow>;

constexpr std::uint16_t kAccountsTable = 0;  // the account stage's first
constexpr int kAgainMax = 20;                // changelogs are read first, and are short

// The state of one changelog partition, by the rule that every reader follows (R14).
class ChangelogState {
 public:
  ChangelogState(std::string name, bool keep_rows) : name_(std::move(name)), reader_(keep_rows) {}

  void feed(std::int64_t offset, ByteView record) {
    const stream::Verdict verdict = reader_.feed(offset, record);
    if (verdict == stream::Verdict::opened) {
      proven_ = proven_ || reader_.from_genesis();
    } else if (verdict == stream::Verdict::rejected) {
      faults_.push_back("changelog " + name_ + " at " + std::to_string(offset) + ": " +
                        reader_.reason());
    } else if (verdict == stream::Verdict::checkpoint && proven_) {
      apply(reader_.rows());
    } else if (verdict == stream::Verdict::checkpoint) {
      waiting_.emplace_back(reader_.marker().number, reader_.rows());
    } else if (verdict == stream::Verdict::base && !proven_) {
      begin_at_base();
    }
  }

  [[nodiscard]] bool proven() const noexcept { return proven_; }
  [[nodiscard]] const stream::ChangelogReader& reader() const noexcept { return reader_; }
  [[nodiscard]] const Accounts& accounts() const noexcept { return accounts_; }
  [[nodiscard]] const std::vector<std::string>& faults() const noexcept { return faults_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  void begin_at_base() {
    proven_ = true;
    apply(reader_.rows());
    for (const auto& [number, rows] : waiting_) {
      if (number > reader_.base().number) {
        apply(rows);
      }
    }
    waiting_.clear();
  }

  void apply(ByteView rows) {
    ByteReader in(rows);
    while (const std::optional<stream::RowView> row = stream::get_row(in)) {
      const std::optional<core::AccountId> id =
          row->table == kAccountsTable ? stages::AccountKey::decode_key(row->key) : std::nullopt;
      if (!id) {
        continue;
      }
      const std::optional<core::AccountRow> account =
          row->value ? AccountCodec::decode(*row->value) : std::nullopt;
      if (account) {
        accounts_[*id] = *account;
      } else {
        accounts_.erase(*id);
      }
    }
  }

  std::string name_;
  stream::ChangelogReader reader_;
  bool proven_ = false;
  std::vector<std::pair<std::uint64_t, Bytes>> waiting_;
  Accounts accounts_;
  std::vector<std::string> faults_;
};

// One run over everything. The ends are taken against the flow, so that whatever a marker or a
// result speaks of is within the ends of the topics before it.
class Verification {
 public:
  Verification(const tool::Reached& reached, std::function<void(const std::string&)> progress)
      : reached_(&reached), progress_(std::move(progress)) {}

  Result<VerifiedBooks> run() {
    if (Result<void> found = take_ends(); !found) {
      return Unexpected(found.error());
    }
    for (const auto& step : {&Verification::read_changelogs, &Verification::read_letters,
                             &Verification::read_commands, &Verification::read_inflight,
                             &Verification::read_complete, &Verification::read_results}) {
      if (Result<void> read = (this->*step)(); !read) {
        return Unexpected(read.error());
      }
    }
    check_counters();
    verified_.report = books_->close();
    return std::move(verified_);
  }

 private:
  Result<void> take_ends() {
    for (const std::string& topic :
         {changelog(stages::intake_spec()), changelog(stages::account_spec()),
          changelog(stages::confirmed_spec()), std::string(stream::kDeadLetterTopic),
          std::string(stages::kTopicConfirmed), std::string(stages::kTopicFailed),
          std::string(stages::kTopicComplete), std::string(stages::kTopicInflight),
          std::string(stages::kTopicIncoming)}) {
      Result<std::vector<stream::LogBounds>> bounds = reached_->bounds(topic);
      if (!bounds) {
        return Unexpected(bounds.error());
      }
      for (const stream::LogBounds& each : *bounds) {
        if (each.begin > 0 && !topic.starts_with("state.")) {
          return Unexpected(ErrorCode::conflict,
                            reached_->topic(topic) + "/" + std::to_string(begins_[topic].size()) +
                                " begins at offset " + std::to_string(each.begin) +
                                ", what was before is trimmed: the books can be recomputed from "
                                "whole topics only");
        }
        begins_[topic].push_back(each.begin);
        verified_.ends[topic].push_back(each.end);
      }
    }
    return {};
  }

  static std::string changelog(const stream::StageSpec& spec) { return spec.changelog(); }

  Result<void> sweep(const std::vector<std::string>& topics,
                     const std::function<void(std::size_t part, const stream::LogRecord&)>& taker) {
    std::vector<tool::SweepPart> parts;
    for (const std::string& topic : topics) {
      progress_("reading " + topic);
      for (std::size_t p = 0; p < verified_.ends[topic].size(); ++p) {
        parts.push_back({reached_->connection.topic(topic), static_cast<std::int32_t>(p),
                         begins_[topic][p], verified_.ends[topic][p]});
      }
    }
    Result<std::unique_ptr<tool::Sweep>> sweep =
        tool::Sweep::start(reached_->connection.client, std::move(parts));
    if (!sweep) {
      return Unexpected(sweep.error());
    }
    return (*sweep)->run([&](std::size_t part, const stream::LogRecord& record) {
      ++verified_.records;
      taker(part, record);
    });
  }

  Result<void> read_changelogs() {
    const std::vector<std::string> topics{changelog(stages::intake_spec()),
                                          changelog(stages::account_spec()),
                                          changelog(stages::confirmed_spec())};
    for (const std::string& topic : topics) {
      for (std::int32_t p = 0; p < reached_->partitions; ++p) {
        states_.emplace_back(topic + "/" + std::to_string(p), topic == topics[1]);
      }
    }
    Result<void> read = sweep(topics, [this](std::size_t part, const stream::LogRecord& record) {
      states_[part].feed(record.offset, record.value);
    });
    if (!read) {
      return read;
    }
    BooksCut cut;
    const auto partitions = static_cast<std::size_t>(reached_->partitions);
    std::vector<std::int64_t>* cuts[] = {&cut.intake, &cut.account, &cut.confirmed};
    for (std::size_t i = 0; i < states_.size(); ++i) {
      const ChangelogState& state = states_[i];
      if (!state.proven()) {
        return Unexpected(ErrorCode::corrupt,
                          "changelog " + state.name() + " has neither genesis nor a base");
      }
      lineage_ = state.reader().open().identity.lineage;
      cuts[i / partitions]->push_back(state.reader().marker().registers.position);
    }
    cut_ = cut;
    books_.emplace(std::move(cut));
    for (const ChangelogState& state : states_) {
      for (const std::string& fault : state.faults()) {
        books_->note(fault);
      }
      for (const auto& [id, row] : state.accounts()) {
        books_->take_account(id, row);
      }
    }
    return {};
  }

  // Which events were put aside, and which of them operators had applied later (R24). What a marker
  // covers has its dead letters and answers in the log (R15).
  Result<void> read_letters() {
    std::vector<Receiver> receivers(static_cast<std::size_t>(reached_->partitions));
    stream::Frame frame;
    return sweep({std::string(stream::kDeadLetterTopic)},
                 [&](std::size_t part, const stream::LogRecord& record) {
                   if (stream::read_frame(record.value, frame) && frame.lineage == lineage_) {
                     receivers[part].take(frame, [&](const stream::Frame::Item& item) {
                       take_letter(frame.sender.stage, item.payload);
                     });
                   }
                 });
  }

  void take_letter(std::uint16_t stage, ByteView payload) {
    if (const auto letter = stream::decode_dead_letter(payload)) {
      const stream::Origin& origin = letter->origin;
      dead_.insert({stage, origin.partition, {origin.offset, origin.index}});
    } else if (const auto answer = stream::decode_operator_answer(payload);
               answer && answer->verdict == stream::OperatorVerdict::done) {
      replayed_.insert({stage, answer->at.partition, {answer->at.offset, answer->at.index}});
      if (const auto* replay = std::get_if<stream::ReplayLetter>(&answer->record.what)) {
        applied_letters_.insert({stage, answer->at.partition, replay->letter});
      }
    }
  }

  // A dead letter that was never applied: the event was sent, and nothing follows from it.
  [[nodiscard]] bool put_aside(const LetterId& place) const {
    return dead_.count(place) > 0 && applied_letters_.count(place) == 0;
  }

  // The payload that a stage applied at this place of its input: none of a dead letter, and that of
  // the dead letter where an operator's record replays one. Nothing when it applied none.
  std::optional<ByteView> applied(const LetterId& place, ByteView payload, std::int64_t cut) {
    if (!stream::is_operator_record(payload)) {
      return dead_.count(place) == 0 ? std::optional(payload) : std::nullopt;
    }
    operator_record_ = stream::decode_operator_record(payload);
    const auto* replay = operator_record_ && operator_record_->stage == place.stage
                             ? std::get_if<stream::ReplayLetter>(&operator_record_->what)
                             : nullptr;
    const bool waits = place.key.offset >= cut;
    return replay != nullptr && (waits || replayed_.count(place) > 0)
               ? std::optional(ByteView(replay->bytes))
               : std::nullopt;
  }

  Result<void> read_commands() {
    wire::CommandCodec codec;
    core::Command command;
    return sweep({stages::kTopicIncoming}, [&](std::size_t part, const stream::LogRecord& record) {
      const auto partition = static_cast<std::int32_t>(part);
      const std::optional<ByteView> value = applied(
          {stages::kIntake, partition, {record.offset, 0}}, record.value, cut_.intake[part]);
      if (!value || value->size() > core::kEventBytesMax || stream::is_runtime_record(*value) ||
          codec.decode(*value, command) ||
          partition_of(core::key_of(command), reached_->partitions) != partition) {
        return;  // a tick, or a dead letter
      }
      books_->take_command(partition, record.offset, command);
    });
  }

  // Reads frames; each event that a receiver would apply goes to `taker`.
  Result<void> read_frames(const std::string& topic, std::uint16_t stage,
                           const std::vector<std::int64_t>& cut,
                           const std::function<void(std::int32_t partition, std::int64_t offset,
                                                    ByteView payload, bool put_aside)>& taker) {
    std::vector<Receiver>& receivers = receivers_[topic];
    receivers.resize(static_cast<std::size_t>(reached_->partitions));
    stream::Frame frame;
    Result<void> read = sweep({topic}, [&](std::size_t part, const stream::LogRecord& record) {
      if (!stream::read_frame(record.value, frame) || frame.lineage != lineage_ ||
          (frame.sender.stage != stages::kIntake && frame.sender.stage != stages::kAccount)) {
        return;  // a tick, or a dead letter
      }
      receivers[part].take(frame, [&](const stream::Frame::Item& item) {
        const auto index = static_cast<std::uint32_t>(&item - frame.events.data());
        const auto partition = static_cast<std::int32_t>(part);
        const LetterId place{stage, partition, {record.offset, index}};
        if (const auto payload = applied(place, item.payload, cut[part])) {
          taker(partition, record.offset, *payload, false);
        } else if (put_aside(place) && !stream::is_operator_record(item.payload)) {
          taker(partition, record.offset, item.payload, true);
        }
      });
    });
    for (std::size_t p = 0; p < receivers.size(); ++p) {
      verified_.repeated += receivers[p].repeated();
      if (!receivers[p].diverged().empty()) {
        books_->note(topic + "/" + std::to_string(p) + ": " + receivers[p].diverged());
      }
    }
    return read;
  }

  Result<void> read_inflight() {
    wire::InflightCodec codec;
    core::InflightEvent event;
    return read_frames(
        stages::kTopicInflight, stages::kAccount, cut_.account,
        [&](std::int32_t partition, std::int64_t offset, ByteView payload, bool put_aside) {
          if (!codec.decode(payload, event)) {
            books_->take_event(partition, offset, event, put_aside);
          }
        });
  }

  Result<void> read_complete() {
    wire::OutcomeCodec codec;
    core::Outcome outcome;
    return read_frames(
        stages::kTopicComplete, stages::kConfirmed, cut_.confirmed,
        [&](std::int32_t partition, std::int64_t offset, ByteView payload, bool put_aside) {
          if (!codec.decode(payload, outcome)) {
            books_->take_outcome(partition, offset, outcome, put_aside);
          }
        });
  }

  Result<void> read_results() {
    wire::ResultCodec codec;
    core::PaymentResult result;
    const std::vector<std::string> topics{stages::kTopicConfirmed, stages::kTopicFailed};
    numbers_.resize(topics.size() * static_cast<std::size_t>(reached_->partitions));
    return sweep(topics, [&](std::size_t part, const stream::LogRecord& record) {
      if (codec.decode(record.value, result)) {
        books_->note("a public result that can't be read, at offset " +
                     std::to_string(record.offset));
        return;
      }
      if (result.number <= numbers_[part]) {
        ++verified_.repeated;
        return;
      }
      if (result.number > numbers_[part] + 1) {
        books_->note("public results: number " + std::to_string(numbers_[part] + 1) +
                     " is missing before payment " + to_string(result.payment.value()));
      }
      numbers_[part] = result.number;
      books_->take_result(result);
    });
  }

  // What the accepted markers say was sent must be in the log, to the last event (R15).
  void check_counters() {
    const auto partitions = static_cast<std::size_t>(reached_->partitions);
    for (std::size_t i = 0; i < 2 * partitions; ++i) {
      const bool intake = i < partitions;
      const stream::SenderId sender{intake ? stages::kIntake : stages::kAccount,
                                    static_cast<std::int32_t>(i % partitions)};
      for (const auto& [output, sent] : states_[i].reader().marker().registers.outputs) {
        check_counter(sender, output.first, output.second, sent);
      }
    }
    for (std::size_t p = 0; p < partitions; ++p) {
      for (const auto& [output, sent] :
           states_[2 * partitions + p].reader().marker().registers.outputs) {
        if (output.first < 2 &&
            numbers_[output.first * partitions + static_cast<std::size_t>(output.second)] <
                sent.last) {
          books_->note("public results: the last numbers of partition " +
                       std::to_string(output.second) + " are missing");
        }
      }
    }
  }

  void check_counter(stream::SenderId sender, std::uint16_t output, std::int32_t partition,
                     const stream::Sequence& sent) {
    const char* topics[] = {stages::kTopicInflight, stages::kTopicComplete};
    if (output >= std::size(topics)) {
      return;  // dead letters
    }
    const auto& senders = receivers_[topics[output]][static_cast<std::size_t>(partition)].senders();
    const auto found = senders.find(sender);
    const stream::Sequence seen = found == senders.end() ? stream::Sequence{} : found->second;
    if (seen.last < sent.last || (seen.last == sent.last && seen.hash != sent.hash)) {
      books_->note(std::string(topics[output]) + "/" + std::to_string(partition) + ": sender " +
                   std::to_string(sender.stage) + "/" + std::to_string(sender.partition) +
                   " sent up to number " + std::to_string(sent.last) + ", the log has " +
                   std::to_string(seen.last));
    }
  }

  const tool::Reached* reached_;
  std::function<void(const std::string&)> progress_;
  std::map<std::string, std::vector<std::int64_t>> begins_;
  VerifiedBooks verified_;
  std::vector<ChangelogState> states_;
  Uuid lineage_;
  BooksCut cut_;
  std::set<LetterId> dead_;
  std::set<LetterId> replayed_;                            // places of operators' records
  std::set<LetterId> applied_letters_;                     // of those that were replays
  std::optional<stream::OperatorRecord> operator_record_;  // of the event in hand
  std::optional<Books> books_;
  std::map<std::string, std::vector<Receiver>> receivers_;
  std::vector<std::uint64_t> numbers_;  // of the last result, by topic and partition
};

}  // namespace

Result<VerifiedBooks> read_books(const tool::Reached& reached,
                                 const std::function<void(const std::string&)>& progress) {
  for (int again = 0;; ++again) {
    Result<VerifiedBooks> verified = Verification(reached, progress).run();
    // Its owner trimmed a changelog while it was read (R14). It comes from its new beginning, and
    // all the ends anew, because they are taken against the flow.
    if (verified || verified.error().code != ErrorCode::not_found || again == kAgainMax) {
      return verified;
    }
    progress("a changelog was trimmed meanwhile: once more");
  }
}

}  // namespace kpay::ctl
