#include "daemons/gateway/requests.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "daemons/gateway/limits.h"
#include "http/json_depth.h"
#include "stream/operator_record.h"

namespace kpay::gateway {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kKeyPrefix = "request/";
constexpr std::string_view kTokenPrefix = "token ";
constexpr std::string_view kApprovedBy = ", approved by ";

std::string text_in(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::int64_t number_in(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

std::optional<std::vector<ctl::LetterId>> letters_in(const Json& json) {
  const auto ids = json.find("ids");
  if (ids == json.end() || !ids->is_array() || ids->empty() ||
      ids->size() > limits::request_letters_max) {
    return std::nullopt;
  }
  std::vector<ctl::LetterId> letters;
  for (const Json& each : *ids) {
    const std::optional<ctl::LetterId> id =
        each.is_string() ? ctl::parse_letter_id(each.get_ref<const std::string&>()) : std::nullopt;
    if (!id) {
      return std::nullopt;
    }
    letters.push_back(*id);
  }
  return letters;
}

std::string_view person_of(std::string_view name) noexcept {
  return name.starts_with(kTokenPrefix) ? name.substr(kTokenPrefix.size()) : name;
}

std::string shortened(const std::string& name, std::size_t bytes_max) {
  return name.size() <= bytes_max ? name : name.substr(0, bytes_max - 1) + "~";
}

}  // namespace

std::string key_of(const LetterRequest& request) { return std::string(kKeyPrefix) + request.id; }

std::string to_json(const LetterRequest& request) {
  Json ids = Json::array();
  for (const ctl::LetterId& id : request.letters) {
    ids.push_back(to_string(id));
  }
  Json json{{"what", request.discards ? "discard" : "replay"},
            {"ids", std::move(ids)},
            {"reason", request.reason},
            {"maker", request.maker},
            {"at_ms", request.at_ms},
            {"expires_ms", request.expires_ms}};
  if (request.approved()) {
    json["approver"] = request.approver;
    json["approve_reason"] = request.approve_reason;
    json["approved_at_ms"] = request.approved_at_ms;
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<LetterRequest> parse_request(std::string_view key, const std::string& value) {
  if (!key.starts_with(kKeyPrefix) || value.size() > limits::request_bytes_max ||
      !http::is_shallow_json(value)) {
    return std::nullopt;
  }
  const std::string id(key.substr(kKeyPrefix.size()));
  const Json json = Json::parse(value, nullptr, false);
  if (!parse_uuid(id) || !json.is_object()) {
    return std::nullopt;
  }
  std::optional<std::vector<ctl::LetterId>> letters = letters_in(json);
  const std::string what = text_in(json, "what");
  LetterRequest request;
  request.id = id;
  request.discards = what == "discard";
  request.reason = text_in(json, "reason");
  request.maker = text_in(json, "maker");
  request.at_ms = number_in(json, "at_ms");
  request.expires_ms = number_in(json, "expires_ms");
  request.approver = text_in(json, "approver");
  request.approve_reason = text_in(json, "approve_reason");
  request.approved_at_ms = number_in(json, "approved_at_ms");
  if (!letters || request.maker.empty() || (what != "replay" && what != "discard")) {
    return std::nullopt;
  }
  request.letters = std::move(*letters);
  return request;
}

std::vector<LetterRequest> requests_in(const std::map<std::string, std::string>& state) {
  std::vector<LetterRequest> requests;
  for (auto each = state.lower_bound(std::string(kKeyPrefix));
       each != state.end() && each->first.starts_with(kKeyPrefix); ++each) {
    if (std::optional<LetterRequest> request = parse_request(each->first, each->second)) {
      requests.push_back(std::move(*request));
    }
  }
  std::stable_sort(
      requests.begin(), requests.end(),
      [](const LetterRequest& a, const LetterRequest& b) { return a.at_ms < b.at_ms; });
  return requests;
}

std::vector<std::string> outdated(const std::vector<LetterRequest>& requests, std::int64_t now_ms) {
  std::vector<std::string> keys;
  for (const LetterRequest& request : requests) {
    if (request.expires_ms < now_ms - limits::request_shown_ms) {
      keys.push_back(key_of(request));
    }
  }
  return keys;
}

bool is_same_person(std::string_view a, std::string_view b) noexcept {
  return person_of(a) == person_of(b);
}

std::string author_of(const LetterRequest& request) {
  const std::size_t room = stream::kOperatorNameMax - kApprovedBy.size();
  std::size_t maker_max = room / 2;
  std::size_t approver_max = room / 2;
  if (request.maker.size() < maker_max) {
    approver_max = room - request.maker.size();
  } else if (request.approver.size() < approver_max) {
    maker_max = room - request.approver.size();
  }
  return shortened(request.maker, maker_max) + std::string(kApprovedBy) +
         shortened(request.approver, approver_max);
}

std::string reason_of(const LetterRequest& request) {
  return request.reason + "; approved: " + request.approve_reason;
}

std::string as_proposal(const LetterRequest& request) {
  std::string ids;
  for (const ctl::LetterId& id : request.letters) {
    ids += " " + to_string(id);
  }
  return "kpayctl dlq " + std::string(request.discards ? "discard" : "replay") + ids +
         " --reason … --key FILE --propose FILE";
}

}  // namespace kpay::gateway
