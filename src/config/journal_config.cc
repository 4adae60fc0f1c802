#include "config/journal_config.h"

namespace kpay::config {
namespace {

// Those of the daemons' fields that a process without tasks has, too.
bool is_shared(const Field& field) {
  return field.path == "instance.id" || field.path.starts_with("log.") ||
         field.path == "stop.deadline" || field.path.starts_with("kafka.") ||
         field.path.starts_with("http.");
}

std::vector<Field> query_fields() {
  return {
      {.path = "query.directory",
       .type = Type::file,
       .about = "Where the query side keeps its file, which it can build again from the log; "
                "unset: there is none, only the auditor."},
      {.path = "query.keep_days",
       .type = Type::integer,
       .standard = "90",
       .min = 0,
       .max = 36'500,
       .about = "Payments and postings that are older are deleted from that file; 0: never."},
      {.path = "query.changes",
       .type = Type::boolean,
       .standard = "false",
       .about = "Tell each change of a balance on accounts.changes, for stores outside; of several "
                "journals, only one may."},
  };
}

void check_changes(const Config& config, const Report& report) {
  if (config.boolean("query.changes") && !config.has("query.directory")) {
    report("query.changes", "true needs query.directory: the query side is what tells them");
  }
}

}  // namespace

Schema journal_schema() {
  std::vector<Field> fields;
  for (const Field& field : daemon_fields()) {
    if (is_shared(field)) {
      fields.push_back(field);
    }
  }
  fields.push_back({.path = "state.directory",
                    .type = Type::file,
                    .about = "Where the auditor keeps what it knows, so that a start goes on from "
                             "there; without, each start reads the log from its beginning."});
  for (const Field& field : query_fields()) {
    fields.push_back(field);
  }
  std::vector<Rule> rules = daemon_rules();
  rules.emplace_back(check_changes);
  return Schema(std::move(fields), std::move(rules));
}

Result<JournalConfig> load_journal_config(const std::string& path) {
  Result<Config> config = load(path, journal_schema());
  if (!config) {
    return Unexpected(config.error());
  }
  JournalConfig journal;
  journal.instance_id = config->text("instance.id");
  journal.kafka = kafka_config(*config);
  journal.http = http_config(*config);
  journal.log = log_config(*config);
  journal.stop_deadline = config->duration("stop.deadline");
  journal.state_directory =
      config->has("state.directory") ? config->text("state.directory") : std::string();
  journal.query.directory =
      config->has("query.directory") ? config->text("query.directory") : std::string();
  journal.query.keep_days = config->integer("query.keep_days");
  journal.query.changes = config->boolean("query.changes");
  journal.hash = config->hash();
  return journal;
}

}  // namespace kpay::config
