#include "daemons/access/people_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/hash.h"
#include "daemons/access/limits.h"
#include "daemons/access/secrets.h"

namespace kpay::access {

namespace {

using Json = nlohmann::json;

constexpr std::string_view kBegin = "kpay-access 1 ";
constexpr mode_t kMode = 0600;
constexpr mode_t kModesOfOthers = 0027;  // the group may read, and nobody else anything

std::string checksum(std::string_view body) { return to_string(hash128(as_bytes(body))); }

Unexpected wrong(const std::string& what) { return Unexpected(ErrorCode::invalid, what); }

Unexpected failure(const std::string& path, const char* doing) {
  return Unexpected(errno == ENOENT ? ErrorCode::not_found : ErrorCode::io,
                    path + ": " + doing + ": " + std::strerror(errno));
}

std::string text_of(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

std::int64_t number_of(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

bool is_digest(std::string_view text) {
  constexpr std::size_t kDigits = 64;
  return text.size() == kDigits && from_hex(text).has_value();
}

Result<User> user_of(const Json& json) {
  User user;
  user.name = text_of(json, "name");
  const std::optional<Roles> roles = parse_roles(text_of(json, "roles"));
  if (!is_name(user.name) || !roles) {
    return wrong("a user has no name, or no roles of " + role_names());
  }
  user.roles = *roles;
  user.password = text_of(json, "password");
  if (!is_password_hash(user.password)) {
    return wrong("the password of user " + user.name + " is not what `users passwd` writes");
  }
  user.disabled = json.value("disabled", Json(false)) == Json(true);
  user.changed_at_ms = number_of(json, "changed_at_ms");
  return user;
}

Result<Token> token_of(const Json& json) {
  Token token;
  token.name = text_of(json, "name");
  const std::optional<Roles> roles = parse_roles(text_of(json, "roles"));
  token.digest = text_of(json, "digest");
  if (!is_name(token.name) || !roles || !is_digest(token.digest)) {
    return wrong("a token has no name, no roles, or no digest");
  }
  token.roles = *roles;
  token.created_at_ms = number_of(json, "created_at_ms");
  token.expires_at_ms = number_of(json, "expires_at_ms");
  for (const Json& each : json.value("only", Json::array())) {
    if (!each.is_string()) {
      return wrong("token " + token.name + ": an operation is no text");
    }
    token.only.push_back(each.get<std::string>());
  }
  return token;
}

Result<void> add_all(const Json& json, People& people) {
  const Json users = json.value("users", Json());
  const Json tokens = json.value("tokens", Json());
  if (!users.is_array() || !tokens.is_array() || users.size() > limits::users_max ||
      tokens.size() > limits::tokens_max) {
    return wrong("it has no list of users and one of tokens, or too many in them");
  }
  for (const Json& each : users) {
    Result<User> user = each.is_object() ? user_of(each) : wrong("a user is no object");
    if (!user || people.user(user->name) != nullptr) {
      return user ? wrong("user " + user->name + " is there twice") : Unexpected(user.error());
    }
    people.users.push_back(*std::move(user));
  }
  for (const Json& each : tokens) {
    Result<Token> token = each.is_object() ? token_of(each) : wrong("a token is no object");
    if (!token || people.token(token->name) != nullptr) {
      return token ? wrong("token " + token->name + " is there twice") : Unexpected(token.error());
    }
    people.tokens.push_back(*std::move(token));
  }
  return {};
}

struct File {
  int fd = -1;
  ~File() {
    if (fd >= 0) {
      ::close(fd);
    }
  }
};

Result<void> write_out(const std::string& path, std::string_view text, const struct stat& like) {
  File file{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, kMode)};
  if (file.fd < 0) {
    return failure(path, "can't be made");
  }
  if (::geteuid() == 0 && ::fchown(file.fd, like.st_uid, like.st_gid) != 0) {
    return failure(path, "can't be given to its owner");
  }
  if (::fchmod(file.fd, like.st_mode & 0777U) != 0) {
    return failure(path, "can't be given its mode");
  }
  while (!text.empty()) {
    const ssize_t written = ::write(file.fd, text.data(), text.size());
    if (written < 0) {
      return failure(path, "can't be written");
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::fsync(file.fd) == 0 ? Result<void>() : failure(path, "can't be written through");
}

std::string folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

}  // namespace

std::string people_text(const People& people) {
  Json users = Json::array();
  for (const User& user : people.users) {
    users.push_back({{"name", user.name},
                     {"roles", to_string(user.roles)},
                     {"password", user.password},
                     {"disabled", user.disabled},
                     {"changed_at_ms", user.changed_at_ms}});
  }
  Json tokens = Json::array();
  for (const Token& token : people.tokens) {
    tokens.push_back({{"name", token.name},
                      {"roles", to_string(token.roles)},
                      {"digest", token.digest},
                      {"created_at_ms", token.created_at_ms},
                      {"expires_at_ms", token.expires_at_ms},
                      {"only", token.only}});
  }
  const std::string body = Json{{"users", users}, {"tokens", tokens}}.dump(2) + "\n";
  return std::string(kBegin) + checksum(body) + "\n" + body;
}

Result<People> parse_people(std::string_view text) {
  const std::size_t line = text.find('\n');
  if (!text.starts_with(kBegin) || line == std::string_view::npos) {
    return wrong("it doesn't begin with \"" + std::string(kBegin) +
                 "\"; make one with `kpay-gateway users init`");
  }
  const std::string_view body = text.substr(line + 1);
  if (text.substr(kBegin.size(), line - kBegin.size()) != checksum(body)) {
    return Unexpected(ErrorCode::corrupt,
                      "its checksum is another one: it was cut off or changed by hand; "
                      "`kpay-gateway users` and `tokens` change it");
  }
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) {
    return wrong("it is no JSON object");
  }
  People people;
  if (Result<void> added = add_all(json, people); !added) {
    return Unexpected(added.error());
  }
  return people;
}

Result<People> read_people(const std::string& path) {
  File file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat is {};
  if (file.fd < 0 || ::fstat(file.fd, &is) != 0) {
    return failure(path, "can't be read");
  }
  if (!S_ISREG(is.st_mode) || (is.st_mode & kModesOfOthers) != 0) {
    return Unexpected(ErrorCode::refused,
                      path + ": others may read or write it; chmod 0600 (or 0640) makes it right");
  }
  std::string text;
  char buffer[16384];
  ssize_t got = 0;
  while ((got = ::read(file.fd, buffer, sizeof buffer)) > 0) {
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > limits::file_bytes_max) {
      return Unexpected(ErrorCode::invalid, path + ": it has more than " +
                                                std::to_string(limits::file_bytes_max) + " bytes");
    }
  }
  if (got < 0) {
    return failure(path, "can't be read");
  }
  Result<People> people = parse_people(text);
  return people ? people : Unexpected(people.error().code, path + ": " + people.error().message);
}

Result<void> write_people(const std::string& path, const People& people) {
  struct stat like {};
  if (::stat(path.c_str(), &like) != 0) {
    if (::stat(folder_of(path).c_str(), &like) != 0) {
      return failure(folder_of(path), "is no folder that can be used");
    }
    like.st_mode = kMode;
  }
  const std::string fresh = path + ".new";
  if (Result<void> filled = write_out(fresh, people_text(people), like); !filled) {
    ::unlink(fresh.c_str());
    return filled;
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) {
    return failure(path, "can't be replaced");
  }
  const File folder{::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  return folder.fd >= 0 && ::fsync(folder.fd) == 0
             ? Result<void>()
             : failure(path, "its folder can't be written through");
}

Result<PeopleLock> PeopleLock::take(const std::string& path) {
  const std::string lock = path + ".lock";
  File file{::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kMode)};
  if (file.fd < 0 || ::flock(file.fd, LOCK_EX) != 0) {
    return Unexpected(ErrorCode::io, lock + ": can't be locked: " + std::strerror(errno));
  }
  return PeopleLock(std::exchange(file.fd, -1));
}

PeopleLock::PeopleLock(PeopleLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
PeopleLock::~PeopleLock() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

}  // namespace kpay::access
