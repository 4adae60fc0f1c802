#include "daemons/ctl/http_tables.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "http/json_depth.h"

namespace kpay::ctl {

namespace {

constexpr std::chrono::seconds kAskTime{5};
constexpr std::size_t kPageRows = 1000;
constexpr std::string_view kPlainInUrl =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "0123456789-._~";

std::string in_url(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (kPlainInUrl.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += '%';
      out += to_hex(as_bytes(std::string_view(&c, 1)));
    }
  }
  return out;
}

// Discarded when it is none, or nested too deep to be looked at.
nlohmann::json parsed(const std::string& json) {
  return http::is_shallow_json(json) ? nlohmann::json::parse(json, nullptr, false)
                                     : nlohmann::json(nlohmann::json::value_t::discarded);
}

std::string text_of(const nlohmann::json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool has(const Instance& instance, const std::string& stage, std::int32_t partition) {
  const auto found = instance.stages.find(stage);
  return found != instance.stages.end() &&
         std::find(found->second.begin(), found->second.end(), partition) != found->second.end();
}

}  // namespace

Result<std::map<std::string, std::string>> read_compacted(kafka::TopicReader& reader,
                                                          const std::string& topic) {
  Result<std::vector<kafka::PartitionRange>> ranges = reader.ranges(topic, 1);
  if (!ranges) {
    return Unexpected(ranges.error());
  }
  std::map<std::string, std::string> values;
  Result<void> read =
      reader.read(topic, *ranges, [&](std::int32_t, const stream::LogRecord& record) {
        const std::string key(as_text(record.key));
        if (record.value.empty()) {
          values.erase(key);
        } else {
          values[key] = std::string(as_text(record.value));
        }
        return true;
      });
  if (!read) {
    return Unexpected(read.error());
  }
  return values;
}

std::optional<Instance> parse_instance(const std::string& id, const std::string& json) {
  const nlohmann::json value = parsed(json);
  if (!value.is_object()) {
    return std::nullopt;
  }
  Instance instance;
  instance.id = id;
  instance.daemon = text_of(value, "daemon");
  instance.address = text_of(value, "address");
  instance.build = text_of(value, "build");
  instance.config_hash = text_of(value, "config_hash");
  if (const auto at = value.find("at_ms"); at != value.end() && at->is_number_integer()) {
    instance.at_ms = at->get<std::int64_t>();
  }
  const auto stages = value.find("stages");
  if (stages == value.end() || !stages->is_object()) {
    return instance;
  }
  for (const auto& [stage, partitions] : stages->items()) {
    for (const nlohmann::json& partition : partitions) {
      if (partition.is_number_unsigned() &&
          std::in_range<std::int32_t>(partition.get<std::uint64_t>())) {
        instance.stages[stage].push_back(partition.get<std::int32_t>());
      }
    }
  }
  return instance;
}

Result<HttpTables> HttpTables::open(const HttpFlags& flags, tool::Reached& reached) {
  Result<std::map<std::string, std::string>> metadata =
      read_compacted(*reached.reader, reached.connection.topic("metadata"));
  if (!metadata) {
    return Unexpected(metadata.error());
  }
  return of(flags, *metadata, reached.partitions);
}

HttpTables HttpTables::of(const HttpFlags& flags,
                          const std::map<std::string, std::string>& metadata,
                          std::int32_t partitions) {
  HttpTables tables;
  tables.partitions_ = partitions;
  tables.tls_ = flags.tls();
  tables.client_ = flags.client();
  for (const auto& [id, json] : metadata) {
    if (std::optional<Instance> instance = parse_instance(id, json)) {
      tables.instances_.push_back(std::move(*instance));
    }
  }
  return tables;
}

std::vector<Instance> HttpTables::serving(const std::string& stage) const {
  std::vector<Instance> serving;
  for (std::int32_t partition = 0; partition < partitions_; ++partition) {
    const Instance* newest = nullptr;
    for (const Instance& each : instances_) {
      if (has(each, stage, partition) && (newest == nullptr || each.at_ms > newest->at_ms)) {
        newest = &each;
      }
    }
    if (newest == nullptr) {
      continue;
    }
    const auto found = std::find_if(serving.begin(), serving.end(),
                                    [&](const Instance& each) { return each.id == newest->id; });
    if (found != serving.end()) {
      found->stages[stage].push_back(partition);
    } else {
      serving.push_back(*newest);
      serving.back().stages = {{stage, {partition}}};
    }
  }
  std::sort(serving.begin(), serving.end(),
            [](const Instance& a, const Instance& b) { return a.id < b.id; });
  return serving;
}

std::vector<std::int32_t> HttpTables::unserved(const std::string& stage) const {
  std::vector<std::int32_t> missing;
  for (std::int32_t partition = 0; partition < partitions_; ++partition) {
    if (std::none_of(instances_.begin(), instances_.end(),
                     [&](const Instance& each) { return has(each, stage, partition); })) {
      missing.push_back(partition);
    }
  }
  return missing;
}

Result<http::ClientResponse> HttpTables::ask(const Instance& instance,
                                             const std::string& path) const {
  const std::string url = (tls_ ? "https://" : "http://") + instance.address + path;
  Result<http::ClientResponse> response = client_->get(url, kAskTime);
  if (!response) {
    return Unexpected(response.error().code,
                      instance.id + " at " + instance.address + ": " + response.error().message);
  }
  if (response->status == 200 || response->status == 404) {
    return response;
  }
  const ErrorCode code = response->status == 400 ? ErrorCode::invalid : ErrorCode::unavailable;
  return Unexpected(
      code, instance.id + " answers " + std::to_string(response->status) + ": " + response->body);
}

Result<std::optional<std::string>> HttpTables::get(const std::string& stage,
                                                   const std::string& table, const std::string& key,
                                                   std::int32_t partition) const {
  for (const Instance& instance : serving(stage)) {
    if (!has(instance, stage, partition)) {
      continue;
    }
    Result<http::ClientResponse> response =
        ask(instance, "/tables/" + stage + "." + table + "/" + in_url(key));
    if (!response) {
      return Unexpected(response.error());
    }
    const nlohmann::json body = parsed(response->body);
    if (response->status == 404 || !body.is_object() || !body.contains("row")) {
      return std::optional<std::string>();
    }
    return std::optional(body["row"].dump());
  }
  return Unexpected(ErrorCode::unavailable,
                    "nobody serves partition " + std::to_string(partition) + " of " + stage);
}

Result<RowPage> HttpTables::ask_page(const Instance& instance, const std::string& path,
                                     std::size_t limit, const std::string& cursor) const {
  Result<http::ClientResponse> response =
      ask(instance, path + "limit=" + std::to_string(limit) +
                        (cursor.empty() ? "" : "&cursor=" + in_url(cursor)));
  if (!response) {
    return Unexpected(response.error());
  }
  const nlohmann::json body = parsed(response->body);
  if (response->status != 200 || !body.is_object() || !body.contains("rows")) {
    return Unexpected(ErrorCode::not_found, instance.id + " has no table at " + path);
  }
  RowPage page;
  for (const nlohmann::json& row : body["rows"]) {
    const auto fields = row.find("row");
    page.rows.push_back({text_of(row, "key"), fields == row.end() ? "{}" : fields->dump()});
  }
  page.next = text_of(body, "next");
  return page;
}

Result<RowPage> HttpTables::page_of(const Instance& instance, const std::string& stage,
                                    const std::string& table, std::size_t limit,
                                    const std::string& cursor) const {
  return ask_page(instance, "/tables/" + stage + "." + table + "?", limit, cursor);
}

Result<RowPage> HttpTables::page(const std::string& stage, const std::string& table,
                                 std::size_t limit, const std::string& cursor) const {
  // The cursor is "instance~its own cursor": the pages of one instance, then those of the next.
  const std::size_t mark = cursor.find('~');
  const std::string at = cursor.substr(0, mark);
  const std::vector<Instance> all = serving(stage);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].id < at) {
      continue;
    }
    const bool same = all[i].id == at && mark != std::string::npos;
    Result<RowPage> page =
        page_of(all[i], stage, table, limit, same ? cursor.substr(mark + 1) : "");
    if (!page) {
      return page;
    }
    if (!page->next.empty()) {
      page->next = all[i].id + "~" + page->next;
    } else if (i + 1 < all.size()) {
      page->next = all[i + 1].id + "~";
    }
    if (!page->rows.empty() || page->next.empty()) {
      return page;
    }
  }
  return RowPage{};
}

Result<void> HttpTables::each(const Instance& instance, const std::string& stage,
                              const std::string& table,
                              const std::function<void(const Row&)>& taker,
                              const std::string& from) const {
  std::string cursor;
  const std::string range = from.empty() ? "" : "from=" + in_url(from) + "&";
  const std::string path = "/tables/" + stage + "." + table + "?" + range;
  do {
    Result<RowPage> page = ask_page(instance, path, kPageRows, cursor);
    if (!page) {
      return Unexpected(page.error());
    }
    std::for_each(page->rows.begin(), page->rows.end(), taker);
    cursor = page->next;
  } while (!cursor.empty());
  return {};
}

Result<Asked> ask_daemons(const tool::ConnectionFlags& flags, const HttpFlags& http) {
  Result<tool::Reached> reached = tool::reach_system(flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  Result<HttpTables> tables = HttpTables::open(http, *reached);
  if (!tables) {
    return Unexpected(tables.error());
  }
  return Asked{std::move(*reached), std::move(*tables)};
}

}  // namespace kpay::ctl
