#include "daemons/service/notices.h"

namespace kpay::daemons {

namespace {

std::string source_of(const stream::TaskNotice& notice) {
  if (notice.marker == 0) {
    return "empty";
  }
  return notice.from_file ? "file" : "log";
}

telemetry::TaskRestored restored(const std::string& stage, std::int32_t partition,
                                 const stream::TaskNotice& notice) {
  return {.stage = stage,
          .partition = partition,
          .source = source_of(notice),
          .position = notice.position,
          .checkpoint = notice.marker,
          .rows = notice.rows,
          .state_hash = to_string(notice.state_hash)};
}

}  // namespace

void emit_notice(telemetry::Telemetry& telemetry, const stream::StageSpec& spec,
                 std::int32_t partition, const stream::TaskNotice& notice) {
  using Kind = stream::TaskNotice::Kind;
  const std::string& stage = spec.name;
  switch (notice.kind) {
    case Kind::restored: telemetry.emit(restored(stage, partition, notice)); break;
    case Kind::released:
      telemetry.emit(telemetry::TaskRevoked{.stage = stage,
                                            .partition = partition,
                                            .position = notice.position,
                                            .checkpoint = notice.marker,
                                            .state_hash = to_string(notice.state_hash),
                                            .clean = true});
      break;
    case Kind::held:
    case Kind::failed:
      telemetry.emit(telemetry::TaskHeld{.stage = stage,
                                         .partition = partition,
                                         .position = notice.position,
                                         .reason = notice.text});
      break;
    case Kind::fenced:
      telemetry.emit(telemetry::TaskFenced{.stage = stage, .partition = partition});
      break;
    case Kind::store_set_aside:
      telemetry.emit(
          telemetry::StoreSetAside{.stage = stage, .partition = partition, .reason = notice.text});
      break;
    case Kind::store_failed:
      telemetry.emit(
          telemetry::StoreFailed{.stage = stage, .partition = partition, .error = notice.text});
      break;
    case Kind::dead_letter:
      telemetry.emit(
          telemetry::DeadLettered{.stage = stage, .partition = partition, .reason = notice.text});
      break;
    case Kind::early:
      telemetry.emit(
          telemetry::SenderEarly{.stage = stage, .partition = partition, .sender = notice.text});
      break;
    case Kind::diverged:
      telemetry.emit(
          telemetry::SenderDiverged{.stage = stage, .partition = partition, .sender = notice.text});
      break;
    case Kind::operator_record:
    case Kind::re_emission:
      telemetry.emit(
          telemetry::OperatorActed{.stage = stage, .partition = partition, .what = notice.text});
      break;
    case Kind::checkpoint_rejected:
    case Kind::zombie_record:
      telemetry.emit(telemetry::CheckpointRejected{
          .stage = stage, .partition = partition, .reason = notice.text});
      break;
    case Kind::time_jump:
      telemetry.emit(
          telemetry::TimeJumpHeld{.stage = stage, .partition = partition, .now = notice.text});
      break;
    case Kind::base_accepted:
      telemetry.emit(
          telemetry::BaseTrimmed{stage, partition, notice.marker, notice.begin, notice.rows});
      break;
  }
}

}  // namespace kpay::daemons
