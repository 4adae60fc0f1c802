// World: what operators ask of tasks, and the frames that they have to be asked about.
#include <algorithm>

#include "sim/world.h"
#include "stream/operator_record.h"

namespace kpay::sim {

namespace {

std::string refusal_text(const stream::SenderId& sender, std::uint64_t number) {
  return "stage " + std::to_string(sender.stage) + " partition " +
         std::to_string(sender.partition) + " at number " + std::to_string(number);
}

}  // namespace

stream::Sequence World::seen_of(const Place& place, const stream::SenderId& sender) {
  const stream::TopicIndex topic = topics_.index_of(specs_[place.stage].input);
  const Uuid lineage = chains_.at(place).genesis().identity.lineage;
  stream::Sequence seen;
  stream::Frame frame;
  for (std::int64_t offset = 0; offset < log_.bounds(topic, place.partition).end; ++offset) {
    const stream::LogRecord record = this->record(topic, place.partition, offset);
    if (is_forged(topic, place.partition, offset) || !stream::read_frame(record.value, frame) ||
        frame.lineage != lineage || frame.sender != sender) {
      continue;
    }
    std::uint64_t number = frame.first;
    for (const stream::Frame::Item& item : frame.events) {
      if (number++ == seen.last + 1) {
        seen = {seen.last + 1, stream::chain_event(seen.hash, item.header_bytes, item.payload)};
      }
    }
  }
  return seen;
}

void World::expect_accept(const std::vector<stream::OperatorRecord>& records,
                          const std::vector<Place>& readers, const stream::SenderId& sender,
                          const stream::Sequence& seen) {
  Accept accept{readers, {}, sender, seen};
  for (const stream::OperatorRecord& record : records) {
    accept.records.insert(record.id);
  }
  accepts_.push_back(std::move(accept));
}

// Only before a frame that holds the records for all who read it: nothing of the sender may come
// between the frame that they refuse and the record that lifts it.
void World::forge_before(const Parcel& parcel) {
  stream::Frame frame;
  if (!stream::read_frame(parcel.value, frame)) {
    return;
  }
  std::set<Uuid> there;
  for (const stream::Frame::Item& item : frame.events) {
    if (const auto record = stream::decode_operator_record(item.payload)) {
      there.insert(record->id);
    }
  }
  bool forged = false;  // a second one would meet a sender that is refused already
  for (Accept& accept : accepts_) {
    const Place& reader = accept.readers.front();
    const bool all =
        !accept.records.empty() && frame.sender != accept.sender &&
        std::includes(there.begin(), there.end(), accept.records.begin(), accept.records.end());
    if (!all || parcel.topic != topics_.index_of(specs_[reader.stage].input) ||
        parcel.partition != reader.partition) {
      continue;
    }
    accept.records.clear();  // once
    const bool known = frame.first <= seen_of(reader, frame.sender).last;
    if (!known && !forged && seen_of(reader, accept.sender) == accept.seen) {
      forge(accept, parcel);
      forged = true;
    }
  }
}

// The next number of that sender, behind another hash than it has.
void World::forge(const Accept& accept, const Parcel& parcel) {
  stream::Sequence other = accept.seen;
  other.hash.low ^= 1U;
  stream::EventHeader header;
  header.payload_bytes = 3;
  header.time = client_time();
  stream::FrameBuilder builder;
  builder.add(header, as_bytes("bad"), other);
  const std::int64_t offset =
      append(parcel.topic, parcel.partition, {},
             builder.cut(chains_.at(accept.readers.front()).genesis().identity.lineage,
                         accept.sender, {}, 0));
  trace_->line("forger", refusal_text(accept.sender, accept.seen.last + 1), " in ",
               topics_.name(parcel.topic), "/", parcel.partition, " at ", offset);
  forged_.insert({parcel.topic, parcel.partition, offset});
  for (const Place& reader : accept.readers) {
    refusals_[reader].push_back(refusal_text(accept.sender, accept.seen.last + 1));
  }
}

std::uint64_t World::forgeries(const Place& place) const {
  const auto found = refusals_.find(place);
  return found == refusals_.end() ? 0 : found->second.size();
}

void World::on_diverged(const Place& place, const std::string& text) {
  const auto found = refusals_.find(place);
  if (found == refusals_.end() ||
      std::find(found->second.begin(), found->second.end(), text) == found->second.end()) {
    fail(Checker::hash_chain, to_string(place) + ": diverged: " + text);
  }
}

// "replay by person 3 (because): not_open"
void World::on_operator_record(const Place& place, const stream::TaskNotice& notice) {
  const std::string& text = notice.text;
  const std::string verb = text.substr(0, text.find(' '));
  const std::string verdict = text.substr(text.rfind(": ") + 2);
  coverage_.count("operators_" + verdict);
  if (!acted_on_.insert({place, text, notice.position}).second) {
    coverage_.hit(Line::operator_and_crash, place.stage);
    return;
  }
  if (verdict == "done") {
    coverage_.hit(verb == "accept"   ? Line::sender_accepted
                  : verb == "enrol"  ? Line::key_enrolled
                  : verb == "revoke" ? Line::key_revoked
                                     : Line::letter_closed,
                  place.stage);
  } else if (verdict == "not_open") {
    coverage_.hit(Line::letter_closed_before, place.stage);
  } else if (verdict == "failed_again") {
    coverage_.hit(Line::letter_refused_again, place.stage);
  } else if (verdict == "other_bytes") {
    coverage_.hit(Line::letter_other_bytes, place.stage);
  } else if (verdict == "not_signed") {
    coverage_.hit(Line::order_unsigned, place.stage);
  }
}

}  // namespace kpay::sim
