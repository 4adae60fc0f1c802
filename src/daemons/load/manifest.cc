#include "daemons/load/manifest.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/limits.h"

namespace kpay::load {

namespace {

constexpr int kVersion = 1;

Error io_error(const std::string& path, const char* what) {
  return {ErrorCode::io, path + ": " + what + ": " + std::strerror(errno)};
}

// Numbers of 64 bits as text, so that no reader rounds them.
std::uint64_t number_in(const nlohmann::json& json, const char* name) {
  const std::string text = json.at(name).get<std::string>();
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

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
  try {
    const nlohmann::json json = nlohmann::json::parse(text.str());
    const std::optional<Uuid> topic = parse_uuid(json.at("incoming_topic_id").get<std::string>());
    if (json.at("version").get<int>() != kVersion || !topic) {
      return Unexpected(ErrorCode::corrupt, path + ": is no manifest of version 1");
    }
    const nlohmann::json& file = json.at("file");
    return Manifest{Timestamp{json.at("started_ms").get<std::int64_t>()},
                    number_in(json, "salt"),
                    file.at("name").get<std::string>(),
                    file.at("bytes").get<std::uint64_t>(),
                    {number_in(file, "hash_low"), number_in(file, "hash_high")},
                    *topic,
                    json.at("confirmed_from").get<std::vector<std::int64_t>>(),
                    json.at("failed_from").get<std::vector<std::int64_t>>()};
  } catch (const nlohmann::json::exception& error) {
    return Unexpected(ErrorCode::corrupt, path + ": is no manifest: " + error.what());
  }
}

Result<void> write_manifest(const std::string& path, const Manifest& manifest) {
  const std::string fresh = path + ".new";
  {
    std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
    out << to_json(manifest).dump(2) << "\n";
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
        "its payments went to another cluster, or the topics were made anew since. "
        "Give another manifest to load the file here");
  }
  const std::int64_t age_ms = now.started.ms - known.started.ms;
  if (age_ms > core::kIdAgeMaxMs) {
    return conflict("was begun on " + to_rfc3339(known.started) + ", more than " +
                    std::to_string(core::kIdAgeMaxMs / core::kHourMs) +
                    " hours ago: kpay refuses ids of that age as expired. Look up what is missing "
                    "(kpayctl payments get) before you load it with another manifest");
  }
  if (age_ms < -core::kIdAheadMaxMs) {
    return conflict("was begun on " + to_rfc3339(known.started) +
                    ", in this machine's future: is its clock right?");
  }
  return {};
}

}  // namespace kpay::load
