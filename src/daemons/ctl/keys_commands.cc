#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/time.h"
#include "daemons/ctl/change.h"
#include "daemons/ctl/operator_channel.h"
#include "stages/specs.h"

namespace kpay::ctl {

namespace {

using Json = nlohmann::ordered_json;

struct KeyFlags {
  std::string file;
  std::string key;
  std::string owner;
  std::string reason;
  int timeout_s = 60;
};

Result<Answer> generate(const KeyFlags& flags) {
  const SigningKey key = SigningKey::generate();
  if (Result<void> written = key.write(flags.file); !written) {
    return Unexpected(written.error());
  }
  const std::string text = to_string(key.public_key());
  return Answer{
      Json{{"changed", true}, {"file", flags.file}, {"public_key", text}}.dump(), text + "\n",
      "the private key is in " + flags.file +
          ", which only you can read; the line above is its public key, to be enrolled\n"};
}

Result<PublicKey> key_in(const std::string& text) {
  const std::optional<PublicKey> key = parse_public_key(text);
  return key ? Result<PublicKey>(*key)
             : Unexpected(ErrorCode::invalid, "\"" + text +
                                                  "\" is no public key: 64 hexadecimal digits, as "
                                                  "`kpayctl keys generate` prints them");
}

struct Enrolled {
  std::string fields;
  std::int32_t partitions = 0;
};

Result<std::map<std::string, Enrolled>> read_table(const HttpTables& tables, const char* table) {
  std::map<std::string, Enrolled> keys;
  for (const Instance& instance : tables.serving("intake")) {
    Result<void> read = tables.each(instance, "intake", table, [&](const Row& row) {
      Enrolled& key = keys[row.key];
      key.fields = row.json;
      ++key.partitions;
    });
    if (!read) {
      return Unexpected(read.error());
    }
  }
  return keys;
}

// Each partition of payments.incoming has its own list; they are the same but for what is under
// way.
Result<Answer> list(const Session& session) {
  Result<Asked> asked = ask_daemons(session.flags, session.http);
  if (!asked) {
    return Unexpected(asked.error());
  }
  Answer answer;
  Json found = Json::array();
  TextTable table({"KEY", "OWNER", "STATE", "SINCE", "PARTITIONS"});
  const std::int32_t partitions = asked->reached.partitions;
  std::size_t enrolled = 0;
  for (const char* state : {"operator_keys", "revoked_keys"}) {
    Result<std::map<std::string, Enrolled>> keys = read_table(asked->tables, state);
    if (!keys) {
      return Unexpected(keys.error());
    }
    const std::string word = std::string_view(state) == "operator_keys" ? "enrolled" : "revoked";
    enrolled += word == "enrolled" ? keys->size() : 0;
    for (const auto& [key, about] : *keys) {
      const Json fields = Json::parse(about.fields, nullptr, false);
      const std::string owner = fields.value("owner", "");
      const std::string since = to_rfc3339(Timestamp{fields.value("since_ms", std::int64_t{0})});
      found.push_back({{"key", key},
                       {"owner", owner},
                       {"state", word},
                       {"since", since},
                       {"partitions", about.partitions},
                       {"of", partitions}});
      answer.lines.push_back(found.back().dump());
      table.add({key, owner, word, since,
                 std::to_string(about.partitions) + " of " + std::to_string(partitions)});
      if (about.partitions < partitions) {
        answer.exit = tool::Exit::partial;
      }
    }
  }
  const std::vector<std::int32_t> unserved = asked->tables.unserved("intake");
  answer.json = Json{{"keys", found}, {"partitions", partitions}, {"unserved", unserved}}.dump();
  answer.text = table.text();
  answer.note = enrolled == 0 ? "no key is enrolled: operators' records need no signature\n"
                : answer.exit == tool::Exit::partial
                    ? "not the same on every partition: repeat what was cut off\n"
                    : "";
  if (!unserved.empty()) {
    answer.exit = tool::Exit::partial;
    answer.note += std::to_string(unserved.size()) + " partitions of intake don't answer\n";
  }
  return answer;
}

// The same record for each task that reads from outside. All of them, or those that are left are
// named: then the command is repeated.
Result<Answer> tell_all(const Session& session, const KeyFlags& flags, const std::string& effect,
                        const decltype(stream::OperatorRecord::what)& what) {
  Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  if (session.dry_run) {
    return Answer{Json{{"dry_run", true}, {"changed", true}}.dump(), effect + "\n"};
  }
  if (std::optional<Answer> stop = ask(session, reached->connection, effect)) {
    return *stop;
  }
  Result<std::unique_ptr<OperatorChannel>> channel =
      OperatorChannel::open(*reached, {operator_name(), session.signing});
  if (!channel) {
    return Unexpected(channel.error());
  }
  std::vector<std::pair<stream::OperatorRecord, std::int32_t>> records;
  for (std::int32_t p = 0; p < reached->partitions; ++p) {
    records.emplace_back((*channel)->record_for(stages::kIntake, p, new_uuid_v7(), flags.reason),
                         p);
    records.back().first.what = what;
  }
  return (*channel)->carry_out(effect, records, flags.timeout_s * 1000);
}

Result<Answer> enrol(const Session& session, const KeyFlags& flags) {
  Result<PublicKey> key = key_in(flags.key);
  if (!key) {
    return Unexpected(key.error());
  }
  return tell_all(session, flags,
                  "enrol " + flags.key + " of " + flags.owner + ": it signs operators' records",
                  stream::EnrolKey{*key, flags.owner});
}

Result<Answer> revoke(const Session& session, const KeyFlags& flags) {
  Result<PublicKey> key = key_in(flags.key);
  if (!key) {
    return Unexpected(key.error());
  }
  return tell_all(session, flags, "revoke " + flags.key + " for good", stream::RevokeKey{*key});
}

using Flags = std::shared_ptr<KeyFlags>;

CLI::App* add_change(CLI::App& keys, Session& session, const Flags& flags, const char* name,
                     const char* about, Result<Answer> (*what)(const Session&, const KeyFlags&)) {
  CLI::App* command = keys.add_subcommand(name, about);
  command->add_option("PUBLIC_KEY", flags->key, "64 hexadecimal digits")->required();
  command->add_option("--reason", flags->reason, "Why; everybody can read it")->required();
  command->add_option("--timeout", flags->timeout_s, "Seconds to wait for the answers [60]")
      ->check(CLI::Range(1, 86'400));
  add_danger_options(*command, session);
  add_signing_options(*command, session);
  command->callback([&session, flags, what] {
    session.chosen = [&session, flags, what] { return what(session, *flags); };
  });
  return command;
}

}  // namespace

void add_keys(CLI::App& app, Session& session) {
  CLI::App* keys = app.add_subcommand("keys", "Whose signatures count under operators' records");
  keys->require_subcommand(1);
  const auto flags = std::make_shared<KeyFlags>();
  CLI::App* make = keys->add_subcommand("generate", "Make a key of your own; no cluster is asked");
  make->add_option("FILE", flags->file, "Where the private key goes; a new file")->required();
  make->callback([&session, flags] { session.chosen = [flags] { return generate(*flags); }; });
  CLI::App* all = keys->add_subcommand("list", "Enrolled and revoked keys");
  add_jsonl(*all, session);
  all->callback([&session] { session.chosen = [&session] { return list(session); }; });
  add_change(*keys, session, flags, "enrol", "Let a key's signatures count", enrol)
      ->add_option("--owner", flags->owner, "Who signs with it")
      ->required()
      ->check([](const std::string& owner) {
        return owner.size() <= stream::kOperatorNameMax && !owner.empty()
                   ? std::string()
                   : "1 to " + std::to_string(stream::kOperatorNameMax) + " bytes";
      });
  add_change(*keys, session, flags, "revoke", "Let them never count again", revoke);
}

}  // namespace kpay::ctl
