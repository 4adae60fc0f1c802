#include "daemons/load/manifest.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/horizon.h"

namespace kpay::load {

namespace {

constexpr int kVersion = 1;
constexpr std::int64_t kIdTimeMax = (std::int64_t{1} << 48) - 1;  // an id has 48 bits for its time

Error io_error(const std::string& path, const char* what) {
  return {ErrorCode::io, path + ": " + what + ": " + std::strerror(errno)};
}

// Reads members by their paths, and remembers the first that is missing or of
// another kind: a number that was cut or rounded on its way would give the
// payments other ids.
class Members {
 public:
  explicit Members(const nlohmann::json& json) : json_(json) {}

  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

  std::string text(const char* path) {
    const nlohmann::json* member = find(path);
    return member != nullptr && member->is_string() ? member->get<std::string>()
                                                    : wrong<std::string>(path, "a text");
  }
  // 64 bits as text, so that no reader rounds them.
  std::uint64_t digits(const char* path) {
    const std::string digits = text(path);
    std::uint64_t number = 0;
    const char* end = digits.data() + digits.size();
    const auto read = std::from_chars(digits.data(), end, number);
    return read.ec == std::errc() && read.ptr == end
               ? number
               : wrong<std::uint64_t>(path, "the digits of a whole number");
  }
  std::int64_t count(const char* path, std::int64_t most = kMost) {
    const nlohmann::json* member = find(path);
    return member != nullptr && is_count(*member, most)
               ? member->get<std::int64_t>()
               : wrong<std::int64_t>(path, "a whole number that isn't negative");
  }
  std::vector<std::int64_t> counts(const char* path) {
    std::vector<std::int64_t> counts;
    const nlohmann::json* member = find(path);
    if (member == nullptr || !member->is_array()) {
      return wrong<std::vector<std::int64_t>>(path, "a list of offsets");
    }
    for (const nlohmann::json& each : *member) {
      counts.push_back(is_count(each, kMost) ? each.get<std::int64_t>()
                                             : wrong<std::int64_t>(path, "a list of offsets"));
    }
    return counts;
  }

 private:
  static constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

  [[nodiscard]] const nlohmann::json* find(const char* path) const {
    const nlohmann::json::json_pointer pointer(path);
    return json_.contains(pointer) ? &json_.at(pointer) : nullptr;
  }
  [[nodiscard]] static bool is_count(const nlohmann::json& member, std::int64_t most) {
    return member.is_number_unsigned() &&
           member.get<std::uint64_t>() <= static_cast<std::uint64_t>(most);
  }
  template <class T>
  T wrong(const char* path, const char* expected) {
    problem_ = problem_.empty() ? std::string(path) + " has to be " + expected : problem_;
    return {};
  }

  const nlohmann::json& json_;
  std::string problem_;
};

Result<void> sync_to_disk(const std::string& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC);
  if (descriptor < 0) {
    return Unexpected(io_error(path, "can't be opened"));
  }
  const bool synced = ::fsync(descriptor) == 0;
  const Error error = io_error(path, "can't be made durable");
  ::close(descriptor);
  return synced ? Result<void>() : Unexpected(error);
}

nlohmann::ordered_json to_json(const Manifest& manifest) {
  return {{"version", kVersion},
          {"started_ms", manifest.started.ms},
          {"started", to_rfc3339(manifest.started)},
          {"salt", std::to_string(manifest.salt)},
          {"file",
           {{"name", manifest.file_name},
            {"bytes", manifest.file_bytes},
            {"hash_low", std::to_string(manifest.file_hash.low)},
            {"hash_high", std::to_string(manifest.file_hash.high)}}},
          {"incoming_topic_id", to_string(manifest.incoming_id)},
          {"confirmed_from", manifest.confirmed},
          {"failed_from", manifest.failed}};
}

}  // namespace

Uuid payment_id(const Manifest& manifest, std::string_view id) noexcept {
  const Hash128 hash = hash128(as_bytes(id), manifest.salt);
  std::array<std::uint8_t, 10> entropy{};
  std::memcpy(entropy.data(), &hash.low, 8);
  std::memcpy(entropy.data() + 8, &hash.high, 2);
  return make_uuid_v7(manifest.started, entropy);
}

Result<Manifest> read_manifest(const std::string& path) {
  std::error_code unused;
  if (!std::filesystem::exists(path, unused)) {
    return Unexpected(ErrorCode::not_found, path + ": there is no such manifest");
  }
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) {
    return Unexpected(io_error(path, "can't be read"));
  }
  const nlohmann::json json = nlohmann::json::parse(text.str(), nullptr, false);
  Members members(json);
  const std::optional<Uuid> topic = parse_uuid(members.text("/incoming_topic_id"));
  if (members.count("/version") != kVersion || !topic) {
    return Unexpected(ErrorCode::corrupt, path + ": is no manifest of version 1");
  }
  Manifest manifest{Timestamp{members.count("/started_ms", kIdTimeMax)},
                    members.digits("/salt"),
                    members.text("/file/name"),
                    static_cast<std::uint64_t>(members.count("/file/bytes")),
                    {members.digits("/file/hash_low"), members.digits("/file/hash_high")},
                    *topic,
                    members.counts("/confirmed_from"),
                    members.counts("/failed_from")};
  if (!members.problem().empty()) {
    return Unexpected(ErrorCode::corrupt, path + ": is no manifest: " + members.problem());
  }
  return manifest;
}

Result<void> write_manifest(const std::string& path, const Manifest& manifest) {
  const std::string fresh = path + ".new";
  {
    std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
    // A file's name may be of any bytes; what isn't UTF-8 in it is replaced.
    out << to_json(manifest).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
    out.close();
    if (!out) {
      return Unexpected(io_error(fresh, "can't be written"));
    }
  }
  if (Result<void> synced = sync_to_disk(fresh, O_RDONLY); !synced) {
    return synced;
  }
  if (std::rename(fresh.c_str(), path.c_str()) != 0) {
    return Unexpected(io_error(path, "can't be put in place"));
  }
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return sync_to_disk(folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY);
}

Result<void> check_manifest(const std::string& path, const Manifest& known, const Manifest& now) {
  const auto conflict = [&](const std::string& text) {
    return Unexpected(ErrorCode::conflict, path + ": " + text);
  };
  if (known.file_bytes != now.file_bytes || known.file_hash != now.file_hash) {
    return conflict("belongs to \"" + known.file_name + "\" as it was on " +
                    to_rfc3339(known.started) +
                    "; the file is another or was changed since. "
                    "Give another manifest for what is new");
  }
  if (known.incoming_id != now.incoming_id) {
    return conflict(
        "its payments went to another cluster, or the topics were "
        "made anew since. "
        "Give another manifest to load the file here");
  }
  const std::int64_t age_ms = now.started.ms - known.started.ms;
  if (age_ms > core::kIdAgeMaxMs) {
    return conflict("was begun on " + to_rfc3339(known.started) + ", more than " +
                    std::to_string(core::kIdAgeMaxMs / core::kHourMs) +
                    " hours ago: kpay refuses ids of that age as expired. Look up what is "
                    "missing "
                    "(kpayctl payments get) before you load it with another manifest");
  }
  if (age_ms < -core::kIdAheadMaxMs) {
    return conflict("was begun on " + to_rfc3339(known.started) +
                    ", in this machine's future: is its clock right?");
  }
  return {};
}

}  // namespace kpay::load
