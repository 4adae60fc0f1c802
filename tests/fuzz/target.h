// Targets: one function for each decoder. It is given any bytes and aborts, by check(), when the
// decoder breaks a promise: that it gives back what was encoded, keeps its limits, and says why it
// refuses. libFuzzer looks for such bytes (fuzzer_main.cc); the unit tests replay those that are
// kept in corpus/ (replay_test.cc). docs/trust.md has the page.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/bytes.h"

namespace kpay::fuzz {

struct Target {
  std::string_view name;
  void (*run)(ByteView input);
  std::size_t bytes_max = 4096;  ///< of an input; what is longer is not tried
};

/// In the order of their names.
[[nodiscard]] std::span<const Target> all_targets();

// In <name>_target.cc, or with others of their kind.
void run_account_file(ByteView input);
void run_api(ByteView input);
void run_changelog(ByteView input);
void run_command(ByteView input);
void run_config(ByteView input);
void run_control(ByteView input);
void run_cursor(ByteView input);
void run_dead_letter(ByteView input);
void run_form(ByteView input);
void run_frame(ByteView input);
void run_inflight(ByteView input);
void run_manifest(ByteView input);
void run_operator(ByteView input);
void run_outcome(ByteView input);
void run_payment_file(ByteView input);
void run_proposal(ByteView input);
void run_restore(ByteView input);
void run_result(ByteView input);
void run_rows(ByteView input);
void run_snapshot(ByteView input);
void run_state_file(ByteView input);
void run_table_json(ByteView input);
void run_tables(ByteView input);
void run_target(ByteView input);
void run_text(ByteView input);

}  // namespace kpay::fuzz
