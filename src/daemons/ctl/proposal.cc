#include "daemons/ctl/proposal.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

namespace kpay::ctl {

namespace {

using Json = nlohmann::ordered_json;

constexpr int kVersion = 1;
constexpr const char* kVersionField = "kpay_proposal";

Result<Bytes> bytes_in(const Json& from, const char* field) {
  const auto text = from.find(field);
  std::optional<Bytes> bytes;
  if (text != from.end() && text->is_string()) {
    bytes = from_hex(text->get<std::string>());
  }
  return bytes
             ? Result<Bytes>(std::move(*bytes))
             : Unexpected(ErrorCode::invalid, std::string("\"") + field + "\" is not hexadecimal");
}

Result<ProposedRecord> record_in(const Json& from) {
  const auto partition = from.is_object() ? from.find("partition") : from.end();
  if (partition == from.end() || !partition->is_number_unsigned() ||
      !std::in_range<std::int32_t>(partition->get<std::uint64_t>())) {
    return Unexpected(ErrorCode::invalid, "\"partition\" is not a partition's number");
  }
  Result<Bytes> key = bytes_in(from, "key");
  Result<Bytes> value = bytes_in(from, "value");
  if (!key || !value) {
    return Unexpected(!key ? key.error() : value.error());
  }
  ProposedRecord record{partition->get<std::int32_t>(), std::move(*key), std::move(*value)};
  for (const Json& header : from.value("headers", Json::array())) {
    if (!header.is_object() || !header.contains("name") || !header["name"].is_string()) {
      return Unexpected(ErrorCode::invalid, "a header has no \"name\"");
    }
    auto& [name, content] =
        record.headers.emplace_back(header["name"].get<std::string>(), std::nullopt);
    if (header.contains("value")) {
      Result<Bytes> bytes = bytes_in(header, "value");
      if (!bytes) {
        return Unexpected(bytes.error());
      }
      content = std::move(*bytes);
    }
  }
  return record;
}

Json json_of(const ProposedRecord& record) {
  Json json{{"partition", record.partition},
            {"key", to_hex(record.key)},
            {"value", to_hex(record.value)}};
  for (const auto& [name, value] : record.headers) {
    Json& header = json["headers"].emplace_back(Json{{"name", name}});
    if (value) {
      header["value"] = to_hex(*value);
    }
  }
  return json;
}

}  // namespace

Result<Proposal> read_proposal(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    return Unexpected(errno == ENOENT ? ErrorCode::not_found : ErrorCode::io,
                      path + ": " + std::strerror(errno));
  }
  const Json json = Json::parse(file, nullptr, false);
  if (!json.is_object() || !json.contains(kVersionField) || json[kVersionField] != kVersion ||
      !json.contains("topic") || !json["topic"].is_string() || !json.contains("records") ||
      !json["records"].is_array()) {
    return Unexpected(ErrorCode::invalid,
                      path + ": no proposal; --propose of dlq, tasks and keys writes one");
  }
  Proposal proposal{json["topic"].get<std::string>(), {}};
  for (const Json& each : json["records"]) {
    Result<ProposedRecord> record = record_in(each);
    if (!record) {
      return Unexpected(ErrorCode::invalid, path + ": record " +
                                                std::to_string(proposal.records.size() + 1) + ": " +
                                                record.error().message);
    }
    proposal.records.push_back(std::move(*record));
  }
  return proposal;
}

Result<void> write_proposal(const std::string& path, const Proposal& proposal) {
  Json json{{kVersionField, kVersion}, {"topic", proposal.topic}, {"records", Json::array()}};
  for (const ProposedRecord& record : proposal.records) {
    json["records"].push_back(json_of(record));
  }
  const std::string unfinished = path + ".new";
  std::ofstream file(unfinished, std::ios::trunc);
  file << json.dump(1) << "\n";
  file.close();
  if (!file || std::rename(unfinished.c_str(), path.c_str()) != 0) {
    return Unexpected(ErrorCode::io, path + ": " + std::strerror(errno));
  }
  return {};
}

stream::OperatorRecord signed_by(stream::OperatorRecord record,
                                 const std::vector<SigningKey>& keys) {
  const Bytes bytes = encode(record);
  const ByteView message = stream::signed_part(bytes);
  for (const SigningKey& key : keys) {
    const PublicKey signer = key.public_key();
    std::erase_if(record.signatures, [&](const auto& each) { return each.key == signer; });
    record.signatures.push_back({signer, key.sign(message)});
  }
  return record;
}

std::vector<PublicKey> signers_of(const stream::OperatorRecord& record) {
  const Bytes bytes = encode(record);
  std::vector<PublicKey> signers;
  for (const stream::OperatorSignature& each : record.signatures) {
    if (is_signed_by(each.key, stream::signed_part(bytes), each.signature) &&
        std::find(signers.begin(), signers.end(), each.key) == signers.end()) {
      signers.push_back(each.key);
    }
  }
  return signers;
}

Result<std::vector<SigningKey>> read_keys(const std::vector<std::string>& paths) {
  std::vector<SigningKey> keys;
  for (const std::string& path : paths) {
    Result<SigningKey> key = SigningKey::read(path);
    if (!key) {
      return Unexpected(key.error());
    }
    keys.push_back(std::move(*key));
  }
  return keys;
}

}  // namespace kpay::ctl
