#include <unistd.h>

#include <cstdio>
#include <set>

#include "daemons/service/certificates.h"
#include "daemons/service/exit_codes.h"
#include "daemons/service/service.h"
#include "daemons/service/state_folder.h"
#include "daemons/topics/topic_plan.h"
#include "kafka/admin.h"
#include "stream/topics.h"

namespace kpay::daemons {

namespace {

constexpr int kAnswerMs = 5000;

using Operations = std::set<std::string>;

// Lines of "what  ok" or "what  problem", and what they add up to.
class Report {
 public:
  bool line(const std::string& what, const std::string& problem, const std::string& note = {}) {
    const std::string fine = note.empty() ? "ok" : "ok (" + note + ")";
    std::printf("%-32s %s\n", what.c_str(), problem.empty() ? fine.c_str() : problem.c_str());
    ok_ = ok_ && problem.empty();
    return problem.empty();
  }
  [[nodiscard]] bool ok() const noexcept { return ok_; }

 private:
  bool ok_ = true;
};

void check_state_folder(const config::DaemonConfig& config, Report& report) {
  const std::string& path = config.state.directory;
  const Result<std::unique_ptr<StateFolder>> folder = StateFolder::open(path, false);
  if (!folder && folder.error().code == ErrorCode::conflict && ::access(path.c_str(), W_OK) == 0) {
    report.line("state.directory", "", "in use: this instance runs");
  } else {
    report.line("state.directory", folder ? "" : folder.error().message);
  }
}

void check_certificates(const char* field, const std::string& file, Report& report) {
  if (!file.empty()) {
    const Result<Timestamp> end = certificates_end(file, wall_clock_now());
    report.line(field, end ? "" : end.error().message, end ? "until " + to_rfc3339(*end) : "");
  }
}

void check_key(const char* field, const std::string& key, const std::string& certificate,
               Report& report) {
  if (!key.empty()) {
    const Result<void> fits = check_private_key(key, certificate);
    report.line(field, fits ? "" : fits.error().message);
  }
}

void check_tls(const config::DaemonConfig& config, Report& report) {
  const config::KafkaConfig& kafka = config.kafka;
  check_certificates("kafka.ssl_ca_file", kafka.ssl_ca_file, report);
  check_certificates("kafka.ssl_certificate_file", kafka.ssl_certificate_file, report);
  check_key("kafka.ssl_key_file", kafka.ssl_key_file, kafka.ssl_certificate_file, report);
  if (config.http.tls) {
    check_certificates("http.tls_certificate_file", config.http.tls->certificate, report);
    check_key("http.tls_key_file", config.http.tls->key, config.http.tls->certificate, report);
    check_certificates("http.tls_client_ca_file", config.http.tls->client_ca, report);
  }
}

// What of `needed` the principal may not do.
std::string acl_problem(const Result<Operations>& allowed, const Operations& needed) {
  if (!allowed) {
    return allowed.error().code == ErrorCode::not_found
               ? "missing, or this principal may not Describe it: `kpayctl topics apply` makes it"
               : allowed.error().message;
  }
  std::string missing;
  for (const std::string& each : needed) {
    if (!allowed->contains(each) && !allowed->contains("All")) {
      missing += (missing.empty() ? "" : ", ") + each;
    }
  }
  return missing.empty() ? missing : "this principal lacks the ACL for " + missing;
}

// Stages read their inputs, tick them, and trim their changelogs; everything else they only write.
Operations needed_of(const DaemonKind& kind, const std::string& topic) {
  Operations needed{"Describe", "DescribeConfigs", "Write"};
  for (const stream::StageSpec& spec : kind.specs) {
    if (topic == spec.input || topic == spec.changelog()) {
      needed.insert("Read");
    }
    if (topic == spec.changelog()) {
      needed.insert("Delete");
    }
  }
  return needed;
}

std::string settings_problem(kafka::Admin& admin, const DaemonKind& kind,
                             const config::KafkaConfig& config, const std::string& topic) {
  const std::string name = config.topic_prefix + topic;
  Result<std::vector<kafka::TopicInfo>> infos = admin.describe({name}, kAnswerMs);
  if (!infos) {
    return infos.error().message;
  }
  const kafka::TopicInfo& info = infos->front();
  if (info.partitions != config.partitions) {
    return "has " + std::to_string(info.partitions) + " partitions, kafka.partitions says " +
           std::to_string(config.partitions);
  }
  Result<std::map<std::string, std::string>> settings = admin.settings(name, kAnswerMs);
  if (!settings) {
    return settings.error().message;
  }
  return topics::contract_fault(kind.specs,
                                {topic, info.partitions, info.replication, std::move(*settings)},
                                config.topic_prefix);
}

void check_topics(kafka::Admin& admin, const DaemonKind& kind, const config::KafkaConfig& config,
                  Report& report) {
  for (const std::string& topic : stream::topics_of(kind.specs)) {
    const std::string name = config.topic_prefix + topic;
    std::string problem =
        acl_problem(admin.topic_operations(name, kAnswerMs), needed_of(kind, topic));
    problem = problem.empty() ? settings_problem(admin, kind, config, topic) : problem;
    report.line(name, problem);
  }
  const std::pair<const char*, Operations> control[] = {{"control.state", {"Describe", "Read"}},
                                                        {"control.status", {"Describe", "Write"}},
                                                        {"metadata", {"Describe", "Write"}}};
  for (const auto& [topic, needed] : control) {
    const std::string name = config.topic_prefix + topic;
    report.line(name, acl_problem(admin.topic_operations(name, kAnswerMs), needed));
  }
  for (const stream::StageSpec& spec : kind.specs) {
    const std::string group = config.topic_prefix + spec.name;
    report.line("group " + group, acl_problem(admin.group_operations(group, kAnswerMs), {"Read"}));
  }
}

}  // namespace

int selfcheck(const DaemonKind& kind, const config::DaemonConfig& config) {
  Report report;
  report.line("configuration", "", "hash " + config.hash);
  check_state_folder(config, report);
  check_tls(config, report);
  const Result<kafka::ClientOptions> client =
      client_options(config.kafka, kind.name + "-selfcheck");
  if (!report.line("credentials", client ? "" : client.error().message)) {
    return kExitConfig;
  }
  const Result<std::unique_ptr<kafka::Admin>> admin = kafka::Admin::connect(*client);
  if (!admin) {
    report.line("kafka client", admin.error().message);
    return kExitConfig;
  }
  const Result<std::string> cluster = (*admin)->cluster_id(kAnswerMs);
  if (!report.line("cluster", cluster ? "" : cluster.error().message, cluster ? *cluster : "")) {
    return kExitDependency;
  }
  check_topics(**admin, kind, config.kafka, report);
  return report.ok() ? kExitOk : kExitConfig;
}

}  // namespace kpay::daemons
