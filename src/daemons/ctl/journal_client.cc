#include "daemons/ctl/journal_client.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "http/json_depth.h"

namespace kpay::ctl {

namespace {

constexpr std::string_view kDaemon = "kpay-journal";
constexpr std::chrono::seconds kAskTime{5};

}  // namespace

std::string detail_of(const std::string& body) {
  if (!http::is_shallow_json(body)) {
    return {};
  }
  const nlohmann::json json = nlohmann::json::parse(body, nullptr, false);
  const auto found = json.find("detail");
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Result<http::ClientResponse> ask_journal(const HttpFlags& flags,
                                         const std::map<std::string, std::string>& metadata,
                                         const std::string& path) {
  std::vector<Instance> journals;
  for (const auto& [id, json] : metadata) {
    std::optional<Instance> instance = parse_instance(id, json);
    if (instance && instance->daemon == kDaemon) {
      journals.push_back(std::move(*instance));
    }
  }
  std::sort(journals.begin(), journals.end(),
            [](const Instance& a, const Instance& b) { return a.at_ms > b.at_ms; });
  const http::Client client = flags.client();
  std::string why = "no kpay-journal is there";
  for (const Instance& each : journals) {
    Result<http::ClientResponse> answer =
        client.get((flags.tls() ? "https://" : "http://") + each.address + path, kAskTime);
    if (answer && answer->status != 503) {
      return answer;
    }
    why = each.id + " at " + each.address + ": " +
          (answer ? detail_of(answer->body) : answer.error().message);
  }
  return Unexpected(ErrorCode::unavailable, why);
}

}  // namespace kpay::ctl
