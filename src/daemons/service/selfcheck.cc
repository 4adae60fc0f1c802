#include <cstdio>

#include "daemons/service/exit_codes.h"
#include "daemons/service/service.h"
#include "daemons/service/state_folder.h"
#include "kafka/admin.h"
#include "stream/topics.h"

namespace kpay::daemons {

namespace {

constexpr int kAnswerMs = 5000;

bool report(const char* what, const std::string& problem) {
  std::printf("%-18s %s\n", what, problem.empty() ? "ok" : problem.c_str());
  return problem.empty();
}

std::string topic_problem(kafka::Admin& admin, const std::string& name, std::int32_t partitions) {
  Result<std::vector<kafka::TopicInfo>> infos = admin.describe({name}, kAnswerMs);
  if (!infos) {
    return infos.error().message;
  }
  if (infos->empty()) {
    return "missing: `kpayctl topics apply` makes it";
  }
  if (infos->front().partitions != partitions) {
    return "has " + std::to_string(infos->front().partitions) +
           " partitions, kafka.partitions says " + std::to_string(partitions);
  }
  Result<std::map<std::string, std::string>> settings = admin.settings(name, kAnswerMs);
  if (!settings) {
    return settings.error().message;
  }
  if ((*settings)["message.timestamp.type"] != "LogAppendTime") {
    return "message.timestamp.type must be LogAppendTime: `kpayctl topics apply` sets it";
  }
  return {};
}

}  // namespace

int selfcheck(const DaemonKind& kind, const config::DaemonConfig& config) {
  report("configuration", "");
  Result<std::unique_ptr<StateFolder>> folder = StateFolder::open(config.state.directory, false);
  bool ok = report("state.directory", folder ? "" : folder.error().message);
  Result<kafka::ClientOptions> client = client_options(config.kafka, kind.name + "-selfcheck");
  ok = report("credentials", client ? "" : client.error().message) && ok;
  if (!client) {
    return kExitConfig;
  }
  Result<std::unique_ptr<kafka::Admin>> admin = kafka::Admin::connect(*client);
  if (!admin) {
    report("kafka client", admin.error().message);
    return kExitConfig;
  }
  Result<std::string> cluster = (*admin)->cluster_id(kAnswerMs);
  if (!report("cluster", cluster ? "" : cluster.error().message)) {
    return kExitDependency;
  }
  const stream::TopicTable topics(config.kafka.topic_prefix, stream::topics_of(kind.specs));
  for (std::size_t i = 0; i < topics.size(); ++i) {
    const std::string name = topics.full_name(static_cast<stream::TopicIndex>(i));
    ok = report(name.c_str(), topic_problem(**admin, name, config.kafka.partitions)) && ok;
  }
  return ok ? kExitOk : kExitConfig;
}

}  // namespace kpay::daemons
