// Limits of HTTP servers, clients and the daemons' endpoints.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kpay::http::limits {

// Of one request.
inline constexpr std::size_t head_bytes_max = 16U << 10U;  ///< request line and headers: 431
inline constexpr int header_fields_max = 100;              ///< 431
inline constexpr std::size_t body_bytes_max = 1U << 20U;   ///< 413, unless the server says less
/// The head and the body must each be complete within this time of their first byte: 408. A
/// client that sends nothing at all is noticed after receive_ms_max.
inline constexpr std::int64_t request_ms_max = 10'000;
inline constexpr std::int64_t receive_ms_max = 5'000;
inline constexpr std::int64_t send_ms_max = 10'000;
/// How long, and how many, of a refused peer's further bytes are read and dropped.
inline constexpr std::int64_t refuse_drain_ms = 500;
inline constexpr std::size_t refuse_drain_bytes = 8UL << 20U;

// Of one server.
inline constexpr std::size_t threads = 16;  ///< one request each
/// Or a third of the process's descriptors: then the one that has been silent longest is closed.
inline constexpr std::size_t connections_max = 10'000;
/// What is held of requests that are not whole yet: 503 for who sends more in pieces.
inline constexpr std::size_t unfinished_bytes_max = 64U << 20U;
inline constexpr std::int64_t keep_alive_ms = 5'000;  ///< between two requests
/// Then an answer says that it is the last one: new certificates are used within minutes.
inline constexpr std::int64_t kept_age_ms_max = 300'000;
/// A client uses a kept connection for so long after its last request: less than a server keeps it.
inline constexpr std::int64_t kept_connection_ms = 4'000;
/// To one address, while nobody uses them.
inline constexpr std::size_t kept_connections_max = 2;
inline constexpr std::int64_t stop_ms_max = 700;  ///< for requests in hand at a stop

// Of a broadcaster.
inline constexpr std::size_t stream_connections_max = 10'000;  ///< or a third, too
inline constexpr std::int64_t stream_stuck_ms = 15'000;        ///< taking nothing for so long: cut
inline constexpr std::int64_t stream_age_ms = 300'000;         ///< cut, to come again

// Of a client.
inline constexpr std::size_t answer_bytes_max = 16U << 20U;

// Of the daemons' tables.
inline constexpr std::size_t rows_default = 100;
inline constexpr std::size_t rows_max = 1'000;
inline constexpr std::size_t key_bytes_max = 512;
inline constexpr int retry_after_seconds = 1;

}  // namespace kpay::http::limits
