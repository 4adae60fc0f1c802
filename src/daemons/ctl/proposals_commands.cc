#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/time.h"
#include "daemons/ctl/change.h"
#include "daemons/ctl/letters.h"
#include "daemons/ctl/operator_channel.h"
#include "stages/specs.h"

namespace kpay::ctl {

namespace {

using Json = nlohmann::ordered_json;

struct ProposalFlags {
  std::string file;
  int timeout_s = 60;
};

// What the record asks of whom: "replay account/3@128.0", "enrol <key> at intake/0".
std::string asked_by(const stream::OperatorRecord& record) {
  const std::string task = task_text({record.stage, record.partition});
  std::string text(verb_of(record));
  if (const stream::LetterKey* letter = letter_of(record)) {
    return text + " " + to_string(LetterId{record.stage, record.partition, *letter});
  }
  if (const auto* accept = std::get_if<stream::AcceptSender>(&record.what)) {
    return text + " " + task_text(accept->sender) + " at " + task + " after number " +
           std::to_string(accept->seen.last);
  }
  if (const auto* change = std::get_if<stream::SwitchLogic>(&record.what)) {
    return text + " " + task + " to logic version " + std::to_string(change->to.version) + " (" +
           to_string(change->to.rules_hash) + ")";
  }
  if (const auto* enrol = std::get_if<stream::EnrolKey>(&record.what)) {
    return text + " " + to_string(enrol->key) + " of " + enrol->owner + " at " + task;
  }
  if (const auto* override = std::get_if<stream::OverrideInput>(&record.what)) {
    std::string what(to_string(override->action));
    if (override->action == stream::OverrideAction::set_time) {
      what = "time " + to_rfc3339(override->time);
    } else if (override->action == stream::OverrideAction::switch_logic) {
      what = "logic version " + std::to_string(override->to.version) + " " +
             to_string(override->to.rules_hash);
    }
    return text + " (" + what + ") of input offset " + std::to_string(override->offset) + " at " +
           task;
  }
  return text + " " + to_string(std::get<stream::RevokeKey>(record.what).key) + " at " + task;
}

Result<Answer> show(const ProposalFlags& flags) {
  Result<Proposal> proposal = read_proposal(flags.file);
  if (!proposal) {
    return Unexpected(proposal.error());
  }
  Answer answer;
  Json list = Json::array();
  for (const ProposedRecord& each : proposal->records) {
    const std::optional<stream::OperatorRecord> record = stream::decode_operator_record(each.value);
    Json json{{"partition", each.partition}};
    if (record) {
      json.update(Json{{"asks", asked_by(*record)},
                       {"author", record->author},
                       {"reason", record->reason},
                       {"signatures_wanted", signatures_wanted(*record)}});
      json["signed_by"] = Json::array();
      answer.text += asked_by(*record) + "\n  by " + record->author + ": " + record->reason + "\n";
      for (const PublicKey& key : signers_of(*record)) {
        json["signed_by"].push_back(to_string(key));
        answer.text += "  signed by " + to_string(key) + "\n";
      }
    } else {
      json.update(Json{{"asks", "a client's record, sent where it belongs"},
                       {"key", to_hex(each.key)},
                       {"value", to_hex(each.value)}});
      answer.text += "a client's record, to " + proposal->topic + "/" +
                     std::to_string(each.partition) + ": " + to_hex(each.value) + "\n";
    }
    answer.lines.push_back(json.dump());
    list.push_back(std::move(json));
  }
  answer.json = Json{{"file", flags.file}, {"topic", proposal->topic}, {"records", list}}.dump();
  return answer;
}

Result<Answer> sign(const Session& session, const ProposalFlags& flags) {
  Result<Proposal> proposal = read_proposal(flags.file);
  Result<std::vector<SigningKey>> keys = read_keys(session.signing.keys);
  if (!proposal || !keys) {
    return Unexpected(!proposal ? proposal.error() : keys.error());
  }
  std::size_t count = 0;
  for (ProposedRecord& each : proposal->records) {
    std::optional<stream::OperatorRecord> record = stream::decode_operator_record(each.value);
    if (!record) {
      continue;
    }
    const stream::OperatorRecord with = signed_by(std::move(*record), *keys);
    if (with.signatures.size() > stream::kSignaturesMax) {
      return Unexpected(ErrorCode::refused, flags.file + ": a record has at most " +
                                                std::to_string(stream::kSignaturesMax) +
                                                " signatures");
    }
    each.value = encode(with);
    ++count;
  }
  if (Result<void> written = write_proposal(flags.file, *proposal); !written) {
    return Unexpected(written.error());
  }
  return Answer{Json{{"changed", count > 0}, {"file", flags.file}, {"signed", count}}.dump(),
                std::to_string(count) + " records signed\n"};
}

Result<Answer> send(const Session& session, const ProposalFlags& flags) {
  Result<Proposal> proposal = read_proposal(flags.file);
  Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!proposal || !reached) {
    return Unexpected(!proposal ? proposal.error() : reached.error());
  }
  if (proposal->topic != reached->topic(stages::kTopicIncoming)) {
    return Unexpected(ErrorCode::invalid, flags.file + " is for " + proposal->topic +
                                              ", this system has " +
                                              reached->topic(stages::kTopicIncoming));
  }
  const std::string effect =
      "send the " + std::to_string(proposal->records.size()) + " records of " + flags.file;
  if (session.dry_run) {
    return Answer{Json{{"dry_run", true}, {"changed", true}}.dump(), effect + "\n"};
  }
  if (std::optional<Answer> stop = ask(session, reached->connection, effect)) {
    return *stop;
  }
  Result<std::unique_ptr<OperatorChannel>> channel =
      OperatorChannel::open(*reached, {operator_name()});
  if (!channel) {
    return Unexpected(channel.error());
  }
  std::size_t records = 0;
  for (const ProposedRecord& each : proposal->records) {
    const std::optional<stream::OperatorRecord> record = stream::decode_operator_record(each.value);
    records += record ? 1 : 0;
    Result<void> sent =
        record ? (*channel)->send(*record, each.partition, each.headers)
               : (*channel)->send_client_record(each.partition, each.key, each.value, each.headers);
    if (!sent) {
      return Unexpected(sent.error());
    }
  }
  if (Result<void> sent = (*channel)->flush(); !sent) {
    return Unexpected(sent.error());
  }
  if (Result<bool> ended = (*channel)->wait(flags.timeout_s * 1000); !ended) {
    return Unexpected(ended.error());
  }
  return verdicts_answer(effect, records, (*channel)->answers());
}

}  // namespace

void add_proposals(CLI::App& app, Session& session) {
  CLI::App* proposals =
      app.add_subcommand("proposals", "Operators' records in a file: look, sign, send");
  proposals->require_subcommand(1);
  const auto flags = std::make_shared<ProposalFlags>();
  const auto add = [&](const char* name, const char* about) {
    CLI::App* command = proposals->add_subcommand(name, about);
    command->add_option("FILE", flags->file, "As --propose wrote it")->required();
    return command;
  };
  CLI::App* one = add("show", "What is asked of whom, by whom, and who has signed");
  add_jsonl(*one, session);
  one->callback([&session, flags] { session.chosen = [flags] { return show(*flags); }; });
  CLI::App* mine = add("sign", "Add signatures to the file");
  mine->add_option("--key", session.signing.keys, "Private key files")
      ->required()
      ->expected(1, static_cast<int>(stream::kSignaturesMax))
      ->envname("KPAYCTL_KEY");
  mine->callback(
      [&session, flags] { session.chosen = [&session, flags] { return sign(session, *flags); }; });
  CLI::App* all = add("send", "Send the records, and wait for the tasks' answers");
  all->add_option("--timeout", flags->timeout_s, "Seconds to wait for the answers [60]")
      ->check(CLI::Range(1, 86'400));
  add_danger_options(*all, session);
  all->callback(
      [&session, flags] { session.chosen = [&session, flags] { return send(session, *flags); }; });
}

}  // namespace kpay::ctl
