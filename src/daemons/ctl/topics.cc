#include "daemons/ctl/topics.h"

#include <algorithm>

#include "base/time.h"
#include "build_info.h"
#include "daemons/tool/sweep.h"
#include "kafka/plain_producer.h"
#include "stages/specs.h"
#include "stream/topics.h"

namespace kpay::ctl {

namespace {

constexpr std::int32_t kPartitionsDefault = 12;
constexpr std::int32_t kReplicationDefault = 3;
constexpr int kCreateMs = 60'000;
constexpr int kLeaderMs = 30'000;

struct SeenTopics {
  std::vector<kafka::TopicInfo> infos;
  std::vector<TopicShape> shapes;  ///< as infos, names without the prefix

  [[nodiscard]] const kafka::TopicInfo* find(const std::string& full_name) const {
    const auto found = std::find_if(infos.begin(), infos.end(), [&](const kafka::TopicInfo& info) {
      return info.name == full_name;
    });
    return found == infos.end() ? nullptr : &*found;
  }
};

Result<SeenTopics> see(const tool::Connection& connection, kafka::Admin& admin,
                       const std::vector<TopicShape>& wanted) {
  std::vector<std::string> names;
  for (const TopicShape& topic : wanted) {
    names.push_back(connection.topic(topic.name));
  }
  Result<std::vector<kafka::TopicInfo>> infos = admin.describe(names, tool::kAnswerMs);
  if (!infos) {
    return Unexpected(infos.error());
  }
  SeenTopics seen{std::move(*infos), {}};
  for (const kafka::TopicInfo& info : seen.infos) {
    Result<std::map<std::string, std::string>> settings =
        admin.settings(info.name, tool::kAnswerMs);
    if (!settings) {
      return Unexpected(settings.error());
    }
    seen.shapes.push_back({info.name.substr(connection.prefix.size()), info.partitions,
                           info.replication, std::move(*settings)});
  }
  return seen;
}

Result<TopicSizes> sizes_of(const tool::Connection& connection, kafka::Admin& admin,
                            std::int32_t replication) {
  Result<std::vector<kafka::TopicInfo>> infos =
      admin.describe({connection.topic(stages::kTopicIncoming)}, tool::kAnswerMs);
  if (!infos) {
    return Unexpected(infos.error());
  }
  Result<int> brokers = admin.brokers(tool::kAnswerMs);
  if (!brokers) {
    return Unexpected(brokers.error());
  }
  TopicSizes sizes{kPartitionsDefault, std::min(kReplicationDefault, std::max(1, *brokers))};
  if (!infos->empty()) {
    sizes = {infos->front().partitions, infos->front().replication};
  }
  sizes.partitions = connection.partitions.value_or(sizes.partitions);
  sizes.replication = replication > 0 ? replication : sizes.replication;
  return sizes;
}

stream::TopicTable table_of(const tool::Connection& connection, const SeenTopics& seen,
                            const std::vector<stream::StageSpec>& specs) {
  const std::vector<std::string> names = stream::topics_of(specs);
  stream::TopicTable table(connection.prefix, names);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto topic = static_cast<stream::TopicIndex>(i);
    if (const kafka::TopicInfo* info = seen.find(table.full_name(topic))) {
      table.set_id(topic, info->id);
    }
  }
  return table;
}

// A topic that was made a moment ago may have no leader yet.
Result<stream::LogBounds> bounds_of(kafka::Admin& admin, const std::string& topic,
                                    std::int32_t partition) {
  const std::int64_t deadline = monotonic_ms() + kLeaderMs;
  Result<stream::LogBounds> bounds = admin.bounds(topic, partition, tool::kAnswerMs);
  while (!bounds && monotonic_ms() < deadline) {
    bounds = admin.bounds(topic, partition, tool::kAnswerMs);
  }
  return bounds;
}

Result<void> view_bounds(const tool::Connection& connection, kafka::Admin& admin,
                         const SeenTopics& seen, TopicsView& view) {
  const std::vector<stream::StageSpec> specs = stages::all_specs();
  const stream::TopicTable table = table_of(connection, seen, specs);
  for (const stream::StageSpec& spec : specs) {
    const stream::Identity identity =
        table.identity_for(spec, view.cluster_id, view.sizes.partitions);
    for (std::int32_t p = 0; p < view.sizes.partitions; ++p) {
      ChangelogView each{connection.topic(spec.changelog()), p};
      each.expected = identity;
      const kafka::TopicInfo* info = seen.find(each.topic);
      if (info != nullptr && p < info->partitions) {
        Result<stream::LogBounds> bounds = bounds_of(admin, each.topic, p);
        if (!bounds) {
          return Unexpected(bounds.error());
        }
        each.begin = bounds->begin;
        each.end = bounds->end;
      }
      view.changelogs.push_back(std::move(each));
    }
    const kafka::TopicInfo* input = seen.find(connection.topic(spec.input));
    for (std::int32_t p = 0; input != nullptr && p < input->partitions; ++p) {
      Result<stream::LogBounds> bounds = bounds_of(admin, input->name, p);
      if (!bounds) {
        return Unexpected(bounds.error());
      }
      view.inputs.push_back({input->name, p, bounds->end});
    }
  }
  return {};
}

Result<void> read_first_records(const tool::Connection& connection, TopicsView& view) {
  std::vector<tool::SweepPart> parts;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < view.changelogs.size(); ++i) {
    const ChangelogView& each = view.changelogs[i];
    if (each.begin < each.end) {
      parts.push_back({each.topic, each.partition, each.begin, each.begin + 1});
      places.push_back(i);
    }
  }
  if (parts.empty()) {
    return {};
  }
  Result<std::unique_ptr<tool::Sweep>> sweep =
      tool::Sweep::start(connection.client, std::move(parts));
  if (!sweep) {
    return Unexpected(sweep.error());
  }
  return (*sweep)->run([&](std::size_t part, const stream::LogRecord& record) {
    std::optional<stream::ChangelogRecord> decoded = stream::decode_changelog(record.value);
    if (decoded && std::holds_alternative<stream::OpenMarker>(*decoded)) {
      view.changelogs[places[part]].first = std::get<stream::OpenMarker>(std::move(*decoded));
    }
  });
}

Result<void> change_topics(const tool::Connection& connection, kafka::Admin& admin,
                           const TopicsView& view) {
  std::vector<kafka::NewTopic> missing;
  std::map<std::string, kafka::Settings> changes;
  for (const TopicDifference& difference : view.differences) {
    if (difference.kind == TopicDifference::Kind::setting) {
      changes[difference.topic].emplace_back(difference.what, difference.to);
    }
    for (const TopicShape& topic : view.wanted) {
      if (difference.kind == TopicDifference::Kind::missing && topic.name == difference.topic) {
        missing.push_back({connection.topic(topic.name),
                           topic.partitions,
                           topic.replication,
                           {topic.settings.begin(), topic.settings.end()}});
      }
    }
  }
  if (!missing.empty()) {
    if (Result<void> created = admin.create(missing, kCreateMs); !created) {
      return created;
    }
  }
  for (const auto& [topic, settings] : changes) {
    if (Result<void> changed = admin.change_settings(connection.topic(topic), settings, kCreateMs);
        !changed) {
      return changed;
    }
  }
  return {};
}

Result<void> write_genesis(const tool::Connection& connection, const TopicsView& view,
                           const GenesisDecision& decision, const Uuid& lineage) {
  Result<std::unique_ptr<kafka::PlainProducer>> producer =
      kafka::PlainProducer::connect(connection.client);
  if (!producer) {
    return Unexpected(producer.error());
  }
  const std::string build = std::string(kVersion) + "+" + std::string(kCommit);
  for (const std::size_t place : decision.missing) {
    const ChangelogView& changelog = view.changelogs[place];
    const Bytes record = genesis_record(changelog, lineage, stages::logic_of_build(), build);
    if (Result<void> sent =
            (*producer)->send(changelog.topic, changelog.partition, {}, ByteView(record));
        !sent) {
      return sent;
    }
  }
  return (*producer)->flush(kCreateMs);
}

// Metadata of what was created reaches the brokers one after the other.
Result<TopicsView> look_until_there(const tool::Connection& connection, kafka::TopicReader& reader,
                                    std::int32_t replication) {
  const std::int64_t deadline = monotonic_ms() + kLeaderMs;
  Result<TopicsView> view = look(connection, reader, replication);
  const auto incomplete = [&] {
    return view && std::any_of(view->differences.begin(), view->differences.end(),
                               [](const TopicDifference& each) { return each.fixable(); });
  };
  while ((!view || incomplete()) && monotonic_ms() < deadline) {
    view = look(connection, reader, replication);
  }
  if (incomplete()) {
    return Unexpected(ErrorCode::unavailable,
                      describe(view->differences.front(), connection.prefix) +
                          ": the brokers accepted that and don't show it");
  }
  return view;
}

}  // namespace

Result<TopicsView> look(const tool::Connection& connection, kafka::TopicReader& reader,
                        std::int32_t replication) {
  kafka::Admin& admin = reader.admin();
  TopicsView view;
  Result<std::string> cluster_id = admin.cluster_id(tool::kAnswerMs);
  if (!cluster_id) {
    return Unexpected(cluster_id.error());
  }
  view.cluster_id = *cluster_id;
  Result<TopicSizes> sizes = sizes_of(connection, admin, replication);
  if (!sizes) {
    return Unexpected(sizes.error());
  }
  view.sizes = *sizes;
  view.wanted = topics::wanted_topics(stages::all_specs(), view.sizes);
  Result<SeenTopics> seen = see(connection, admin, view.wanted);
  if (!seen) {
    return Unexpected(seen.error());
  }
  view.differences = topics::differences(view.wanted, seen->shapes);
  if (Result<void> viewed = view_bounds(connection, admin, *seen, view); !viewed) {
    return Unexpected(viewed.error());
  }
  if (Result<void> viewed = read_first_records(connection, view); !viewed) {
    return Unexpected(viewed.error());
  }
  return view;
}

Result<Applied> apply(const tool::Connection& connection, kafka::TopicReader& reader,
                      std::int32_t replication) {
  Result<TopicsView> view = look(connection, reader, replication);
  if (!view) {
    return Unexpected(view.error());
  }
  for (const TopicDifference& difference : view->differences) {
    if (!difference.fixable()) {
      return Unexpected(ErrorCode::conflict, describe(difference, connection.prefix));
    }
  }
  Result<GenesisDecision> decision = decide_genesis(view->changelogs, view->inputs);
  if (!decision) {
    return Unexpected(decision.error());
  }
  Applied applied{view->differences, 0, {}};
  if (!view->differences.empty()) {
    if (Result<void> changed = change_topics(connection, reader.admin(), *view); !changed) {
      return Unexpected(changed.error());
    }
    view = look_until_there(connection, reader, replication);
    if (!view) {
      return Unexpected(view.error());
    }
    decision = decide_genesis(view->changelogs, view->inputs);
    if (!decision) {
      return Unexpected(decision.error());
    }
  }
  const Uuid lineage = decision->lineage.value_or(new_uuid_v4());
  applied.lineage = to_string(lineage);
  applied.genesis_written = decision->missing.size();
  if (!decision->missing.empty()) {
    if (Result<void> written = write_genesis(connection, *view, *decision, lineage); !written) {
      return Unexpected(written.error());
    }
    // Two that apply at once would each bring a lineage: the log's first record decides.
    view = look(connection, reader, replication);
    if (!view) {
      return Unexpected(view.error());
    }
    if (decision = decide_genesis(view->changelogs, view->inputs); !decision) {
      return Unexpected(decision.error());
    }
  }
  return applied;
}

}  // namespace kpay::ctl
