#include <array>

#include "fuzz/target.h"

namespace kpay::fuzz {

std::span<const Target> all_targets() {
  static constexpr std::array kTargets = {
      Target{"account_file", run_account_file},
      Target{"api", run_api},
      Target{"changelog", run_changelog},
      Target{"command", run_command},
      Target{"config", run_config, 16 * 1024},
      Target{"control", run_control, 64 * 1024},
      Target{"cursor", run_cursor, 512},
      Target{"dead_letter", run_dead_letter},
      Target{"form", run_form},
      Target{"frame", run_frame},
      Target{"inflight", run_inflight},
      Target{"manifest", run_manifest},
      Target{"operator", run_operator},
      Target{"outcome", run_outcome},
      Target{"payment_file", run_payment_file},
      Target{"proposal", run_proposal},
      Target{"restore", run_restore},
      Target{"result", run_result},
      Target{"rows", run_rows},
      Target{"snapshot", run_snapshot, 32 * 1024},
      Target{"state_file", run_state_file, 32 * 1024},
      Target{"table_json", run_table_json, 64 * 1024},
      Target{"tables", run_tables},
      Target{"target", run_target},
      Target{"text", run_text, 256},
  };
  return kTargets;
}

}  // namespace kpay::fuzz
