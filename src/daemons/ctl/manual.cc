#include "daemons/ctl/manual.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "build_info.h"
#include "daemons/ctl/cli.h"

namespace kpay::ctl {

namespace {

// Text as it is: no character of it is roff's.
std::string plain(const std::string& text) {
  std::string escaped;
  bool begins = true;
  for (const char c : text) {
    if (begins && (c == '.' || c == '\'')) {
      escaped += "\\&";
    }
    escaped += c == '\\' ? "\\e" : c == '-' ? "\\-" : std::string(1, c);
    begins = c == '\n';
  }
  return escaped;
}

std::string bold(const std::string& text) { return "\\fB" + plain(text) + "\\fR"; }

bool is_flag(const CLI::Option& option) { return option.get_items_expected_max() == 0; }

// "-y, --yes", "--currency VALUE", "ID"
std::string names_of(const CLI::Option& option) {
  if (option.get_positional()) {
    return "\\fI" + plain(option.get_name(true)) + "\\fR";
  }
  std::string names;
  for (const std::string& name : option.get_snames()) {
    names += (names.empty() ? "" : ", ") + bold("-" + name);
  }
  for (const std::string& name : option.get_lnames()) {
    names += (names.empty() ? "" : ", ") + bold("--" + name);
  }
  return is_flag(option) ? names : names + " \\fI" + plain(option.get_type_name()) + "\\fR";
}

std::string options_of(const CLI::App& app) {
  std::string text;
  for (const CLI::Option* option : app.get_options()) {
    if (option == app.get_help_ptr()) {
      continue;
    }
    text += ".TP\n" + names_of(*option) + "\n" + plain(option->get_description()) +
            (option->get_required() ? " Required." : "") + "\n";
  }
  return text;
}

std::string synopsis_of(const CLI::App& app, const std::string& path) {
  std::string text = bold(path);
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) {
      text += (option->get_required() ? " " : " [") + names_of(*option) +
              (option->get_required() ? "" : "]");
    } else if (option->get_required()) {
      text += " " + names_of(*option);
    }
  }
  return text + " [options]";
}

std::string head(const std::string& name, const std::string& about, const std::string& version) {
  std::string title = name;
  std::transform(title.begin(), title.end(), title.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return ".TH " + title + " 1 \"\" \"kpay " + plain(version) + "\" \"kpay\"\n.SH NAME\n" +
         plain(name) + " \\- " + plain(about) + "\n";
}

std::string noun_page(const CLI::App& tool, const CLI::App& noun, const std::string& version) {
  const std::string path = tool.get_name() + " " + noun.get_name();
  const std::vector<const CLI::App*> verbs = noun.get_subcommands(nullptr);
  std::string text = head(tool.get_name() + "-" + noun.get_name(), noun.get_description(), version);
  text += ".SH SYNOPSIS\n";
  if (verbs.empty()) {
    text += synopsis_of(noun, path) + "\n.SH OPTIONS\n" + options_of(noun);
  }
  for (const CLI::App* verb : verbs) {
    text += synopsis_of(*verb, path + " " + verb->get_name()) + "\n.br\n";
  }
  if (!verbs.empty()) {
    text += ".SH COMMANDS\n";
  }
  for (const CLI::App* verb : verbs) {
    text += ".SS " + plain(verb->get_name()) + "\n" + plain(verb->get_description()) + "\n" +
            options_of(*verb);
  }
  return text + ".SH SEE ALSO\n" + bold(tool.get_name()) +
         "(1), for the options that every command has, and exit codes\n";
}

std::string tool_page(const CLI::App& tool, const std::string& version) {
  std::string text = head(tool.get_name(), tool.get_description(), version);
  text += ".SH SYNOPSIS\n" + bold(tool.get_name()) + " NOUN [VERB] [options]\n.SH COMMANDS\n";
  std::string also;
  for (const CLI::App* noun : tool.get_subcommands(nullptr)) {
    const std::string page = tool.get_name() + "-" + noun->get_name();
    text += ".TP\n" + bold(noun->get_name()) + "\n" + plain(noun->get_description()) + "\n";
    also += (also.empty() ? "" : ",\n") + bold(page) + "(1)";
  }
  text += ".SH OPTIONS\nThey may stand anywhere.\n" + options_of(tool);
  text += ".SH NOTES\n.nf\n" + plain(tool.get_footer()) + "\n.fi\n";
  return text + ".SH SEE ALSO\n" + also + "\n";
}

Result<Answer> write_manual(const CLI::App& app, const std::string& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  nlohmann::ordered_json names = nlohmann::ordered_json::array();
  for (const auto& [name, text] : manual(app, std::string(kVersion))) {
    const std::string path = folder + "/" + name;
    std::ofstream file(path);
    file << text;
    file.close();
    if (failed || !file) {
      return Unexpected(ErrorCode::io, path + " can't be written");
    }
    names.push_back(path);
  }
  const std::string count = std::to_string(names.size());
  return Answer{nlohmann::ordered_json{{"pages", names}}.dump(),
                count + " pages in " + folder + "\n", "`man " + folder + "/kpayctl.1` shows one\n"};
}

}  // namespace

std::vector<std::pair<std::string, std::string>> manual(const CLI::App& app,
                                                        const std::string& version) {
  std::vector<std::pair<std::string, std::string>> pages{
      {app.get_name() + ".1", tool_page(app, version)}};
  for (const CLI::App* noun : app.get_subcommands(nullptr)) {
    pages.emplace_back(app.get_name() + "-" + noun->get_name() + ".1",
                       noun_page(app, *noun, version));
  }
  return pages;
}

void add_manual(CLI::App& app, Session& session) {
  const auto folder = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("manual", "Write the man pages");
  command->add_option("FOLDER", *folder, "Where to, as /usr/local/share/man/man1")->required();
  command->callback([&app, &session, folder] {
    session.chosen = [&app, folder] { return write_manual(app, *folder); };
  });
}

}  // namespace kpay::ctl
