// Broadcaster: sends the same text to many connections, by one thread of its own for all of them.
//
// For text/event-stream, whose connections stay open for hours: a Response that names a
// Broadcaster hands its connection over after its head, and the server's thread is free again.
// Each text is whole: a connection that has not taken the one before skips the next, and one that
// takes nothing for limits::stream_stuck_ms is cut. So is one that is older than
// limits::stream_age_ms, between two texts: its client comes again, and shows again that it may.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "http/limits.h"

namespace kpay::http {

/// A connection that was handed over; closed when it goes.
class Line {
 public:
  virtual ~Line() = default;
  [[nodiscard]] virtual int fd() const = 0;
  /// How many bytes were taken without waiting, 0 when none can be now; -1: the connection is over.
  virtual std::ptrdiff_t write(std::string_view text) = 0;
};

/// Threads: any.
class Broadcaster {
 public:
  explicit Broadcaster(std::size_t connections_max = limits::stream_connections_max,
                       std::int64_t stuck_ms_max = limits::stream_stuck_ms,
                       std::int64_t age_ms_max = limits::stream_age_ms);
  /// Closes every connection.
  ~Broadcaster();
  Broadcaster(const Broadcaster&) = delete;
  Broadcaster& operator=(const Broadcaster&) = delete;

  /// What everybody gets next; who comes later begins with it.
  void publish(std::string text);

  /// True while there is room for one more connection.
  [[nodiscard]] bool has_room() const;
  void take(std::unique_ptr<Line> line);
  [[nodiscard]] std::size_t connections() const;

 private:
  using Text = std::shared_ptr<const std::string>;
  struct Peer {
    std::unique_ptr<Line> line;
    Text text;  ///< that is being sent, or was sent last
    std::size_t sent = 0;
    std::int64_t moved_ms = 0;  ///< when it took some of it
    std::int64_t began_ms = 0;

    [[nodiscard]] bool pending() const { return text != nullptr && sent < text->size(); }
  };

  void run();
  void wake() const;
  bool serve(Peer& peer, const Text& latest, short events, std::int64_t now_ms) const;

  const std::size_t connections_max_;
  const std::int64_t stuck_ms_max_;
  const std::int64_t age_ms_max_;
  int wake_fd_ = -1;
  mutable std::mutex mutex_;  // guards what follows
  std::vector<std::unique_ptr<Line>> coming_;
  Text latest_;
  std::size_t connections_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace kpay::http
