// Outbox: everything that a worker's tasks append to the log goes through here, in order.
//
// It keeps the first rule of producing (R11): the first record that a producer instance sends to a
// partition, and the first after long silence there, travels alone. A broker without state for a
// producer takes any first number, so a second record behind a refused first one would be lost
// without a word.
//
// And it paces: requests are what costs a broker most, so while something is on its way to a
// partition, what follows waits and then goes together. That costs nothing on an idle system, and
// on a busy one frames grow as acknowledgements slow down.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace kpay::stream {

/// Half of the brokers' producer.id.expiration.ms, at which they forget a silent producer. Each
/// outbox has a producer instance of its own.
inline constexpr std::int64_t kProducerSilenceMsMax = 12LL * 60 * 60 * 1000;

/// A topic's place in the daemon's list of topics.
using TopicIndex = std::uint16_t;

/// The producer under an outbox. Bytes stay valid until the record was delivered.
class RecordProducer {
 public:
  virtual ~RecordProducer() = default;

  /// Hands a record over. False: the queue is full, try the same record again later.
  /// Delivery is told by Outbox::on_delivered(cookie), in order within a partition. A delivery that
  /// fails for good ends the process: it is never told here (R11).
  virtual bool produce(TopicIndex topic, std::int32_t partition, ByteView key, ByteView value,
                       std::uint64_t cookie) = 0;
};

/// Whoever sends, and is told when its records are in the log.
class OutboxSender {
 public:
  virtual ~OutboxSender() = default;
  /// One record with that tag is in the log; `bytes` of it no longer count as unacknowledged.
  virtual void on_acknowledged(std::uint64_t tag, std::size_t bytes) = 0;
};

/// Threads: one, the worker's. Senders outlive their records or say forget().
class Outbox {
 public:
  explicit Outbox(RecordProducer& producer, std::int64_t silence_ms_max = kProducerSilenceMsMax)
      : producer_(&producer), silence_ms_max_(silence_ms_max) {}

  /// Queues a record; the end of the turn hands it over.
  void send(OutboxSender& sender, TopicIndex topic, std::int32_t partition, Bytes key, Bytes value,
            std::uint64_t tag);

  /// Nothing is on its way there, so that what is sent in this turn goes at its end. While it is
  /// false a sender does well to let its frame grow.
  [[nodiscard]] bool is_open(TopicIndex topic, std::int32_t partition) const;

  /// Drops what of this sender was not handed over, and tells it nothing more.
  void forget(const OutboxSender& sender);

  /// The end of a turn: hands over what may go.
  void turn(std::int64_t now_ms);

  void on_delivered(std::uint64_t cookie);

  /// Records handed over and not acknowledged, and records that wait to be handed over.
  [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_.size() - free_.size(); }
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }

 private:
  struct Record {
    OutboxSender* sender = nullptr;
    Bytes key;
    Bytes value;
    std::uint64_t tag = 0;
  };
  using Place = std::pair<TopicIndex, std::int32_t>;
  struct Lane {
    Place place;
    std::deque<Record> queue;
    std::size_t queued_bytes = 0;
    std::size_t in_flight = 0;
    std::int64_t last_ms = 0;
    bool fresh = true;   // nothing was acknowledged yet
    bool alone = false;  // the one in flight has to arrive first
    bool due = false;    // stands in due_
  };
  struct InFlight {
    Record record;
    Lane* lane = nullptr;  // null: the place is free
  };

  void look_at(Lane& lane);
  /// False: the producer's queue is full.
  bool drain(Lane& lane, std::int64_t now_ms);

  RecordProducer* producer_;
  std::int64_t silence_ms_max_;
  std::map<Place, Lane> lanes_;
  std::deque<InFlight> in_flight_;   // a record's cookie is its place here; places stay put
  std::vector<std::uint64_t> free_;  // places to use again
  std::size_t waiting_ = 0;
  std::vector<Lane*> due_;  // to look at when the turn ends
};

}  // namespace kpay::stream
