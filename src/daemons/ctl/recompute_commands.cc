#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/time.h"
#include "daemons/ctl/event_json.h"
#include "daemons/ctl/letters.h"
#include "daemons/ctl/recompute.h"
#include "daemons/ctl/recompute_run.h"
#include "daemons/ctl/standing_events.h"
#include "daemons/tool/duration.h"

namespace kpay::ctl {

namespace {

using Json = nlohmann::ordered_json;
using recompute::Difference;
using recompute::DifferenceKind;

constexpr int kReadAgainMost = 3;

struct RecomputeFlags {
  std::string since;
  std::string until;
  std::string task;
  std::vector<std::string> snapshots;
  bool shadow = false;
};

Result<std::vector<stream::Snapshot>> snapshots_in(const std::string& folder) {
  Result<void> readable;
  std::vector<stream::Snapshot> found =
      stream::list_snapshots(folder, [&](const std::string&, const Error& error) {
        readable = Unexpected(ErrorCode::invalid, error.message);
      });
  if (!readable) {
    return Unexpected(readable.error());
  }
  if (found.empty()) {
    return Unexpected(ErrorCode::not_found, folder + ": there is no snapshot in it");
  }
  return found;
}

Result<PlanWishes> wishes_of(const RecomputeFlags& flags) {
  PlanWishes wishes;
  wishes.task = flags.task;
  for (const std::string& folder : flags.snapshots) {
    Result<std::vector<stream::Snapshot>> found = snapshots_in(folder);
    if (!found) {
      return Unexpected(found.error());
    }
    wishes.snapshots.insert(wishes.snapshots.end(), found->begin(), found->end());
  }
  const Timestamp now = wall_clock_now();
  for (const auto& [text, time] :
       {std::pair{&flags.since, &wishes.since}, {&flags.until, &wishes.until}}) {
    if (!text->empty()) {
      Result<Timestamp> read = tool::time_point(*text, now);
      if (!read) {
        return Unexpected(read.error());
      }
      *time = *read;
    }
  }
  return wishes;
}

// The payload of an event that stands on a topic; empty when it is gone meanwhile.
Bytes standing_payload(const tool::Reached& reached, const std::string& topic,
                       const Difference& difference) {
  Bytes payload;
  stream::Frame frame;
  const recompute::Standing& stands = *difference.stands;
  (void)reached.reader->read(
      reached.topic(topic), {{difference.partition, stands.offset, stands.offset + 1}},
      [&](std::int32_t, const stream::LogRecord& record) {
        if (stream::read_frame(record.value, frame) && stands.index < frame.events.size()) {
          payload = to_bytes(frame.events[stands.index].payload);
        } else {
          payload = to_bytes(record.value);
        }
        return false;
      });
  return payload;
}

std::string event_text(const std::string& topic, const std::optional<Bytes>& payload) {
  if (!payload) {
    return "no event";
  }
  const std::string json = event_json(topic, *payload);
  return json == "null" ? to_hex(*payload) : json;
}

struct Told {
  std::string task;
  const stream::StageSpec* spec = nullptr;
};

Json to_json(const tool::Reached& reached, const Told& of, const Difference& difference) {
  Json json{{"task", of.task},
            {"kind", to_string(difference.kind)},
            {"input", of.spec->input},
            {"input_offset", difference.position}};
  if (!difference.text.empty()) {
    json["text"] = difference.text;
    return json;
  }
  const std::string& topic = output_topic(*of.spec, difference.output);
  json["input_index"] = difference.index;
  json["topic"] = topic;
  json["partition"] = difference.partition;
  json["number"] = difference.number;
  json["offset"] = difference.stands ? Json(difference.stands->offset) : Json();
  json["expected"] = event_text(topic, difference.expected);
  json["stands"] = event_text(
      topic, difference.stands ? std::optional(standing_payload(reached, topic, difference))
                               : std::nullopt);
  return json;
}

// "account/1, input payments.inflight offset 4711.0, event 12 to payments.complete/3 (offset 88):
// changed" and what each side says.
std::string text_of(const Json& json) {
  std::string text = json["task"].get<std::string>() + ", input " +
                     json["input"].get<std::string>() + " offset " +
                     std::to_string(json["input_offset"].get<std::int64_t>());
  if (json.contains("text")) {
    return text + ": " + json["kind"].get<std::string>() + ": " + json["text"].get<std::string>() +
           "\n";
  }
  text += "." + std::to_string(json["input_index"].get<std::uint32_t>()) + ", event " +
          std::to_string(json["number"].get<std::uint64_t>()) + " to " +
          json["topic"].get<std::string>() + "/" +
          std::to_string(json["partition"].get<std::int32_t>());
  if (!json["offset"].is_null()) {
    text += " (offset " + std::to_string(json["offset"].get<std::int64_t>()) + ")";
  }
  return text + ": " + json["kind"].get<std::string>() + "\n  expected " +
         json["expected"].get<std::string>() + "\n  stands   " + json["stands"].get<std::string>() +
         "\n";
}

// ---- how far

std::string range_of(const TaskPlan& task) {
  std::string text = std::to_string(task.from()) + " to " + std::to_string(task.to());
  if (task.snapshot) {
    return text + ", from the snapshot of " + to_rfc3339(task.snapshot->manifest.taken) + " (" +
           task.snapshot->folder + ")";
  }
  return task.begin ? text + ", from its checkpoint of " + to_rfc3339(task.begin->at) : text;
}

// The position that every task of an input has reached.
std::map<std::string, std::vector<std::int64_t>> offsets_of(const RecomputePlan& plan,
                                                            std::int32_t partitions) {
  std::map<std::string, std::vector<std::int64_t>> offsets;
  for (const TaskPlan& task : plan.tasks) {
    std::vector<std::int64_t>& of = offsets[plan.specs[task.spec].input];
    of.resize(static_cast<std::size_t>(partitions), -1);
    std::int64_t& least = of[static_cast<std::size_t>(task.partition)];
    least = least < 0 ? task.to() : std::min(least, task.to());
  }
  return offsets;
}

std::string offsets_text(const std::map<std::string, std::vector<std::int64_t>>& offsets) {
  std::string text;
  for (const auto& [topic, of] : offsets) {
    text += (text.empty() ? "" : ", ") + topic + " [";
    for (std::size_t p = 0; p < of.size(); ++p) {
      text += (p == 0 ? "" : " ") + (of[p] < 0 ? "-" : std::to_string(of[p]));
    }
    text += "]";
  }
  return text;
}

// ---- the answer

struct Sums {
  std::uint64_t records = 0;
  std::uint64_t events = 0;
  std::uint64_t markers = 0;
  std::uint64_t accounts = 0;
  std::map<std::string, core::Sum> balances;
  /// "payments.complete changed": how many.
  std::map<std::string, std::uint64_t> kinds;
};

Sums sums_of(const RecomputePlan& plan, const Recomputation& done) {
  Sums sums;
  for (const TaskFindings& each : done.tasks) {
    const stream::StageSpec& spec = plan.specs[plan.tasks[each.plan].spec];
    sums.records += each.records;
    sums.events += each.events;
    sums.markers += each.markers;
    sums.accounts += each.accounts;
    for (const auto& [currency, sum] : each.balances) {
      sums.balances[currency] += sum;
    }
    for (const auto& [key, count] : each.counts) {
      const bool of_event = key.first <= DifferenceKind::unexpected;
      sums.kinds[(of_event ? output_topic(spec, key.second) : spec.name) + " " +
                 std::string(to_string(key.first))] += count;
    }
    for (const auto& [table, count] : each.rows) {
      sums.kinds["rows of " + spec.name + "." + table] += count;
    }
  }
  return sums;
}

std::string account_text(const Sums& sums) {
  std::string text;
  for (const auto& [currency, sum] : sums.balances) {
    text += "balances of " + std::to_string(sums.accounts) + " accounts: " + to_string(sum) + " " +
            currency + " (minor units)\n";
  }
  return text;
}

struct Ran {
  const tool::Reached* reached;
  const RecomputePlan* plan;
  const Recomputation* done;
};

Json differences_of(const Ran& ran) {
  Json list = Json::array();
  for (const TaskFindings& each : ran.done->tasks) {
    const TaskPlan& task = ran.plan->tasks[each.plan];
    const stream::StageSpec& spec = ran.plan->specs[task.spec];
    const Told of{task_text({spec.number, task.partition}), &spec};
    for (const Difference& difference : each.first) {
      if (list.size() < recompute::kDifferencesKept) {
        list.push_back(to_json(*ran.reached, of, difference));
      }
    }
    for (const std::string& row : each.first_rows) {
      if (list.size() < recompute::kDifferencesKept) {
        list.push_back({{"task", of.task},
                        {"kind", "row"},
                        {"input", spec.input},
                        {"input_offset", task.to()},
                        {"text", row}});
      }
    }
  }
  return list;
}

Json balances_json(const Sums& sums) {
  Json json = Json::object();
  for (const auto& [currency, sum] : sums.balances) {
    json[currency] = to_string(sum);
  }
  return json;
}

Answer answer_of(const Ran& ran, bool shadow) {
  const Recomputation& done = *ran.done;
  const Sums sums = sums_of(*ran.plan, done);
  const auto offsets = offsets_of(*ran.plan, ran.reached->partitions);
  const Json differences = differences_of(ran);
  Json from = Json::object();
  Answer answer;
  for (const TaskPlan& task : ran.plan->tasks) {
    const std::string name = task_text({ran.plan->specs[task.spec].number, task.partition});
    from[name] = task.from();
    answer.text += task.begins_with() != nullptr ? name + ": " + range_of(task) + "\n" : "";
  }
  answer.json = Json{
      {"equal", done.equal()},
      {"shadow", shadow},
      {"records", sums.records},
      {"events", sums.events},
      {"markers", sums.markers},
      {"accounts", sums.accounts},
      {"balances_minor", balances_json(sums)},
      {"from", std::move(from)},
      {"offsets", offsets},
      {"notes", done.notes},
      {"kinds", sums.kinds},
      {"differences",
       differences}}.dump(-1, ' ', false, Json::error_handler_t::replace);
  answer.text += std::to_string(sums.records) + " records, " + std::to_string(sums.events) +
                 " events, " + std::to_string(sums.markers) + " markers\n" + account_text(sums);
  if (done.equal()) {
    answer.text += "equal up to offsets " + offsets_text(offsets) + "\n";
    return answer;
  }
  answer.exit = tool::Exit::check_failed;
  answer.text += shadow ? "this build would change:\n" : "the first differences:\n";
  for (const auto& [kind, count] : sums.kinds) {
    answer.text += shadow ? "  " + std::to_string(count) + "  " + kind + "\n" : "";
  }
  for (const std::string& note : done.notes) {
    answer.text += note + "\n";
  }
  for (const Json& each : differences) {
    answer.text += text_of(each);
  }
  return answer;
}

Result<Answer> recompute_once(const tool::Reached& reached, const PlanWishes& wishes, bool shadow,
                              const std::function<void(const std::string&)>& progress) {
  progress("reading changelogs");
  Result<RecomputePlan> plan = plan_recomputation(reached, wishes);
  if (!plan) {
    return Unexpected(plan.error());
  }
  Result<Recomputation> done = recompute_tasks(reached, *plan, shadow, progress);
  if (!done) {
    return Unexpected(done.error());
  }
  return answer_of({&reached, &*plan, &*done}, shadow);
}

Result<Answer> recompute(const Session& session, const RecomputeFlags& flags) {
  Result<PlanWishes> wishes = wishes_of(flags);
  if (!wishes) {
    return Unexpected(wishes.error());
  }
  Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  const auto progress = [terminal](const std::string& doing) {
    if (terminal) {
      std::fprintf(stderr, "\r%s\x1b[K", doing.c_str());
    }
  };
  Result<Answer> answer = recompute_once(*reached, *wishes, flags.shadow, progress);
  // A task trims its changelog behind each base, perhaps while it is read here: begin again (R14).
  for (int again = 0; again < kReadAgainMost && !answer &&
                      answer.error().code == ErrorCode::not_found && wishes->task.empty();
       ++again) {
    answer = recompute_once(*reached, *wishes, flags.shadow, progress);
  }
  progress("");
  return answer;
}

}  // namespace

void add_recompute(CLI::App& books, Session& session) {
  const auto flags = std::make_shared<RecomputeFlags>();
  CLI::App* command = books.add_subcommand(
      "recompute",
      "Run every task again over its recorded input and compare event by event; exit 8 if it "
      "differs");
  command->add_option("--since", flags->since,
                      "Begin at each task's last checkpoint before this time, or 2h ago [its first "
                      "input]");
  command->add_option("--until", flags->until,
                      "End at each task's last checkpoint before this time");
  command->add_option("--task", flags->task, "This task alone, as account/3");
  command->add_option("--snapshots", flags->snapshots,
                      "A folder of snapshots to begin with as well; may be given again");
  command->add_flag("--shadow", flags->shadow,
                    "Count all that this build would change, by kind, and compare the states at "
                    "the end");
  command->callback([&session, flags] {
    session.chosen = [&session, flags] { return recompute(session, *flags); };
  });
}

}  // namespace kpay::ctl
