// Witness: sees each event once, as the auditor takes it: after its cause, each partition in order,
// repeats and what receivers refuse left out. So whoever wants to know what happened needs neither
// a second reading of the log nor the receivers' rules again.
#pragma once

#include "audit/entry.h"
#include "audit/places.h"
#include "core/sum.h"
#include "stream/changelog.h"
#include "stream/frame.h"

namespace kpay::audit {

/// Called on the auditor's thread; views are good until the call is over.
class Witness {
 public:
  virtual ~Witness() = default;

  /// A record of payments.incoming that is no tick.
  virtual void command(const Place& place, Timestamp appended, ByteView value) = 0;
  /// An event of payments.inflight, payments.complete or ops.dlq.
  virtual void event(const Place& place, Timestamp appended, const Cause& cause,
                     const stream::EventHeader& header, ByteView payload) = 0;
  /// A public result.
  virtual void result(const Place& place, Timestamp appended, ByteView value) = 0;
  /// An account's balance has changed, to `balance`, by what stands at `place`. In the order of
  /// places within a partition; told when the task's next marker is there, about a second later.
  virtual void posted(const Place& place, const Entry& entry, const core::AccountId& account,
                      const core::Sum& balance) = 0;
  /// What an account has, told instead of all postings before: by an auditor that went on from what
  /// it had kept, for a witness that has seen nothing of that.
  virtual void carried(std::int32_t partition, const core::AccountId& account,
                       core::Currency currency, const core::Sum& balance) = 0;
  /// A task has another owner from here on.
  virtual void opened(std::uint16_t stage, std::int32_t partition, std::int64_t offset,
                      Timestamp appended, const stream::OpenMarker& open) = 0;
};

}  // namespace kpay::audit
