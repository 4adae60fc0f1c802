#include <CLI/CLI.hpp>
#include <algorithm>

#include "daemons/ctl/change.h"
#include "daemons/ctl/topics.h"
#include "daemons/ctl/trim.h"
#include "daemons/tool/duration.h"
#include "http/json.h"

namespace kpay::ctl {

namespace {

std::string to_json(const std::vector<TopicDifference>& differences, const std::string& prefix) {
  http::JsonArray list;
  for (const TopicDifference& difference : differences) {
    http::JsonObject each;
    each.add("topic", prefix + difference.topic).add("kind", to_string(difference.kind));
    if (difference.kind != TopicDifference::Kind::missing) {
      each.add("what", difference.what).add("from", difference.from).add("to", difference.to);
      each.add("breaks_contract", difference.breaks_contract);
    }
    list.add_json(each.finish());
  }
  return list.finish();
}

std::string lines(const std::vector<TopicDifference>& differences, const std::string& prefix) {
  std::string text;
  for (const TopicDifference& difference : differences) {
    text += describe(difference, prefix) + "\n";
  }
  return text;
}

// What the log says to genesis: how many partitions lack it, and why it must not be written.
struct GenesisView {
  std::size_t missing = 0;
  std::string fault;
  std::string lineage;
};

GenesisView genesis_of(const TopicsView& view) {
  const Result<GenesisDecision> decision = decide_genesis(view.changelogs, view.inputs);
  if (!decision) {
    return {0, decision.error().message, {}};
  }
  return {decision->missing.size(), {}, decision->lineage ? to_string(*decision->lineage) : ""};
}

http::JsonObject document(const TopicsView& view, const GenesisView& genesis,
                          const std::string& prefix) {
  http::JsonObject json;
  json.add("partitions", view.sizes.partitions)
      .add("replication", view.sizes.replication)
      .add_json("differences", to_json(view.differences, prefix))
      .add("genesis_missing", genesis.missing)
      .add("lineage", genesis.lineage);
  if (!genesis.fault.empty()) {
    json.add("genesis_fault", genesis.fault);
  }
  return json;
}

std::string genesis_lines(const GenesisView& genesis) {
  if (!genesis.fault.empty()) {
    return genesis.fault + "\n";
  }
  return genesis.missing == 0 ? std::string()
                              : "genesis: to be written to " + std::to_string(genesis.missing) +
                                    " changelog partitions\n";
}

bool refused(const TopicsView& view, const GenesisView& genesis) {
  bool fixable = genesis.fault.empty();
  for (const TopicDifference& difference : view.differences) {
    fixable = fixable && difference.fixable();
  }
  return !fixable;
}

// A cluster that was reached; kpay's topics may not be there yet.
struct Cluster {
  tool::Connection connection;
  std::unique_ptr<kafka::TopicReader> reader;
};

Result<Cluster> reach_cluster(const Session& session) {
  Result<tool::Connection> connection = tool::resolve(session.flags);
  if (!connection) {
    return Unexpected(connection.error());
  }
  Result<std::unique_ptr<kafka::TopicReader>> reader = tool::reach(*connection);
  if (!reader) {
    return Unexpected(reader.error());
  }
  return Cluster{std::move(*connection), std::move(*reader)};
}

struct Found {
  TopicsView view;
  GenesisView genesis;
};

Result<Found> find(const Cluster& cluster, std::int32_t replication) {
  Result<TopicsView> view = look(cluster.connection, *cluster.reader, replication);
  if (!view) {
    return Unexpected(view.error());
  }
  GenesisView genesis = genesis_of(*view);
  return Found{std::move(*view), std::move(genesis)};
}

enum class Look { plan, check, dry_run };  // check: differences are failures

Answer found_answer(const Found& found, const std::string& prefix, Look look) {
  const auto& [view, genesis] = found;
  const bool clean = view.differences.empty() && genesis.missing == 0 && genesis.fault.empty();
  http::JsonObject json = document(view, genesis, prefix);
  json.add("ok", clean);
  if (look == Look::dry_run) {
    json.add("changed", !clean).add("dry_run", true);
  }
  Answer answer;
  answer.json = json.finish();
  answer.text = lines(view.differences, prefix) + genesis_lines(genesis);
  if (clean) {
    answer.note = std::to_string(view.wanted.size()) + " topics are as planned\n";
  } else if (look == Look::check) {
    answer.exit = tool::Exit::check_failed;
  } else if (refused(view, genesis)) {
    answer.exit = tool::Exit::refused;
  } else {
    answer.note = "`kpayctl topics apply` makes these changes\n";
  }
  return answer;
}

Result<Answer> show(const Session& session, std::int32_t replication, Look look) {
  Result<Cluster> cluster = reach_cluster(session);
  if (!cluster) {
    return Unexpected(cluster.error());
  }
  Result<Found> found = find(*cluster, replication);
  if (!found) {
    return Unexpected(found.error());
  }
  return found_answer(*found, cluster->connection.prefix, look);
}

// New topics hurt nobody; settings of topics that are in use may.
std::string alterations(const TopicsView& view, const std::string& prefix) {
  std::string text;
  for (const TopicDifference& difference : view.differences) {
    if (difference.kind == TopicDifference::Kind::setting) {
      text += "\n  " + describe(difference, prefix);
    }
  }
  return text.empty() ? text : "change the settings of topics that are in use:" + text + "\n";
}

Result<Answer> apply_plan(const Session& session, std::int32_t replication) {
  Result<Cluster> cluster = reach_cluster(session);
  if (!cluster) {
    return Unexpected(cluster.error());
  }
  const std::string& prefix = cluster->connection.prefix;
  Result<Found> found = find(*cluster, replication);
  if (!found) {
    return Unexpected(found.error());
  }
  if (session.dry_run) {
    return found_answer(*found, prefix, Look::dry_run);
  }
  if (const std::string altered = alterations(found->view, prefix);
      !altered.empty() && !refused(found->view, found->genesis)) {
    if (std::optional<Answer> stop = ask(session, cluster->connection, altered)) {
      return *stop;
    }
  }
  Result<Applied> applied = apply(cluster->connection, *cluster->reader, replication);
  if (!applied) {
    return Unexpected(applied.error());
  }
  const bool changed = !applied->done.empty() || applied->genesis_written > 0;
  Answer answer;
  answer.json = http::JsonObject()
                    .add("changed", changed)
                    .add_json("differences", to_json(applied->done, prefix))
                    .add("genesis_written", applied->genesis_written)
                    .add("lineage", applied->lineage)
                    .finish();
  answer.text = lines(applied->done, prefix);
  if (applied->genesis_written > 0) {
    answer.text += "genesis: written to " + std::to_string(applied->genesis_written) +
                   " changelog partitions, lineage " + applied->lineage + "\n";
  }
  answer.note = changed ? "done\n" : "nothing to change\n";
  return answer;
}

Answer trim_answer(const std::vector<InputTrim>& plan, bool dry_run) {
  std::int64_t records = 0;
  http::JsonArray list;
  TextTable table({"TOPIC", "PARTITION", "BEGIN", "END", "TRIM TO", "RECORDS", "KEPT FOR"});
  for (const InputTrim& each : plan) {
    records += each.records();
    list.add_json(http::JsonObject()
                      .add("topic", each.topic)
                      .add("partition", each.partition)
                      .add("begin", each.bounds.begin)
                      .add("end", each.bounds.end)
                      .add("to", each.to)
                      .add("kept_for", each.limit)
                      .finish());
    table.add({each.topic, std::to_string(each.partition), std::to_string(each.bounds.begin),
               std::to_string(each.bounds.end), std::to_string(each.to),
               std::to_string(each.records()), each.limit});
  }
  Answer answer;
  http::JsonObject json;
  json.add("changed", records > 0).add("records", records).add_json("partitions", list.finish());
  if (dry_run) {
    json.add("dry_run", true);
  }
  answer.json = json.finish();
  answer.text = table.text();
  answer.note =
      std::to_string(records) + " records " + (dry_run ? "would go" : "are trimmed") + "\n";
  return answer;
}

struct TrimFlags {
  std::string keep = "7d";
  Forgotten forgotten;
};

Result<Answer> trim_inputs(const Session& session, const TrimFlags& flags) {
  const std::string& keep = flags.keep;
  const Result<std::int64_t> keep_ms = tool::duration_ms(keep);
  if (!keep_ms) {
    return failed(tool::Exit::usage, "usage", "--keep: " + keep_ms.error().message);
  }
  Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  Result<std::vector<InputTrim>> plan = plan_trim(*reached, *keep_ms, flags.forgotten);
  if (!plan) {
    return Unexpected(plan.error());
  }
  const bool some = std::any_of(plan->begin(), plan->end(),
                                [](const InputTrim& each) { return each.records() > 0; });
  if (session.dry_run || !some) {
    return trim_answer(*plan, session.dry_run);
  }
  if (std::optional<Answer> stop = ask(session, reached->connection,
                                       "delete what every stage has processed and is older than " +
                                           keep + "; `books verify` can't begin before it")) {
    return *stop;
  }
  if (Result<void> done = trim(*reached, *plan); !done) {
    return Unexpected(done.error());
  }
  return trim_answer(*plan, false);
}

}  // namespace

void add_topics(CLI::App& app, Session& session) {
  CLI::App* topics = app.add_subcommand("topics", "Plan, make and check the topics");
  topics->require_subcommand(1);
  auto replication = std::make_shared<std::int32_t>(0);
  topics->add_option("--replication", *replication, "Replicas [as they are; else 3, or fewer]")
      ->check(CLI::Range(1, 16));
  topics->add_subcommand("plan", "Show what apply would do")->callback([&session, replication] {
    session.chosen = [&session, replication] { return show(session, *replication, Look::plan); };
  });
  CLI::App* make =
      topics->add_subcommand("apply", "Create and change topics, begin changelogs; fine to repeat");
  add_danger_options(*make, session);
  make->callback([&session, replication] {
    session.chosen = [&session, replication] { return apply_plan(session, *replication); };
  });
  topics->add_subcommand("check", "Exit 8 unless everything is as planned")
      ->callback([&session, replication] {
        session.chosen = [&session, replication] {
          return show(session, *replication, Look::check);
        };
      });
  CLI::App* cut = topics->add_subcommand(
      "trim", "Delete from the stages' inputs what every stage has processed");
  const auto flags = std::make_shared<TrimFlags>();
  cut->add_option("--keep", flags->keep, "Keep what is younger than this [7d]");
  cut->add_option("--forget-snapshots-of", flags->forgotten.snapshots_of,
                  "An instance whose host is gone for good, and its snapshots with it");
  cut->add_option("--forget-journal", flags->forgotten.journals,
                  "A kpay-journal that is gone for good: keep nothing for it");
  add_danger_options(*cut, session);
  cut->callback([&session, flags] {
    session.chosen = [&session, flags] { return trim_inputs(session, *flags); };
  });
}

}  // namespace kpay::ctl
