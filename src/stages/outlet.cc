#include "stages/outlet.h"

#include "stages/specs.h"

namespace kpay::stages {

namespace {

constexpr std::size_t kInflight = 0;
constexpr std::size_t kComplete = 1;

}  // namespace

std::vector<stream::OutputSpec> Outlet::outputs() {
  return {{kTopicInflight, stream::RecordShape::frame},
          {kTopicComplete, stream::RecordShape::frame}};
}

void Outlet::send(const std::variant<std::monostate, core::InflightEvent, core::Outcome>& what,
                  Timestamp time, stream::Emitter& out) {
  if (const auto* event = std::get_if<core::InflightEvent>(&what)) {
    out.emit(kInflight, core::account_of(*event).view(),
             {core::subject_of(*event), time, inflight_.encode(*event)});
  } else if (const auto* outcome = std::get_if<core::Outcome>(&what)) {
    const Uuid& subject = core::subject_of(*outcome);
    out.emit(kComplete, subject.view(), {subject, time, outcomes_.encode(*outcome)});
  }
}

}  // namespace kpay::stages
