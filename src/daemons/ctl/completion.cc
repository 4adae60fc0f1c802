#include "daemons/ctl/completion.h"

#include <CLI/CLI.hpp>
#include <vector>

#include "daemons/ctl/cli.h"
#include "http/json.h"

namespace kpay::ctl {

namespace {

std::string options_of(const CLI::App& app) {
  std::string words;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      words += " --" + name;
    }
  }
  return words;
}

// One case for each command: what may follow it. Options of those above stand anywhere.
void add_cases(const CLI::App& app, const std::string& path, const std::string& inherited,
               std::string& cases) {
  const std::string options = inherited + options_of(app);
  std::string words;
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    words += " " + command->get_name();
  }
  cases += "    '" + path + "') words='" + words + options + "' ;;\n";
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    add_cases(*command, path + " " + command->get_name(), options, cases);
  }
}

// What takes a file: completed by the shell itself.
constexpr const char* kFileOptions = "--config|--from-file|--http-ca|--http-certificate|--http-key";

std::string bash_script(const CLI::App& app) {
  const std::string name = app.get_name();
  std::string paths;
  std::string cases;
  add_cases(app, name, "", cases);
  return "# bash completion of " + name +
         ": source it, or put it into bash-completion's folder\n"
         "_" +
         name +
         "() {\n"
         "  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
         "  local path=" +
         name +
         " words='' word i\n"
         "  case $before in " +
         kFileOptions +
         ") COMPREPLY=($(compgen -f -- \"$current\")); return ;; esac\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    word=${COMP_WORDS[i]}\n"
         "    _" +
         name +
         "_words \"$path $word\" && path=\"$path $word\"\n"
         "  done\n"
         "  _" +
         name +
         "_words \"$path\"\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
         "}\n"
         "# The words that may follow a command; fails for what is none.\n"
         "_" +
         name +
         "_words() {\n"
         "  case $1 in\n" +
         cases +
         "    *) return 1 ;;\n"
         "  esac\n"
         "}\n"
         "complete -F _" +
         name + " " + name + "\n";
}

}  // namespace

std::optional<std::string> completion(const CLI::App& app, std::string_view shell) {
  if (shell == "bash") {
    return bash_script(app);
  }
  if (shell == "zsh") {
    // zsh runs bash's completions as they are.
    return "#compdef " + app.get_name() + "\nautoload -U +X bashcompinit && bashcompinit\n" +
           bash_script(app);
  }
  return std::nullopt;
}

void add_completion(CLI::App& app, Session& session) {
  const auto shell = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("completion", "A script that completes commands");
  command->add_option("SHELL", *shell, "bash or zsh")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh"}));
  command->callback([&app, &session, shell] {
    session.chosen = [&app, shell]() -> Result<Answer> {
      const std::string script = completion(app, *shell).value_or("");
      return Answer{http::JsonObject().add("script", script).finish(), script};
    };
  });
}

}  // namespace kpay::ctl
