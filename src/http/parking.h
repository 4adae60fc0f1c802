// Parking: connections that nobody serves at the moment; it gives out those that have something
// to say, in the order in which they said it, to any number of threads.
//
// A parked connection costs a descriptor and no thread. Who doesn't speak in time is closed, and
// when room is needed the one that has been silent longest. Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

namespace kpay::http {

/// What is parked: it must not block when it goes, and its descriptor goes with it.
class Parked {
 public:
  virtual ~Parked() = default;
  [[nodiscard]] virtual int fd() const = 0;
  /// How much of an unfinished request it holds.
  [[nodiscard]] virtual std::size_t bytes() const = 0;
};

/// `most`, or a third of what this process may open, when that is less: the rest is for others.
[[nodiscard]] std::size_t share_of_descriptors(std::size_t most);

class Parking {
 public:
  enum class As {
    idle,   ///< closed at its time, or when room is needed
    half,   ///< in the middle of a request: given out at its time, to be told so
    ready,  ///< has more to say already: given out when it can be written to, in its turn
  };

  Parking();
  ~Parking();
  Parking(const Parking&) = delete;
  Parking& operator=(const Parking&) = delete;

  /// Until it speaks, or until `until_ms` of the monotonic clock.
  void park(std::unique_ptr<Parked> what, As as, std::int64_t until_ms);
  /// Waits for the next one; null when there will be none any more.
  [[nodiscard]] std::unique_ptr<Parked> take();
  /// True while one that could be taken waits for a thread.
  [[nodiscard]] bool is_waited_for() const;
  /// Of all that are parked.
  [[nodiscard]] std::size_t bytes() const;

  /// Does what the time asks for: to be called several times a second.
  void sweep(std::int64_t now_ms);
  /// Makes room: closes the one that has been idle longest, or else the one that has been in the
  /// middle of a request longest. False when each has something to say.
  bool close_oldest();
  /// Nobody is parked any more, and who has nothing to say is closed. take() gives out the others,
  /// and null when there are none.
  void finish();
  /// Closes the others as well.
  void close();

 private:
  struct Place {
    std::unique_ptr<Parked> what;
    As as = As::idle;
    std::int64_t until_ms = 0;
  };
  using Places = std::map<std::uint64_t, Place>;  // by ticket: the oldest first

  [[nodiscard]] bool arm(int operation, std::uint64_t ticket, const Place& place) const;
  std::unique_ptr<Parked> leave(Places::iterator at);
  void wake() const;

  int epoll_ = -1;
  int wake_ = -1;
  mutable std::mutex mutex_;  // guards what follows
  Places places_;
  std::uint64_t last_ticket_ = 0;  // 0 is the wake's
  std::size_t bytes_ = 0;
  bool closed_ = false;
};

}  // namespace kpay::http
