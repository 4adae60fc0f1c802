// HttpTables: asks the daemons for rows of their tables; the topic `metadata` says who has which.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemons/tool/connection.h"
#include "http/client.h"

namespace kpay::ctl {

/// How daemons are asked that don't listen on loopback: over mutual TLS. Empty: in the clear.
struct HttpFlags {
  std::string ca;
  std::string certificate;
  std::string key;
  /// Of a process that asks again and again; null: each question has a connection of its own.
  std::shared_ptr<http::Connections> connections{};

  [[nodiscard]] bool tls() const noexcept { return !certificate.empty() || !ca.empty(); }
  [[nodiscard]] http::Client client() const {
    return http::Client({ca, certificate, key, {}, connections});
  }
};

/// An instance as it described itself on `metadata`.
struct Instance {
  std::string id;
  std::string daemon;
  std::string address;
  std::string build;
  std::string config_hash;
  std::map<std::string, std::vector<std::int32_t>> stages;
  std::int64_t at_ms = 0;
};

/// The newest value of each key of a compacted topic with one partition; deleted ones are gone.
[[nodiscard]] Result<std::map<std::string, std::string>> read_compacted(kafka::TopicReader& reader,
                                                                        const std::string& topic);

/// Nothing when the value is no JSON object of that kind.
[[nodiscard]] std::optional<Instance> parse_instance(const std::string& id,
                                                     const std::string& json);

/// A row: its key as text, and its fields as a JSON object.
struct Row {
  std::string key;
  std::string json;
};

struct RowPage {
  std::vector<Row> rows;
  std::string next;  ///< empty on the last page
};

class HttpTables {
 public:
  static Result<HttpTables> open(const HttpFlags& flags, tool::Reached& reached);
  /// From the records of `metadata`, by instance, as they are now.
  static HttpTables of(const HttpFlags& flags, const std::map<std::string, std::string>& metadata,
                       std::int32_t partitions);

  /// The row's fields, asked of who has that partition. Errors: unavailable, naming the partition
  /// that nobody serves, or the daemon that doesn't answer.
  Result<std::optional<std::string>> get(const std::string& stage, const std::string& table,
                                         const std::string& key, std::int32_t partition) const;
  /// A page of what all instances have; `cursor` is the page's before.
  Result<RowPage> page(const std::string& stage, const std::string& table, std::size_t limit,
                       const std::string& cursor) const;
  /// Every row of an instance's table, or those from the key `from` on.
  Result<void> each(const Instance& instance, const std::string& stage, const std::string& table,
                    const std::function<void(const Row&)>& taker,
                    const std::string& from = "") const;
  /// A page of what one instance has; `cursor` is the page's before.
  Result<RowPage> page_of(const Instance& instance, const std::string& stage,
                          const std::string& table, std::size_t limit,
                          const std::string& cursor) const;

  /// Who serves the stage, by id; each partition of it once, at its newest instance.
  [[nodiscard]] std::vector<Instance> serving(const std::string& stage) const;
  /// Partitions of the stage that nobody serves.
  [[nodiscard]] std::vector<std::int32_t> unserved(const std::string& stage) const;

 private:
  Result<http::ClientResponse> ask(const Instance& instance, const std::string& path) const;
  Result<RowPage> ask_page(const Instance& instance, const std::string& path, std::size_t limit,
                           const std::string& cursor) const;

  std::vector<Instance> instances_;
  std::int32_t partitions_ = 0;
  bool tls_ = false;
  std::optional<http::Client> client_;
};

/// A cluster that was reached, and its daemons' tables.
struct Asked {
  tool::Reached reached;
  HttpTables tables;
};
[[nodiscard]] Result<Asked> ask_daemons(const tool::ConnectionFlags& flags, const HttpFlags& http);

}  // namespace kpay::ctl
