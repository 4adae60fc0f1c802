// Sessions: who is logged in, in the memory of this process. Only hashes of what the browser has.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace kpay::access {

struct Session {
  std::string user;
  std::string stamp;  ///< of the user as he was when he logged in
  std::string csrf;   ///< what a write has to name, besides the cookie
  std::int64_t began_ms = 0;
  std::int64_t used_ms = 0;
};

/// Threads: any. Times are of monotonic_ms().
class Sessions {
 public:
  Sessions(std::chrono::milliseconds idle_max, std::chrono::milliseconds age_max)
      : idle_ms_max_(idle_max.count()), age_ms_max_(age_max.count()) {}

  /// A new one; gives its secret, which is nowhere kept.
  [[nodiscard]] std::string begin(const std::string& user, const std::string& stamp,
                                  std::int64_t now_ms);
  /// The session of that secret, unless it is over. `active`: a person did something just now.
  [[nodiscard]] std::optional<Session> find(std::string_view secret, bool active,
                                            std::int64_t now_ms);
  void end(std::string_view secret);
  [[nodiscard]] std::size_t size() const;

 private:
  using Kept = std::map<std::string, Session, std::less<>>;
  [[nodiscard]] bool is_over(const Session& session, std::int64_t now_ms) const;
  void make_room(const std::string& user, std::int64_t now_ms);
  void drop_oldest(const std::function<bool(const Session&)>& of_those);

  const std::int64_t idle_ms_max_;
  const std::int64_t age_ms_max_;
  mutable std::mutex mutex_;
  Kept sessions_;  // by digest_of() their secret
};

}  // namespace kpay::access
