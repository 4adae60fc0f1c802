#include "daemons/tool/contexts.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace kpay::tool {

namespace {

namespace fs = std::filesystem;

constexpr const char* kEnding = ".yaml";
constexpr const char* kCurrent = "current-context";  // beside the folder

// A name is a file's: nothing that leads out of the folder.
bool is_name(const std::string& name) {
  return !name.empty() && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
         });
}

fs::path current_file() { return fs::path(contexts_folder()).parent_path() / kCurrent; }

}  // namespace

std::string contexts_folder() {
  const auto from = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  const std::string config = from("XDG_CONFIG_HOME");
  const std::string home = from("HOME");
  return !config.empty() ? config + "/kpay/contexts"
         : home.empty()  ? std::string()
                         : home + "/.config/kpay/contexts";
}

std::vector<std::string> context_names() {
  std::vector<std::string> names;
  std::error_code none;
  for (const fs::directory_entry& entry : fs::directory_iterator(contexts_folder(), none)) {
    if (entry.path().extension() == kEnding && is_name(entry.path().stem().string())) {
      names.push_back(entry.path().stem().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string current_context() {
  std::string name;
  if (!contexts_folder().empty()) {
    std::getline(std::ifstream(current_file()) >> std::ws, name);
  }
  return context_file(name) ? name : std::string();
}

Result<std::string> context_file(const std::string& name) {
  if (!is_name(name)) {
    return Unexpected(ErrorCode::invalid,
                      "\"" + name + "\" is no name of a context: letters, digits, - _ . are right");
  }
  const std::string file = contexts_folder() + "/" + name + kEnding;
  std::error_code none;
  if (!fs::exists(file, none)) {
    std::string others;
    for (const std::string& each : context_names()) {
      others += (others.empty() ? "; there are " : ", ") + each;
    }
    return Unexpected(
        ErrorCode::not_found,
        "no context " + name + ": " + file + " isn't there, a file as --config takes it" + others);
  }
  return file;
}

Result<void> use_context(const std::string& name) {
  std::error_code failed;
  if (name.empty()) {
    fs::remove(current_file(), failed);
    return {};
  }
  if (const Result<std::string> file = context_file(name); !file) {
    return Unexpected(file.error());
  }
  const fs::path path = current_file();
  const fs::path next = path.string() + ".new";
  std::ofstream(next) << name << '\n';
  fs::rename(next, path, failed);
  return failed ? Result<void>(Unexpected(ErrorCode::io, path.string() + ": " + failed.message()))
                : Result<void>();
}

}  // namespace kpay::tool
