#include "daemons/access/people_commands.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/time.h"
#include "daemons/access/limits.h"
#include "daemons/access/people_file.h"
#include "daemons/access/secrets.h"
#include "daemons/service/exit_codes.h"

namespace kpay::access {

namespace {

using Json = nlohmann::json;

constexpr std::int64_t kDayMs = 86'400'000;

struct Typed {
  std::string file;
  std::string config;
  std::string name;
  std::string roles;
  std::vector<std::string> only;
  int days = limits::token_days_default;
  bool password_stdin = false;
  bool json = false;
};

Unexpected wrong(const std::string& what) { return Unexpected(ErrorCode::invalid, what); }

Result<Roles> roles_of(const Typed& typed) {
  const std::optional<Roles> roles = parse_roles(typed.roles);
  return roles ? Result<Roles>(*roles)
               : wrong("\"" + typed.roles + "\": the roles are " + role_names() +
                       "; several with commas");
}

// A new password for `name`: one that is made and shown once, or the line on standard input.
Result<std::string> new_password(const Typed& typed) {
  if (!typed.password_stdin) {
    return random_password();
  }
  std::string line;
  std::getline(std::cin, line);
  if (line.size() < limits::password_bytes_min || line.size() > limits::password_bytes_max) {
    return wrong("the password on standard input has " + std::to_string(line.size()) +
                 " bytes; it needs " + std::to_string(limits::password_bytes_min) + " to " +
                 std::to_string(limits::password_bytes_max));
  }
  return line;
}

// The only place where a password is ever written: the terminal of who made it.
void show(const Typed& typed, const std::string& what, const std::string& secret) {
  if (typed.json) {
    std::printf("%s\n", Json{{"name", typed.name}, {what, secret}}.dump().c_str());
    return;
  }
  std::printf("%s: %s\nIt is shown this once; the file has only a hash of it.\n", what.c_str(),
              secret.c_str());
}

using Change = std::function<Result<void>(People& people)>;

// Reads, changes and replaces the file, while nobody else does.
Result<void> change(const std::string& file, const Change& how, bool may_be_new = false) {
  Result<PeopleLock> lock = PeopleLock::take(file);
  if (!lock) {
    return Unexpected(lock.error());
  }
  Result<People> people = read_people(file);
  const bool is_new = !people && people.error().code == ErrorCode::not_found;
  if (!people && !(is_new && may_be_new)) {
    return is_new ? Unexpected(ErrorCode::not_found,
                               people.error().message + "; `users init` makes it")
                  : Unexpected(people.error());
  }
  if (!is_new && may_be_new) {
    return Unexpected(ErrorCode::conflict, file + ": it is there already; nothing was changed");
  }
  People changed = is_new ? People{} : *std::move(people);
  if (Result<void> done = how(changed); !done) {
    return done;
  }
  return write_people(file, changed);
}

Result<User*> user_of(People& people, const std::string& name) {
  const auto found = std::find_if(people.users.begin(), people.users.end(),
                                  [&](const User& each) { return each.name == name; });
  if (found == people.users.end()) {
    return Unexpected(ErrorCode::not_found, "there is no user " + name);
  }
  return &*found;
}

Result<void> add_user(const Typed& typed, const std::string& password, People& people) {
  const Result<Roles> roles = roles_of(typed);
  if (!roles) {
    return Unexpected(roles.error());
  }
  if (!is_name(typed.name)) {
    return wrong("\"" + typed.name + "\" is no name: a letter, then letters, digits and . _ -");
  }
  if (people.user(typed.name) != nullptr || people.users.size() >= limits::users_max) {
    return Unexpected(ErrorCode::conflict, "there is a user " + typed.name + ", or too many users");
  }
  people.users.push_back({typed.name, *roles, hash_password(password), false, wall_clock_now().ms});
  return {};
}

Result<void> add(const Typed& typed, bool is_first) {
  const Result<std::string> password = new_password(typed);
  if (!password) {
    return Unexpected(password.error());
  }
  Result<void> done = change(
      typed.file, [&](People& people) { return add_user(typed, *password, people); }, is_first);
  if (done && !typed.password_stdin) {
    show(typed, "password", *password);
  }
  return done;
}

Result<void> set_password(const Typed& typed) {
  const Result<std::string> password = new_password(typed);
  if (!password) {
    return Unexpected(password.error());
  }
  Result<void> done = change(typed.file, [&](People& people) -> Result<void> {
    const Result<User*> user = user_of(people, typed.name);
    if (!user) {
      return Unexpected(user.error());
    }
    (*user)->password = hash_password(*password);
    (*user)->changed_at_ms = wall_clock_now().ms;
    return {};
  });
  if (done && !typed.password_stdin) {
    show(typed, "password", *password);
  }
  return done;
}

bool is_last_admin(const People& people, const std::string& name) {
  return std::none_of(people.users.begin(), people.users.end(), [&](const User& each) {
    return each.name != name && !each.disabled && each.roles.has(Role::admin);
  });
}

Result<void> set_roles(const Typed& typed) {
  const Result<Roles> roles = roles_of(typed);
  return !roles ? Unexpected(roles.error())
                : change(typed.file, [&](People& people) -> Result<void> {
                    const Result<User*> user = user_of(people, typed.name);
                    if (!user) {
                      return Unexpected(user.error());
                    }
                    if (!roles->has(Role::admin) && is_last_admin(people, typed.name)) {
                      return wrong(typed.name + " is the last admin; make another one first");
                    }
                    (*user)->roles = *roles;
                    (*user)->changed_at_ms = wall_clock_now().ms;
                    return {};
                  });
}

Result<void> set_disabled(const Typed& typed, bool disabled) {
  return change(typed.file, [&](People& people) -> Result<void> {
    const Result<User*> user = user_of(people, typed.name);
    if (!user) {
      return Unexpected(user.error());
    }
    if (disabled && is_last_admin(people, typed.name)) {
      return wrong(typed.name + " is the last admin; make another one first");
    }
    (*user)->disabled = disabled;
    (*user)->changed_at_ms = wall_clock_now().ms;
    return {};
  });
}

Result<void> remove_user(const Typed& typed) {
  return change(typed.file, [&](People& people) -> Result<void> {
    if (people.user(typed.name) == nullptr) {
      return Unexpected(ErrorCode::not_found, "there is no user " + typed.name);
    }
    if (is_last_admin(people, typed.name)) {
      return wrong(typed.name + " is the last admin; make another one first");
    }
    std::erase_if(people.users, [&](const User& each) { return each.name == typed.name; });
    return {};
  });
}

Result<void> add_token(const PeopleTool& tool, const Typed& typed) {
  const Result<Roles> roles = roles_of(typed);
  if (!roles) {
    return Unexpected(roles.error());
  }
  for (const std::string& each : typed.only) {
    if (std::find(tool.operations.begin(), tool.operations.end(), each) == tool.operations.end()) {
      return wrong("\"" + each + "\" is no operation of openapi.json");
    }
  }
  const std::string secret = random_secret();
  const std::int64_t now_ms = wall_clock_now().ms;
  Result<void> done = change(typed.file, [&](People& people) -> Result<void> {
    if (!is_name(typed.name)) {
      return wrong("\"" + typed.name + "\" is no name: a letter, then letters, digits and . _ -");
    }
    if (people.token(typed.name) != nullptr || people.tokens.size() >= limits::tokens_max) {
      return Unexpected(ErrorCode::conflict,
                        "there is a token " + typed.name + ", or too many tokens");
    }
    people.tokens.push_back(
        {typed.name, *roles, digest_of(secret), now_ms, now_ms + typed.days * kDayMs, typed.only});
    return {};
  });
  if (done) {
    show(typed, "token", std::string(token_prefix) + secret);
  }
  return done;
}

Result<void> revoke_token(const Typed& typed) {
  return change(typed.file, [&](People& people) -> Result<void> {
    if (people.token(typed.name) == nullptr) {
      return Unexpected(ErrorCode::not_found, "there is no token " + typed.name);
    }
    std::erase_if(people.tokens, [&](const Token& each) { return each.name == typed.name; });
    return {};
  });
}

Result<void> list_users(const Typed& typed) {
  const Result<People> people = read_people(typed.file);
  if (!people) {
    return Unexpected(people.error());
  }
  for (const User& user : people->users) {
    if (typed.json) {
      std::printf("%s\n", Json{{"name", user.name},
                               {"roles", to_string(user.roles)},
                               {"disabled", user.disabled},
                               {"changed_at", to_rfc3339({user.changed_at_ms})}}
                              .dump()
                              .c_str());
    } else {
      std::printf("%-24s %-40s %-9s changed %s\n", user.name.c_str(), to_string(user.roles).c_str(),
                  user.disabled ? "disabled" : "", to_rfc3339({user.changed_at_ms}).c_str());
    }
  }
  return {};
}

Result<void> list_tokens(const Typed& typed) {
  const Result<People> people = read_people(typed.file);
  if (!people) {
    return Unexpected(people.error());
  }
  for (const Token& token : people->tokens) {
    if (typed.json) {
      std::printf("%s\n", Json{{"name", token.name},
                               {"roles", to_string(token.roles)},
                               {"only", token.only},
                               {"expires_at", to_rfc3339({token.expires_at_ms})}}
                              .dump()
                              .c_str());
      continue;
    }
    std::string only;
    for (const std::string& each : token.only) {
      only += (only.empty() ? "only " : ",") + each;
    }
    const bool over = wall_clock_now().ms >= token.expires_at_ms;
    std::printf("%-24s %-24s %s %s %s\n", token.name.c_str(), to_string(token.roles).c_str(),
                over ? "expired" : "expires", to_rfc3339({token.expires_at_ms}).c_str(),
                only.c_str());
  }
  return {};
}

// What was typed, and what is to be done about it.
struct Line {
  Typed typed;
  std::function<Result<void>()> chosen;

  CLI::App* command(CLI::App& over, const std::string& word, const std::string& about, bool named,
                    std::function<Result<void>()> todo) {
    CLI::App* app = over.add_subcommand(word, about);
    app->add_option("--file", typed.file, "the people's file");
    app->add_option("--config", typed.config, "the gateway's configuration, which names that file");
    app->add_flag("--json", typed.json, "JSON, one object a line");
    if (named) {
      app->add_option("name", typed.name, "the name")->required();
    }
    app->callback([this, todo = std::move(todo)] { chosen = todo; });
    return app;
  }
};

void add_users(CLI::App& app, Line& line) {
  Typed& typed = line.typed;
  CLI::App& users = *app.add_subcommand("users", "people who log in")->require_subcommand(1);
  CLI::App* init = line.command(users, "init", "makes the file, with one admin", false, [&typed] {
    typed.name = typed.name.empty() ? "admin" : typed.name;
    typed.roles = "admin";
    return add(typed, true);
  });
  init->add_option("--name", typed.name, "the admin's name; without: admin");
  CLI::App* make =
      line.command(users, "add", "adds one", true, [&typed] { return add(typed, false); });
  CLI::App* passwd = line.command(users, "passwd", "gives one a new password", true,
                                  [&typed] { return set_password(typed); });
  CLI::App* roles = line.command(users, "roles", "gives one other roles", true,
                                 [&typed] { return set_roles(typed); });
  for (CLI::App* each : {init, make, passwd}) {
    each->add_flag("--password-stdin", typed.password_stdin,
                   "the password is the line on standard input; without: one is made and shown");
  }
  for (CLI::App* each : {make, roles}) {
    each->add_option("--role", typed.roles, role_names() + "; several with commas")->required();
  }
  line.command(users, "disable", "keeps one out, and ends the sessions", true,
               [&typed] { return set_disabled(typed, true); });
  line.command(users, "enable", "lets one in again", true,
               [&typed] { return set_disabled(typed, false); });
  line.command(users, "remove", "removes one", true, [&typed] { return remove_user(typed); });
  line.command(users, "list", "lists them", false, [&typed] { return list_users(typed); });
}

void add_tokens(CLI::App& app, Line& line, const PeopleTool& tool) {
  Typed& typed = line.typed;
  CLI::App& tokens = *app.add_subcommand("tokens", "machines' tokens")->require_subcommand(1);
  CLI::App* make = line.command(tokens, "add", "makes one and shows it once", true,
                                [&typed, &tool] { return add_token(tool, typed); });
  make->add_option("--role", typed.roles, role_names() + "; several with commas")->required();
  make->add_option("--days", typed.days, "how long it is good")
      ->check(CLI::Range(1, limits::token_days_max));
  make->add_option("--only", typed.only, "operations that it is for, with commas; without: all")
      ->delimiter(',');
  line.command(tokens, "revoke", "ends one", true, [&typed] { return revoke_token(typed); });
  line.command(tokens, "list", "lists them", false, [&typed] { return list_tokens(typed); });
}

int fail(const PeopleTool& tool, const Error& error) {
  std::fprintf(stderr, "%s: %s\n", tool.program.c_str(), error.message.c_str());
  return error.code == ErrorCode::invalid ? daemons::kExitUsage : daemons::kExitFailure;
}

}  // namespace

bool is_people_command(int argc, char** argv) {
  const std::string_view word = argc > 1 ? argv[1] : "";
  return word == "users" || word == "tokens";
}

int run_people_tool(const PeopleTool& tool, int argc, char** argv) {
  CLI::App app("who may use kpay's API and page", tool.program);
  Line line;
  add_users(app, line);
  add_tokens(app, line, tool);
  app.require_subcommand(1);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? daemons::kExitOk : daemons::kExitUsage;
  }
  Typed& typed = line.typed;
  if (typed.file.empty() == typed.config.empty()) {
    return fail(tool,
                {ErrorCode::invalid, "--file FILE or --config FILE is required, one of them"});
  }
  if (typed.file.empty()) {
    Result<std::string> file = tool.file_of_config(typed.config);
    if (!file) {
      return fail(tool, file.error());
    }
    typed.file = *std::move(file);
  }
  const Result<void> done = line.chosen();
  return done ? daemons::kExitOk : fail(tool, done.error());
}

}  // namespace kpay::access
