// Access: who a caller is, by the people's file, the sessions that began here, and the rates.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "daemons/access/people.h"
#include "daemons/access/rates.h"
#include "daemons/access/sessions.h"

namespace kpay::access {

struct AccessOptions {
  bool open = false;       ///< nobody logs in, and everybody may do everything
  std::string users_file;  ///< REQUIRES: set, unless open
  std::chrono::milliseconds session_idle_max{};
  std::chrono::milliseconds session_age_max{};
  double requests_per_second = 0;  ///< of one caller; as many at once
};

/// Who asks.
struct Caller {
  std::string name;  ///< "alice", "token ci", "anyone" when it is open
  Roles roles;
  std::vector<std::string> only;  ///< of a token: its operations; empty: all of its roles'
  std::string csrf;               ///< of a session: what its writes have to name
};

/// What a login gave: the secret of a new session, and who it is.
struct Login {
  std::string secret;
  Caller caller;
};

enum class Denied { wrong, too_often };

/// Threads: any.
class Access {
 public:
  /// Reads the people's file. Errors: those of read_people().
  static Result<std::unique_ptr<Access>> start(AccessOptions options);

  [[nodiscard]] bool open() const noexcept { return options_.open; }
  /// Nothing, when neither says who it is.
  [[nodiscard]] std::optional<Caller> caller_of_session(std::string_view secret, bool active);
  [[nodiscard]] std::optional<Caller> caller_of_token(std::string_view text) const;
  [[nodiscard]] Caller anyone() const;

  /// Checks the password; a wrong one takes as long as a wrong name. `wait_s`, when it came too
  /// often from the address or for the name.
  [[nodiscard]] std::optional<Login> log_in(const std::string& name, std::string_view password,
                                            const std::string& address, Denied& denied,
                                            std::int64_t& wait_s);
  void log_out(std::string_view secret) { sessions_.end(secret); }

  /// False when the caller has asked too often. `who` is a name, or an address without one.
  [[nodiscard]] bool may_ask(std::string_view who, bool named, std::int64_t& wait_s);

  /// Reads the file again when it has changed; gives what did, in words. Errors: those of
  /// read_people(), told once; then the people stay as they were.
  [[nodiscard]] Result<std::vector<std::string>> refresh();

 private:
  explicit Access(AccessOptions options);
  [[nodiscard]] std::shared_ptr<const People> people() const;
  [[nodiscard]] std::string file_stamp() const;

  const AccessOptions options_;
  Sessions sessions_;
  Rates requests_;
  Rates strangers_;
  Rates logins_by_address_;
  Rates logins_by_name_;
  std::string stamp_;  // of refresh() alone
  mutable std::mutex mutex_;
  std::shared_ptr<const People> people_;
};

}  // namespace kpay::access
