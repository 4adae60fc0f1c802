// Limits of the gateway: its API, its page and what it keeps.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kpay::gateway::limits {

// Of one request.
inline constexpr std::size_t body_bytes_max = 64U << 10U;  ///< of one document
inline constexpr std::size_t batch_bytes_max = 4U << 20U;  ///< of many lines
inline constexpr std::size_t batch_lines_max = 20'000;
inline constexpr std::size_t line_bytes_max = 4U << 10U;
inline constexpr int json_depth_max = 8;
inline constexpr std::size_t reason_bytes_max = 200;
inline constexpr std::int64_t wait_seconds_max = 10;

// Of what a request waits for.
inline constexpr std::int64_t acknowledge_ms_max = 5'000;
/// An outcome that was told before the wait began is looked for in the tables so often.
inline constexpr std::int64_t look_ms = 300;

// Of the process.
inline constexpr std::size_t http_threads = 32;
inline constexpr std::size_t queued_commands_max = 100'000;
inline constexpr std::size_t recent_payments = 200;
inline constexpr std::size_t series_points = 300;  ///< one each second
inline constexpr std::int64_t windows_shown = 30;  ///< minutes
inline constexpr std::size_t letters_max = 200;
inline constexpr std::size_t requests_max = 50;  ///< that wait for a second person
inline constexpr std::size_t request_letters_max = 200;
inline constexpr std::size_t request_bytes_max = 32U << 10U;       ///< of its record
inline constexpr std::int64_t request_ms = 24LL * 60 * 60 * 1000;  ///< until it expires
/// An expired one is shown so long, then whoever asks next takes it away.
inline constexpr std::int64_t request_shown_ms = 24LL * 60 * 60 * 1000;
inline constexpr int closings_per_second = 200;
inline constexpr int close_ms = 10'000;            ///< for the tasks' answers
inline constexpr std::size_t actions_max = 1'000;  ///< of the audit, the newest
/// So many records of each partition of ops.audit are looked through for them at a start.
inline constexpr std::int64_t audit_records_back = 5'000;
/// Of actions that ops.audit could not take; with more, nothing that is audited is done.
inline constexpr std::size_t actions_kept_max = 1'000;
inline constexpr std::size_t page_rows_default = 50;
inline constexpr std::size_t page_rows_max = 500;

// Of how often it looks.
inline constexpr std::int64_t snapshot_ms = 1'000;
inline constexpr std::int64_t books_ms_min = 5'000;
/// Summing every account takes at most one part in so many of the time.
inline constexpr std::int64_t books_share = 10;
inline constexpr std::int64_t letters_ms = 2'000;
/// A journal that didn't answer isn't asked for so long: requests don't queue for it.
inline constexpr std::int64_t no_journal_ms = 2'000;
/// At the people's file and the certificate.
inline constexpr std::int64_t file_look_ms = 1'000;

}  // namespace kpay::gateway::limits
