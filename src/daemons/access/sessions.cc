#include "daemons/access/sessions.h"

#include <algorithm>

#include "daemons/access/limits.h"
#include "daemons/access/secrets.h"

namespace kpay::access {

bool Sessions::is_over(const Session& session, std::int64_t now_ms) const {
  return now_ms - session.used_ms > idle_ms_max_ || now_ms - session.began_ms > age_ms_max_;
}

void Sessions::drop_oldest(const std::function<bool(const Session&)>& of_those) {
  auto oldest = sessions_.end();
  for (auto each = sessions_.begin(); each != sessions_.end(); ++each) {
    if (of_those(each->second) &&
        (oldest == sessions_.end() || each->second.used_ms < oldest->second.used_ms)) {
      oldest = each;
    }
  }
  if (oldest != sessions_.end()) {
    sessions_.erase(oldest);
  }
}

void Sessions::make_room(const std::string& user, std::int64_t now_ms) {
  std::erase_if(sessions_, [&](const auto& each) { return is_over(each.second, now_ms); });
  const auto of_user = [&](const Session& session) { return session.user == user; };
  const auto count = std::count_if(sessions_.begin(), sessions_.end(),
                                   [&](const auto& each) { return of_user(each.second); });
  if (static_cast<std::size_t>(count) >= limits::sessions_per_user_max) {
    drop_oldest(of_user);
  } else if (sessions_.size() >= limits::sessions_max) {
    drop_oldest([](const Session&) { return true; });
  }
}

std::string Sessions::begin(const std::string& user, const std::string& stamp,
                            std::int64_t now_ms) {
  std::string secret = random_secret();
  const std::lock_guard lock(mutex_);
  make_room(user, now_ms);
  sessions_[digest_of(secret)] = Session{user, stamp, random_secret(), now_ms, now_ms};
  return secret;
}

std::optional<Session> Sessions::find(std::string_view secret, bool active, std::int64_t now_ms) {
  const std::string digest = digest_of(secret);
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(digest);
  if (found == sessions_.end()) {
    return std::nullopt;
  }
  if (is_over(found->second, now_ms)) {
    sessions_.erase(found);
    return std::nullopt;
  }
  if (active) {
    found->second.used_ms = now_ms;
  }
  return found->second;
}

void Sessions::end(std::string_view secret) {
  const std::string digest = digest_of(secret);
  const std::lock_guard lock(mutex_);
  sessions_.erase(digest);
}

std::size_t Sessions::size() const {
  const std::lock_guard lock(mutex_);
  return sessions_.size();
}

}  // namespace kpay::access
