// kpayctl contexts: clusters by name.
#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "daemons/ctl/change.h"
#include "daemons/ctl/cli.h"
#include "daemons/tool/contexts.h"

namespace kpay::ctl {

namespace {

using Json = nlohmann::ordered_json;

// By its file alone, whatever else was said.
Result<tool::Connection> connection_of(const std::string& name) {
  tool::ConnectionFlags flags;
  flags.context = name;
  return tool::resolve(flags);
}

// The brokers that it leads to, or what is wrong with its file.
std::string brokers_of(const std::string& name) {
  const Result<tool::Connection> connection = connection_of(name);
  return connection ? connection->client.bootstrap_servers : connection.error().message;
}

Result<Answer> list() {
  const std::string current = tool::current_context();
  Json names = Json::array();
  Answer answer;
  TextTable table({"CURRENT", "CONTEXT", "BROKERS"});
  for (const std::string& name : tool::context_names()) {
    const std::string brokers = brokers_of(name);
    const Json one{{"context", name}, {"current", name == current}, {"brokers", brokers}};
    names.push_back(one);
    answer.lines.push_back(one.dump());
    table.add({name == current ? "*" : "", name, brokers});
  }
  answer.json = Json{{"folder", tool::contexts_folder()}, {"contexts", names}}.dump();
  answer.text = table.text();
  answer.note =
      "a context is a file NAME.yaml in " + tool::contexts_folder() + ", as --config takes it\n";
  return answer;
}

Result<Answer> use(const Session& session, const std::string& name) {
  const std::string before = tool::current_context();
  Json json{{"changed", before != name}, {"before", before}, {"after", name}};
  if (!name.empty()) {
    if (const Result<tool::Connection> right = connection_of(name); !right) {
      return Unexpected(right.error());
    }
  }
  if (session.dry_run) {
    json["dry_run"] = true;
  } else if (const Result<void> used = tool::use_context(name); !used) {
    return Unexpected(used.error());
  }
  return Answer{json.dump(), name.empty() ? "no context\n" : name + "\n",
                before == name ? "it was so already\n" : ""};
}

}  // namespace

void add_contexts(CLI::App& app, Session& session) {
  CLI::App* contexts = app.add_subcommand("contexts", "Clusters by name, one of them current");
  contexts->require_subcommand(1);
  CLI::App* all = contexts->add_subcommand("list", "Those there are, and where they lead");
  add_jsonl(*all, session);
  all->callback([&session] { session.chosen = list; });
  const auto name = std::make_shared<std::string>();
  CLI::App* one = contexts->add_subcommand("use", "Make one the current one");
  one->add_option("NAME", *name, "As `contexts list` has it")->required();
  add_dry_run(*one, session);
  one->callback(
      [&session, name] { session.chosen = [&session, name] { return use(session, *name); }; });
  CLI::App* none = contexts->add_subcommand("leave", "Have no current one");
  add_dry_run(*none, session);
  none->callback([&session] { session.chosen = [&session] { return use(session, ""); }; });
}

}  // namespace kpay::ctl
