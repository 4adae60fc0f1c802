#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/time.h"
#include "daemons/ctl/change.h"
#include "daemons/ctl/cli.h"
#include "daemons/ctl/http_tables.h"
#include "daemons/ctl/letters.h"
#include "daemons/ctl/operator_channel.h"
#include "daemons/ctl/senders.h"
#include "stages/specs.h"

namespace kpay::ctl {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::int32_t kAnyPartition = -1;

struct TaskFlags {
  std::string task;
  std::string sender;
  std::string at;
  std::uint64_t last = 0;
  std::string hash;
  std::int32_t via = kAnyPartition;
  std::string reason;
  int timeout_s = 60;
};

// Every task as its instance tells it, with the instance's id. Newest instance last.
Result<std::vector<Json>> read_tasks(tool::Reached& reached) {
  Result<std::map<std::string, std::string>> values =
      read_compacted(*reached.reader, reached.connection.topic("control.status"));
  if (!values) {
    return Unexpected(values.error());
  }
  std::vector<Json> tasks;
  for (const auto& [id, value] : *values) {
    const Json status = Json::parse(value, nullptr, false);
    if (!status.is_object() || !status.contains("tasks")) {
      continue;
    }
    for (const Json& task : status["tasks"]) {
      Json each{{"instance", id}, {"told_ms", status.value("at_ms", std::int64_t{0})}};
      each.update(task);
      tasks.push_back(std::move(each));
    }
  }
  std::sort(tasks.begin(), tasks.end(), [](const Json& a, const Json& b) {
    const auto key = [](const Json& t) {
      return std::tuple(t.value("stage", ""), t.value("partition", 0),
                        t.value("told_ms", std::int64_t{0}));
    };
    return key(a) < key(b);
  });
  return tasks;
}

// "1/0", as a status names a sender, in words.
std::string sender_text(const std::string& text) {
  const std::size_t slash = text.find('/');
  stream::SenderId sender;
  const char* end = text.data() + text.size();
  const auto stage = std::from_chars(text.data(), end, sender.stage);
  const auto partition = slash == std::string::npos
                             ? stage
                             : std::from_chars(text.data() + slash + 1, end, sender.partition);
  return partition.ptr == end && partition.ec == std::errc() ? task_text(sender) : text;
}

std::string joined(const Json& refused) {
  std::string text;
  for (const Json& each : refused) {
    text +=
        (text.empty() ? "" : " ") + sender_text(each.is_string() ? each.get<std::string>() : "");
  }
  return text;
}

Result<Answer> list(const Session& session) {
  Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  Result<std::vector<Json>> tasks = read_tasks(*reached);
  if (!tasks) {
    return Unexpected(tasks.error());
  }
  Answer answer;
  TextTable table({"TASK", "INSTANCE", "PHASE", "POSITION", "LAG", "OPEN", "REFUSED", "REASON"});
  for (const Json& task : *tasks) {
    answer.lines.push_back(task.dump());
    table.add({task.value("stage", "") + "/" + std::to_string(task.value("partition", 0)),
               task.value("instance", ""), task.value("phase", ""),
               std::to_string(task.value("position", std::int64_t{0})),
               std::to_string(task.value("lag", std::int64_t{-1})),
               std::to_string(task.value("dead_letters_open", std::int64_t{0})),
               joined(task.value("refused", Json::array())), task.value("reason", "")});
  }
  answer.json = Json{{"tasks", *tasks}}.dump();
  answer.text = table.text();
  return answer;
}

Json sequence_json(const stream::Sequence& sequence) {
  return {{"last", sequence.last}, {"hash", to_string(sequence.hash)}};
}

std::string sequence_text(const stream::Sequence& sequence) {
  return std::to_string(sequence.last) + " " + to_string(sequence.hash);
}

Result<Answer> show(const Session& session, const TaskFlags& flags) {
  Result<stream::SenderId> task = task_in(flags.task);
  if (!task) {
    return Unexpected(task.error());
  }
  Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  Result<std::vector<Json>> tasks = read_tasks(*reached);
  if (!tasks) {
    return Unexpected(tasks.error());
  }
  Result<std::vector<SenderView>> senders = read_senders(*reached, *task);
  if (!senders) {
    return Unexpected(senders.error());
  }
  Json status;
  for (const Json& each : *tasks) {
    if (each.value("stage", "") + "/" + std::to_string(each.value("partition", 0)) == flags.task) {
      status = each;
    }
  }
  Json list = Json::array();
  TextTable table({"SENDER", "STATE", "KEPT", "SENT"});
  for (const SenderView& view : *senders) {
    list.push_back({{"sender", task_text(view.sender)},
                    {"refused", view.kept.refused},
                    {"kept", sequence_json(view.kept.seen)},
                    {"sent", view.sent ? sequence_json(*view.sent) : Json()}});
    table.add({task_text(view.sender), view.kept.refused ? "REFUSED" : "accepted",
               sequence_text(view.kept.seen), view.sent ? sequence_text(*view.sent) : "-"});
  }
  std::string text;
  for (const auto& [name, value] : status.items()) {
    text += name + std::string(name.size() < 22 ? 22 - name.size() : 1, ' ') +
            (value.is_string() ? value.get<std::string>() : value.dump()) + "\n";
  }
  return Answer{Json{{"task", flags.task}, {"status", status}, {"senders", list}}.dump(),
                text + "\nas of the last checkpoints:\n" + table.text()};
}

// Where the refused sender's events are to be taken up.
Result<stream::Sequence> place_in(const TaskFlags& flags, const SenderView& view) {
  if (flags.at == "kept") {
    return view.kept.seen;
  }
  if (flags.at == "sent") {
    if (!view.sent) {
      return Unexpected(ErrorCode::conflict,
                        flags.sender + " has no marker that says what it sent");
    }
    return *view.sent;
  }
  const std::optional<Hash128> hash = parse_hash(flags.hash);
  if (!hash) {
    return Unexpected(ErrorCode::invalid, "--hash takes 32 hexadecimal digits");
  }
  return stream::Sequence{flags.last, *hash};
}

// A record that a refused sender hands on is discarded with its frame: so another one has to.
Result<std::int32_t> way_in(const TaskFlags& flags, const stream::SenderId& task,
                            const std::vector<SenderView>& senders, std::int32_t partitions) {
  const auto is_refused = [&](std::int32_t partition) {
    return std::any_of(senders.begin(), senders.end(), [&](const SenderView& view) {
      return view.kept.refused && view.sender == stream::SenderId{stages::kIntake, partition};
    });
  };
  if (flags.via != kAnyPartition) {
    return flags.via;
  }
  for (std::int32_t i = 0; i < partitions; ++i) {
    const std::int32_t via = (task.partition + i) % partitions;
    if (!is_refused(via)) {
      return via;
    }
  }
  return Unexpected(ErrorCode::conflict,
                    "every intake task is refused there: nobody could hand the record on");
}

Result<Answer> accept(const Session& session, const TaskFlags& flags) {
  Result<stream::SenderId> task = task_in(flags.task);
  Result<stream::SenderId> sender = task_in(flags.sender);
  if (!task || !sender) {
    return Unexpected(!task ? task.error() : sender.error());
  }
  Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  Result<std::vector<SenderView>> senders = read_senders(*reached, *task);
  if (!senders) {
    return Unexpected(senders.error());
  }
  const auto view = std::find_if(senders->begin(), senders->end(),
                                 [&](const SenderView& each) { return each.sender == *sender; });
  if (view == senders->end() || !view->kept.refused) {
    return failed(tool::Exit::refused, "not_refused",
                  flags.task + " doesn't refuse " + flags.sender + ", by its last checkpoint");
  }
  Result<stream::Sequence> place = place_in(flags, *view);
  Result<std::int32_t> via = way_in(flags, *task, *senders, reached->partitions);
  if (!place || !via) {
    return Unexpected(!place ? place.error() : via.error());
  }
  Json json{{"task", flags.task},
            {"sender", flags.sender},
            {"last", place->last},
            {"hash", to_string(place->hash)},
            {"via", *via}};
  const std::string what = flags.task + " takes up " + flags.sender + " after number " +
                           std::to_string(place->last) + "; it has applied up to " +
                           std::to_string(view->kept.seen.last);
  if (session.dry_run) {
    json["dry_run"] = true;
    json["changed"] = true;
    return Answer{json.dump(), what + "\n"};
  }
  if (std::optional<Answer> stop = ask(session, reached->connection, what)) {
    return *stop;
  }
  Result<std::unique_ptr<OperatorChannel>> channel =
      OperatorChannel::open(*reached, {operator_name(), session.signing});
  if (!channel) {
    return Unexpected(channel.error());
  }
  stream::OperatorRecord record =
      (*channel)->record_for(task->stage, task->partition, new_uuid_v7(), flags.reason);
  record.what = stream::AcceptSender{*sender, *place};
  return (*channel)->carry_out(what, {{std::move(record), *via}}, flags.timeout_s * 1000);
}

void add_accept(CLI::App& tasks, Session& session, const std::shared_ptr<TaskFlags>& flags) {
  CLI::App* command =
      tasks.add_subcommand("accept", "Take up a refused sender's events again (R8)");
  command->add_option("TASK", flags->task, "Who refuses, as account/3")->required();
  command->add_option("SENDER", flags->sender, "Whom, as intake/0")->required();
  CLI::Option* at = command->add_option(
      "--at", flags->at, "From where: `kept` by the task, or `sent` by the sender's last marker");
  at->check(CLI::IsMember({"kept", "sent"}));
  CLI::Option* last = command->add_option("--last", flags->last, "Or after this number");
  CLI::Option* hash = command->add_option("--hash", flags->hash, "With this running hash");
  last->needs(hash)->excludes(at);
  hash->needs(last);
  command->add_option("--via", flags->via, "The partition of payments.incoming to send it on");
  command->add_option("--reason", flags->reason, "Why; everybody can read it")->required();
  command->add_option("--timeout", flags->timeout_s, "Seconds to wait for the answer [60]")
      ->check(CLI::Range(1, 86'400));
  add_danger_options(*command, session);
  add_signing_options(*command, session);
  command->callback([&session, flags] {
    if (flags->at.empty() && flags->hash.empty()) {
      throw CLI::ValidationError("tasks accept", "say from where: --at, or --last and --hash");
    }
    session.chosen = [&session, flags] { return accept(session, *flags); };
  });
}

}  // namespace

void add_tasks(CLI::App& app, Session& session) {
  CLI::App* tasks =
      app.add_subcommand("tasks", "Look at tasks, drain instances, decide what a task can't");
  tasks->require_subcommand(1);
  const auto flags = std::make_shared<TaskFlags>();
  CLI::App* all = tasks->add_subcommand("list", "Every task: open dead letters, refused senders");
  add_jsonl(*all, session);
  all->callback([&session] { session.chosen = [&session] { return list(session); }; });
  CLI::App* one = tasks->add_subcommand("show", "One task, and what it keeps of its senders");
  one->add_option("TASK", flags->task, "As account/3")->required();
  one->callback(
      [&session, flags] { session.chosen = [&session, flags] { return show(session, *flags); }; });
  add_accept(*tasks, session, flags);
  add_task_override(*tasks, session);
  add_task_requests(*tasks, session);
}

}  // namespace kpay::ctl
