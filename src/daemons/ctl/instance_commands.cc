// kpayctl tasks drain, resume and re-emit: what an instance is asked for by its admin socket, so on
// its own host, by whom systemd lets in there (docs/control.md).
#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/time.h"
#include "daemons/ctl/change.h"
#include "daemons/ctl/cli.h"
#include "daemons/ctl/control.h"
#include "daemons/ctl/letters.h"
#include "daemons/ctl/senders.h"
#include "http/client.h"

namespace kpay::ctl {

namespace {

using Json = nlohmann::ordered_json;

constexpr int kProblem = 400;  // the statuses from here on
constexpr int kConflict = 409;
constexpr int kDeadlineSMax = 600;
constexpr std::chrono::milliseconds kStatusTime{5'000};
constexpr std::chrono::milliseconds kAnswerTime{15'000};  // beyond the deadline that was given
constexpr std::chrono::milliseconds kLook{100};

struct InstanceFlags {
  std::string instance;
  std::string socket;
  std::string task;
  std::int64_t from = 0;
  int timeout_s = 60;
  int deadline_s = 0;
};

std::string socket_of(const InstanceFlags& flags) {
  return flags.socket.empty() ? "/run/kpay/" + flags.instance + "/admin.sock" : flags.socket;
}

Result<Json> ask_instance(const InstanceFlags& flags, const char* method, const std::string& target,
                          std::chrono::milliseconds timeout) {
  const http::Client client({.unix_socket = socket_of(flags)});
  http::ClientRequest request;
  request.method = method;
  request.url = "http://localhost" + target;
  request.timeout = timeout;
  const Result<http::ClientResponse> response = client.send(request);
  if (!response) {
    return Unexpected(response.error().code,
                      socket_of(flags) + ": " + response.error().message +
                          "; it is asked on the host that it runs on, by its admin socket");
  }
  Json json = Json::parse(response->body, nullptr, false);
  if (response->status >= kProblem || !json.is_object()) {
    const ErrorCode code = response->status == kProblem    ? ErrorCode::invalid
                           : response->status == kConflict ? ErrorCode::conflict
                                                           : ErrorCode::unavailable;
    return Unexpected(code, json.is_object() ? json.value("detail", "") : response->body);
  }
  return json;
}

Result<Json> status_of(const InstanceFlags& flags) {
  return ask_instance(flags, "GET", "/status", kStatusTime);
}

std::string named(const Json& task) {
  return task.value("stage", "") + "/" + std::to_string(task.value("partition", 0));
}

std::string yes_or_why(const Json& record) {
  return record.value("clean", false) ? "clean" : "UNCLEAN: " + record.value("reason", "");
}

Result<Answer> drain(const Session& session, const InstanceFlags& flags) {
  const Result<Json> before = status_of(flags);
  if (!before) {
    return Unexpected(before.error());
  }
  const Json tasks = before->value("tasks", Json::array());
  Json json{{"instance", before->value("instance", flags.instance)},
            {"changed", before->value("phase", "") != "drained"}};
  if (session.dry_run) {
    json["dry_run"] = true;
    json["tasks"] = Json::array();
    std::string text = "would let go of " + std::to_string(tasks.size()) + " tasks:";
    for (const Json& task : tasks) {
      json["tasks"].push_back(named(task));
      text += " " + named(task);
    }
    return Answer{json.dump(), text + "\n"};
  }
  const std::string deadline =
      flags.deadline_s == 0 ? "" : "?deadline_ms=" + std::to_string(1000 * flags.deadline_s);
  const std::chrono::seconds most(flags.deadline_s == 0 ? kDeadlineSMax : flags.deadline_s);
  const Result<Json> drained = ask_instance(flags, "POST", "/drain" + deadline, most + kAnswerTime);
  if (!drained) {
    return Unexpected(drained.error());
  }
  json.update(*drained);
  TextTable table({"TASK", "POSITION", "MARKER", "HASH", "LET GO"});
  for (const Json& record : json["records"]) {
    table.add({named(record), std::to_string(record.value("position", std::int64_t{0})),
               std::to_string(record.value("marker", std::uint64_t{0})), record.value("hash", ""),
               yes_or_why(record)});
  }
  const bool clean = json.value("clean", false);
  return Answer{json.dump(), table.text(),
                "it takes no task until `kpayctl tasks resume`, or until it is started again\n",
                clean ? tool::Exit::ok : tool::Exit::check_failed};
}

Result<Answer> resume(const Session& session, const InstanceFlags& flags) {
  const Result<Json> before = status_of(flags);
  if (!before) {
    return Unexpected(before.error());
  }
  const bool drained = before->value("phase", "") == "drained";
  Json json{{"instance", before->value("instance", flags.instance)}, {"changed", drained}};
  if (session.dry_run) {
    json["dry_run"] = true;
    return Answer{json.dump(), drained ? "would take tasks again\n" : "takes tasks already\n"};
  }
  if (drained) {
    if (const Result<Json> done = ask_instance(flags, "POST", "/resume", kAnswerTime); !done) {
      return Unexpected(done.error());
    }
  }
  return Answer{json.dump(), "takes tasks\n", drained ? "" : "it was so already\n"};
}

// The instance that runs the task, as control.status says; nothing where a socket was named.
Result<void> find_owner(const Session& session, InstanceFlags& flags) {
  if (!flags.socket.empty() || !flags.instance.empty()) {
    return {};
  }
  Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  const Result<std::vector<InstanceView>> instances = read_instances(*reached);
  if (!instances) {
    return Unexpected(instances.error());
  }
  for (const InstanceView& instance : *instances) {
    for (const TaskView& task : instance.tasks) {
      if (!instance.stale(wall_clock_now().ms) &&
          task.stage + "/" + std::to_string(task.partition) == flags.task) {
        flags.instance = instance.instance;
      }
    }
  }
  return flags.instance.empty()
             ? Unexpected(ErrorCode::not_found, "no live instance says that it runs " + flags.task)
             : Result<void>();
}

// The task in the instance's status; not_found when it doesn't run there.
Result<Json> task_of(const InstanceFlags& flags) {
  const Result<Json> status = status_of(flags);
  if (!status) {
    return Unexpected(status.error());
  }
  for (const Json& task : status->value("tasks", Json::array())) {
    if (named(task) == flags.task) {
      return task;
    }
  }
  return Unexpected(ErrorCode::not_found,
                    flags.task + " doesn't run on " + status->value("instance", flags.instance));
}

Result<Answer> re_emit(const Session& session, InstanceFlags flags) {
  const Result<stream::SenderId> task = task_in(flags.task);
  if (!task) {
    return Unexpected(task.error());
  }
  flags.task = task_text(*task);
  if (Result<void> found = find_owner(session, flags); !found) {
    return Unexpected(found.error());
  }
  const Result<Json> before = task_of(flags);
  if (!before) {
    return Unexpected(before.error());
  }
  Json json{{"task", flags.task}, {"changed", true}};
  if (session.dry_run) {
    json["dry_run"] = true;
    json["position"] = before->value("position", std::int64_t{0});
    return Answer{json.dump(), flags.task + " would tell again what follows from input offset " +
                                   std::to_string(flags.from) + "; it stands at " +
                                   json["position"].dump() + "\n"};
  }
  const std::string target = "/re-emit?stage=" + before->value("stage", "") +
                             "&partition=" + std::to_string(task->partition) +
                             "&from=" + std::to_string(flags.from);
  const Result<Json> begun = ask_instance(flags, "POST", target, kAnswerTime);
  if (!begun) {
    return Unexpected(begun.error());
  }
  json["from"] = begun->value("from", Json::array()).at(0);
  const std::int64_t deadline = monotonic_ms() + 1000LL * flags.timeout_s;
  for (;;) {
    const Result<Json> now = task_of(flags);
    const std::string phase = now ? now->value("phase", "") : "";
    const bool stands = phase == "held" || phase == "failed" || phase == "fenced";
    if (stands || !now) {
      return failed(
          tool::Exit::check_failed, "not_told_again",
          now ? flags.task + " is " + phase + ": " + now->value("reason", "") : now.error().message,
          "what it hadn't told by then is still missing (docs/runbooks/lost-records.md)");
    }
    if (phase == "running" && !now->value("re_emitting", true)) {
      json["position"] = now->value("position", std::int64_t{0});
      return Answer{json.dump(), flags.task + " has told again what follows from input offset " +
                                     json["from"].value("position", Json()).dump() + "\n"};
    }
    if (monotonic_ms() >= deadline) {
      return failed(tool::Exit::timed_out, "timed_out",
                    flags.task + " is still at it after " + std::to_string(flags.timeout_s) + " s",
                    "it goes on; `kpayctl tasks show " + flags.task + "` says re_emitting");
    }
    std::this_thread::sleep_for(kLook);
  }
}

void add_socket(CLI::App& command, const std::shared_ptr<InstanceFlags>& flags) {
  command.add_option("--socket", flags->socket,
                     "Its admin socket, where it isn't /run/kpay/INSTANCE/admin.sock");
}

}  // namespace

void add_task_requests(CLI::App& tasks, Session& session) {
  const auto flags = std::make_shared<InstanceFlags>();
  const auto instance = [&](CLI::App* command) {
    command->add_option("INSTANCE", flags->instance, "As account-1, on this host")->required();
    add_socket(*command, flags);
    add_dry_run(*command, session);
  };
  CLI::App* let_go = tasks.add_subcommand("drain", "Release an instance's tasks, and prove it");
  instance(let_go);
  let_go->add_option("--deadline", flags->deadline_s, "Seconds; what takes longer is dropped")
      ->check(CLI::Range(1, kDeadlineSMax));
  let_go->callback(
      [&session, flags] { session.chosen = [&session, flags] { return drain(session, *flags); }; });
  CLI::App* take = tasks.add_subcommand("resume", "Have a drained instance take tasks again");
  instance(take);
  take->callback([&session, flags] {
    session.chosen = [&session, flags] { return resume(session, *flags); };
  });
  CLI::App* tell = tasks.add_subcommand(
      "re-emit", "Have a task tell again what follows from a kept snapshot (R26)");
  tell->add_option("TASK", flags->task, "Who sent what is lost, as intake/3")->required();
  tell->add_option("--from", flags->from, "The input offset from where on something is lost")
      ->required()
      ->check(CLI::NonNegativeNumber);
  tell->add_option("--instance", flags->instance, "Where it runs [as control.status says]");
  add_socket(*tell, flags);
  tell->add_option("--timeout", flags->timeout_s, "Seconds to wait until it has [60]")
      ->check(CLI::Range(1, 86'400));
  add_dry_run(*tell, session);
  tell->callback([&session, flags] {
    session.chosen = [&session, flags] { return re_emit(session, *flags); };
  });
}

}  // namespace kpay::ctl
