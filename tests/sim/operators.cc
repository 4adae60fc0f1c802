#include "sim/operators.h"

#include <algorithm>

namespace kpay::sim {

namespace {

constexpr std::size_t kPeople = 4;
constexpr std::size_t kIntakePlace = stages::kIntake - 1U;

}  // namespace

Operators::Operators(World& world)
    : world_(&world), dice_(world.setting().seed, 7), left_(world.setting().orders) {
  for (std::size_t person = 0; person < kPeople && left_ > 0; ++person) {
    pens_.emplace_back(static_cast<std::uint8_t>(person + 1));
  }
  enrolled_.resize(static_cast<std::size_t>(world.setting().partitions));
  read_.resize(enrolled_.size());
}

std::int32_t Operators::some_partition() {
  return static_cast<std::int32_t>(dice_.index(enrolled_.size()));
}

// Letters are found where everybody finds them; an answer of a task stands there, too.
void Operators::read_letters() {
  const stream::TopicIndex dlq = world_->topics().index_of(stream::kDeadLetterTopic);
  stream::Frame frame;
  for (std::size_t p = 0; p < read_.size(); ++p) {
    const auto partition = static_cast<std::int32_t>(p);
    for (; read_[p] < world_->log().bounds(dlq, partition).end; ++read_[p]) {
      const stream::LogRecord record = *world_->log().read(dlq, partition, read_[p]).value();
      check(stream::read_frame(record.value, frame), "ops.dlq holds frames");
      for (const stream::Frame::Item& item : frame.events) {
        if (auto letter = stream::decode_dead_letter(item.payload)) {
          letters_.push_back(
              {{frame.sender.stage - 1U, frame.sender.partition}, std::move(*letter)});
        }
      }
    }
  }
}

stream::OperatorRecord Operators::record_for(const Place& place) {
  const stream::StageSpec& spec = world_->specs()[place.stage];
  const stream::OpenMarker& genesis = world_->chain(place).genesis();
  stream::OperatorRecord record;
  record.lineage = genesis.identity.lineage;
  record.topic_id = genesis.identity.topic_ids[0];
  record.stage = spec.number;
  record.partition = place.partition;
  ++ids_;
  record.id.bytes[0] = 0xCC;
  for (std::size_t i = 0; i < 8; ++i) {
    record.id.bytes[15 - i] = static_cast<std::uint8_t>(ids_ >> (8 * i));
  }
  record.author = "person " + std::to_string(ids_);
  record.reason = "because";
  return record;
}

decltype(stream::OperatorRecord::what) Operators::way_to_close(const Letter& letter) {
  const stream::LetterKey key{letter.letter.origin.offset, letter.letter.origin.index};
  Hash128 hash = letter.letter.bytes_hash;
  Bytes bytes = letter.letter.bytes;
  if (dice_.one_in(8)) {
    bytes.push_back(std::byte{1});
    hash = hash128(bytes);
  }
  switch (dice_.below(3)) {
    case 0: return stream::ReplayLetter{key, std::move(bytes)};
    case 1: return stream::DiscardLetter{key, hash};
    default: break;
  }
  if (letter.place.stage == kIntakePlace) {
    // What a client sent to the wrong partition; anything else is as dead there.
    const std::int32_t partition = some_partition();
    world_->append(world_->topics().index_of(stages::kTopicIncoming), partition, {},
                   letter.letter.bytes);
    return stream::MovedLetter{key, hash, partition};
  }
  return stream::MovedLetter{key, hash, 0};
}

void Operators::close_letter() {
  read_letters();
  if (letters_.empty()) {
    return;
  }
  const bool recent = dice_.one_in(2) && letters_.size() > 5;
  const Letter letter =
      recent ? letters_[letters_.size() - 1 - dice_.index(5)] : dice_.pick(letters_);
  for (std::uint64_t people = dice_.one_in(4) ? 2 : 1; people > 0; --people) {
    stream::OperatorRecord record = record_for(letter.place);
    record.what = way_to_close(letter);
    if (letter.letter.bytes.size() < stream::kDeadLetterBytesMax) {
      send(std::move(record), letter.place.stage == kIntakePlace && !dice_.one_in(10)
                                  ? letter.place.partition
                                  : some_partition());
    }
  }
}

// Everybody who reads that topic has to accept the sender, or would refuse it for good; the frame
// that diverges is put before the first of these records, see World::expect_accept().
void Operators::accept() {
  const std::string& topic = dice_.one_in(2) ? stages::kTopicInflight : stages::kTopicComplete;
  const std::int32_t partition = some_partition();
  const std::int32_t through = some_partition();
  std::vector<Place> readers;
  for (std::size_t stage = 0; stage < kStages; ++stage) {
    if (world_->specs()[stage].input == topic) {
      readers.push_back({stage, partition});
    }
  }
  const stream::SenderId sender{dice_.pick(world_->specs()[readers.front().stage].senders),
                                some_partition()};
  if (sender == stream::SenderId{stages::kIntake, through}) {
    return;  // it hands these records on
  }
  const stream::Sequence seen = world_->seen_of(readers.front(), sender);
  std::vector<stream::OperatorRecord> records;
  for (const Place& reader : readers) {
    records.push_back(record_for(reader));
    records.back().what = stream::AcceptSender{sender, seen};
  }
  world_->expect_accept(records, readers, sender, seen);
  for (stream::OperatorRecord& record : records) {
    send(std::move(record), through);
  }
}

void Operators::enrol() {
  const std::int32_t through = some_partition();
  const std::size_t person = dice_.index(pens_.size());
  stream::OperatorRecord record = record_for({kIntakePlace, through});
  record.what = stream::EnrolKey{pens_[person].key(), "person " + std::to_string(person)};
  send(std::move(record), through);
  std::vector<std::size_t>& known = enrolled_[static_cast<std::size_t>(through)];
  if (std::find(known.begin(), known.end(), person) == known.end()) {
    known.push_back(person);
  }
}

void Operators::revoke() {
  const std::int32_t through = some_partition();
  const std::size_t person = dice_.index(pens_.size());
  stream::OperatorRecord record = record_for({kIntakePlace, through});
  record.what = stream::RevokeKey{pens_[person].key()};
  send(std::move(record), through);
}

// Records that are nobody's, or another's.
void Operators::stray() {
  const Place place = dice_.pick(world_->places());
  stream::OperatorRecord record = record_for(place);
  record.what = stream::DiscardLetter{{0, 0}, {}};
  switch (dice_.below(4)) {
    case 0: record.lineage = {}; break;
    case 1: record.partition = 99; break;
    case 2: record.topic_id.bytes[3] ^= 1U; break;
    default: record.what = stream::EnrolKey{pens_[0].key(), "not intake's"}; break;
  }
  send(std::move(record), some_partition());
}

void Operators::sign(stream::OperatorRecord& record, std::int32_t through) {
  const std::vector<std::size_t>& known = enrolled_[static_cast<std::size_t>(through)];
  const Bytes bytes = encode(record);
  std::vector<std::size_t> people = known;
  std::size_t wanted = stream::signatures_wanted(record);
  switch (dice_.below(12)) {
    case 0: wanted = 0; break;
    case 1: --wanted; break;
    case 2: people.assign(kPeople, dice_.index(pens_.size())); break;  // one, more than once
    case 3: people = {0, 1, 2, 3}; break;                              // perhaps not enrolled
    default: break;
  }
  while (people.size() > wanted) {
    people.erase(people.begin() + static_cast<std::ptrdiff_t>(dice_.index(people.size())));
  }
  for (const std::size_t person : people) {
    record.signatures.push_back(
        {pens_[person].key(), pens_[person].sign(stream::signed_part(bytes))});
  }
  if (!record.signatures.empty() && dice_.one_in(16)) {
    record.signatures.back().signature[5] ^= std::byte{1};
  }
}

void Operators::append(std::int32_t through, const Bytes& bytes) {
  world_->append(world_->topics().index_of(stages::kTopicIncoming), through, {}, bytes);
  world_->coverage().count("operators_records");
}

void Operators::send(stream::OperatorRecord record, std::int32_t through) {
  sign(record, through);
  const Bytes bytes = encode(record);
  append(through, bytes);
  if (dice_.one_in(6)) {
    append(some_partition(), bytes);  // the answer was lost: once more, perhaps another way
  }
}

void Operators::act() {
  --left_;
  switch (dice_.below(16)) {
    case 0:
    case 1: enrol(); break;
    case 2: revoke(); break;
    case 3: stray(); break;
    case 4:
    case 5:
    case 6: accept(); break;
    default: close_letter(); break;
  }
}

}  // namespace kpay::sim
