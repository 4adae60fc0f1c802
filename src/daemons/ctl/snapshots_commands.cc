#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "daemons/ctl/cli.h"
#include "daemons/ctl/kept_snapshots.h"
#include "stream/snapshot.h"

namespace kpay::ctl {

namespace {

using Json = nlohmann::ordered_json;

std::string task_of(const std::string& stage, std::int32_t partition) {
  return stage + "/" + std::to_string(partition);
}

Json told_json(const ToldSnapshot& snapshot) {
  return {{"position", snapshot.position},
          {"checkpoint", snapshot.checkpoint},
          {"state_hash", snapshot.state_hash},
          {"taken_ms", snapshot.taken.ms}};
}

// As the instances tell it.
Result<Answer> list_told(const Session& session) {
  Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  Result<std::map<std::string, std::string>> statuses =
      read_compacted(*reached->reader, reached->topic("control.status"));
  if (!statuses) {
    return Unexpected(statuses.error());
  }
  Answer answer;
  Json list = Json::array();
  TextTable table(
      {"TASK", "INSTANCE", "KEPT", "OLDEST", "AT POSITION", "NEWEST", "AT POSITION", "STATE HASH"});
  for (const ToldSnapshots& each : told_snapshots(*statuses)) {
    list.push_back({{"task", task_of(each.stage, each.partition)},
                    {"instance", each.instance},
                    {"count", each.count},
                    {"oldest", told_json(each.oldest)},
                    {"newest", told_json(each.newest)}});
    answer.lines.push_back(list.back().dump());
    table.add({task_of(each.stage, each.partition), each.instance, std::to_string(each.count),
               to_rfc3339(each.oldest.taken), std::to_string(each.oldest.position),
               to_rfc3339(each.newest.taken), std::to_string(each.newest.position),
               each.newest.state_hash});
  }
  answer.json = Json{{"snapshots", list}}.dump();
  answer.text = table.text();
  answer.note = list.empty() ? "no instance keeps any: `kpay-X admin snapshot` takes some\n" : "";
  return answer;
}

// One that is looked at in its folder.
struct Seen {
  std::string folder;
  std::optional<stream::SnapshotManifest> manifest;
  std::string fault;  ///< empty: none was found
};

// A snapshot's own folder, or a folder of snapshots.
Result<std::vector<Seen>> see(const std::string& folder) {
  std::vector<Seen> seen;
  const Result<stream::Snapshot> one = stream::read_snapshot(folder);
  if (one) {
    seen.push_back({one->folder, one->manifest, {}});
    return seen;
  }
  if (one.error().code != ErrorCode::not_found) {
    return std::vector<Seen>{{folder, std::nullopt, one.error().message}};
  }
  const std::vector<stream::Snapshot> all =
      stream::list_snapshots(folder, [&](const std::string& path, const Error& error) {
        seen.push_back({path, std::nullopt, error.message});
      });
  for (const stream::Snapshot& each : all) {
    seen.push_back({each.folder, each.manifest, {}});
  }
  if (seen.empty()) {
    return Unexpected(ErrorCode::not_found, folder + ": there is no snapshot in it");
  }
  return seen;
}

Json seen_json(const Seen& seen, bool checked) {
  Json json{{"path", seen.folder}};
  if (seen.manifest) {
    const stream::SnapshotManifest& manifest = *seen.manifest;
    json.update({{"task", task_of(manifest.stage, manifest.partition)},
                 {"position", manifest.marker.registers.position},
                 {"checkpoint", manifest.marker.number},
                 {"epoch", manifest.marker.epoch},
                 {"state_hash", to_string(manifest.marker.state_hash)},
                 {"logic_version", manifest.marker.logic.version},
                 {"taken_ms", manifest.taken.ms},
                 {"instance", manifest.instance},
                 {"build", manifest.build},
                 {"bytes", manifest.file.bytes},
                 {"sha256", to_hex(manifest.file.sha256)}});
  }
  if (checked || !seen.fault.empty()) {
    json["ok"] = seen.fault.empty();
    json["fault"] = seen.fault;
  }
  return json;
}

Result<Answer> look(const std::string& folder, bool check) {
  Result<std::vector<Seen>> all = see(folder);
  if (!all) {
    return Unexpected(all.error());
  }
  Answer answer;
  Json list = Json::array();
  std::size_t bad = 0;
  TextTable table({"TASK", "TAKEN", "POSITION", "MARKER", "STATE HASH", "BYTES", "", "PATH"});
  for (Seen& seen : *all) {
    if (check && seen.manifest) {
      const Result<void> whole = stream::check_snapshot({seen.folder, *seen.manifest});
      seen.fault = whole ? "" : whole.error().message;
    }
    bad += seen.fault.empty() ? 0 : 1;
    const stream::SnapshotManifest manifest = seen.manifest.value_or(stream::SnapshotManifest{});
    const std::string state = !seen.fault.empty() ? "BAD" : check ? "ok" : "";
    table.add({seen.manifest ? task_of(manifest.stage, manifest.partition) : "?",
               to_rfc3339(manifest.taken), std::to_string(manifest.marker.registers.position),
               std::to_string(manifest.marker.number), to_string(manifest.marker.state_hash),
               std::to_string(manifest.file.bytes), state, seen.folder});
    answer.note += seen.fault.empty() ? "" : seen.fault + "\n";
    list.push_back(seen_json(seen, check));
    answer.lines.push_back(list.back().dump());
  }
  answer.json = Json{{"ok", bad == 0}, {"snapshots", list}}.dump();
  answer.text = table.text();
  answer.exit = bad == 0 ? tool::Exit::ok : tool::Exit::check_failed;
  return answer;
}

}  // namespace

void add_snapshots(CLI::App& app, Session& session) {
  CLI::App* snapshots = app.add_subcommand(
      "snapshots", "Which snapshots of tasks are kept, and whether they are whole");
  snapshots->require_subcommand(1);
  const auto folder = std::make_shared<std::string>();
  CLI::App* list = snapshots->add_subcommand(
      "list", "What every instance keeps; with a folder, what is in it on this host");
  list->add_option("FOLDER", *folder, "A snapshot, or a folder of them");
  add_jsonl(*list, session);
  list->callback([&session, folder] {
    session.chosen = [&session, folder] {
      return folder->empty() ? list_told(session) : look(*folder, false);
    };
  });
  CLI::App* check = snapshots->add_subcommand(
      "check", "Read each whole: checksum, marker, hash of the state; exit 8 if one is damaged");
  check->add_option("FOLDER", *folder, "A snapshot, or a folder of them")->required();
  add_jsonl(*check, session);
  check->callback(
      [&session, folder] { session.chosen = [folder] { return look(*folder, true); }; });
}

}  // namespace kpay::ctl
