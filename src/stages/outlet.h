// Outlet: sends what intake and account decided, as the two outputs that both of them have.
#pragma once

#include <variant>
#include <vector>

#include "core/legs.h"
#include "core/outcomes.h"
#include "stream/stage.h"
#include "wire/codec.h"

namespace kpay::stages {

class Outlet {
 public:
  /// In the order of their numbers: payments.inflight by account, payments.complete by id.
  [[nodiscard]] static std::vector<stream::OutputSpec> outputs();

  /// `time` is the event time of what caused it.
  void send(const std::variant<std::monostate, core::InflightEvent, core::Outcome>& what,
            Timestamp time, stream::Emitter& out);

 private:
  wire::InflightCodec inflight_;
  wire::OutcomeCodec outcomes_;
};

}  // namespace kpay::stages
