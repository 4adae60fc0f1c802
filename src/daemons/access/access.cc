#include "daemons/access/access.h"

#include <sys/stat.h>

#include "base/time.h"
#include "daemons/access/limits.h"
#include "daemons/access/people_file.h"
#include "daemons/access/secrets.h"

namespace kpay::access {

namespace {

constexpr Roles kAll =
    Role::viewer | Role::operating | Role::reviewer | Role::approver | Role::admin | Role::auditor;

// A session ends when its user gets another password, other roles, or is disabled.
std::string stamp_of(const User& user) { return user.password + to_string(user.roles); }

}  // namespace

Access::Access(AccessOptions options)
    : options_(std::move(options)),
      sessions_(options_.session_idle_max, options_.session_age_max),
      requests_(options_.requests_per_second, options_.requests_per_second),
      strangers_(limits::strangers_per_second, limits::strangers_at_once),
      logins_by_address_(limits::address_logins_per_second, limits::address_logins_at_once),
      logins_by_name_(limits::name_logins_per_second, limits::name_logins_at_once),
      people_(std::make_shared<const People>()) {}

Result<std::unique_ptr<Access>> Access::start(AccessOptions options) {
  std::unique_ptr<Access> access(new Access(std::move(options)));
  if (!access->open()) {
    access->stamp_ = access->file_stamp();
    Result<People> people = read_people(access->options_.users_file);
    if (!people) {
      return Unexpected(people.error());
    }
    access->people_ = std::make_shared<const People>(*std::move(people));
  }
  return access;
}

std::shared_ptr<const People> Access::people() const {
  const std::lock_guard lock(mutex_);
  return people_;
}

Caller Access::anyone() const { return {"anyone", kAll, {}, ""}; }

std::optional<Caller> Access::caller_of_session(std::string_view secret, bool active) {
  const std::optional<Session> session = sessions_.find(secret, active, monotonic_ms());
  const std::shared_ptr<const People> known = people();
  const User* user = session ? known->user(session->user) : nullptr;
  if (user == nullptr || user->disabled || stamp_of(*user) != session->stamp) {
    return std::nullopt;
  }
  return Caller{user->name, user->roles, {}, session->csrf};
}

std::optional<Caller> Access::caller_of_token(std::string_view text) const {
  if (!text.starts_with(token_prefix)) {
    return std::nullopt;
  }
  const std::shared_ptr<const People> known = people();
  const Token* token = known->token_of_digest(digest_of(text.substr(token_prefix.size())));
  if (token == nullptr || wall_clock_now().ms >= token->expires_at_ms) {
    return std::nullopt;
  }
  return Caller{"token " + token->name, token->roles, token->only, ""};
}

std::optional<Login> Access::log_in(const std::string& name, std::string_view password,
                                    const std::string& address, Denied& denied,
                                    std::int64_t& wait_s) {
  const std::int64_t now_ms = monotonic_ms();
  denied = Denied::too_often;
  if (!logins_by_address_.take(address, now_ms, wait_s) ||
      !logins_by_name_.take(name, now_ms, wait_s)) {
    return std::nullopt;
  }
  denied = Denied::wrong;
  const std::shared_ptr<const People> known = people();
  const User* user = known->user(name);
  if (user == nullptr || user->disabled) {
    spend_time(password);
    return std::nullopt;
  }
  if (!is_password(password, user->password)) {
    return std::nullopt;
  }
  logins_by_name_.forget(name);
  const std::string secret = sessions_.begin(name, stamp_of(*user), monotonic_ms());
  const std::optional<Caller> caller = caller_of_session(secret, true);
  return caller ? std::optional(Login{secret, *caller}) : std::nullopt;
}

bool Access::may_ask(std::string_view who, bool named, std::int64_t& wait_s) {
  return (named ? requests_ : strangers_).take(who, monotonic_ms(), wait_s);
}

std::string Access::file_stamp() const {
  struct stat is {};
  if (::stat(options_.users_file.c_str(), &is) != 0) {
    return "gone";
  }
  return std::to_string(is.st_ino) + "/" + std::to_string(is.st_size) + "/" +
         std::to_string(is.st_mtim.tv_sec) + "." + std::to_string(is.st_mtim.tv_nsec);
}

Result<std::vector<std::string>> Access::refresh() {
  if (options_.open) {
    return std::vector<std::string>{};
  }
  const std::string stamp = file_stamp();
  if (stamp == stamp_) {
    return std::vector<std::string>{};
  }
  stamp_ = stamp;
  Result<People> fresh = read_people(options_.users_file);
  if (!fresh) {
    return Unexpected(fresh.error());
  }
  const std::shared_ptr<const People> before = people();
  const auto after = std::make_shared<const People>(*std::move(fresh));
  {
    const std::lock_guard lock(mutex_);
    people_ = after;
  }
  return differences(*before, *after);
}

}  // namespace kpay::access
