// Codec: turns the events of the core into the Protobuf messages of proto/kpay/v1, and back.
//
// Works in memory of its own that each call uses again, so that an event costs few allocations.
// A decoded reference (Transfer::reference) is a view into that memory: valid until the next
// decode() of the same codec. What encode() gives is valid until its next encode(); it may be
// given what the same codec has just decoded. One thread.
//
// Bytes are the same for the same event on every machine and in every run (R2): fields go out in
// order of their numbers, and no message has a map. Fields of newer versions are ignored.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "core/commands.h"
#include "core/dead_letter.h"
#include "core/legs.h"
#include "core/outcomes.h"

namespace kpay::wire {

class Scratch;

/// T is core::Command, core::InflightEvent, core::Outcome or core::PaymentResult.
template <class T>
class Codec {
 public:
  Codec();
  ~Codec();
  Codec(Codec&&) noexcept;
  Codec& operator=(Codec&&) noexcept;

  /// Nothing when `out` is the event; else why it is not one: kDeadUndecodable, kDeadUnknownKind
  /// or kDeadInvalidField, and `out` is not to be used.
  [[nodiscard]] std::optional<std::uint16_t> decode(ByteView payload, T& out);
  [[nodiscard]] ByteView encode(const T& event);

 private:
  std::unique_ptr<Scratch> scratch_;
};

using CommandCodec = Codec<core::Command>;
using InflightCodec = Codec<core::InflightEvent>;
using OutcomeCodec = Codec<core::Outcome>;
using ResultCodec = Codec<core::PaymentResult>;

extern template class Codec<core::Command>;
extern template class Codec<core::InflightEvent>;
extern template class Codec<core::Outcome>;
extern template class Codec<core::PaymentResult>;

}  // namespace kpay::wire
