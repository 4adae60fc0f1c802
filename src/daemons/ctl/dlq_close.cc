#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "daemons/ctl/change.h"
#include "daemons/ctl/dlq.h"
#include "daemons/ctl/interrupt.h"
#include "daemons/ctl/letter_close.h"

namespace kpay::ctl {

namespace {

using Json = nlohmann::ordered_json;

struct CloseFlags {
  LetterFlags select;
  bool all = false;
  bool force = false;
  std::string reason;
  int rate = 100;
  int timeout_s = 60;
};

bool says_which(const CloseFlags& flags) {
  return flags.all || !flags.select.ids.empty() || !flags.select.cause.empty() ||
         !flags.select.stage.empty() || !flags.select.since.empty() || !flags.select.until.empty();
}

Result<OpenLetters> chosen_letters(const tool::Reached& reached, const CloseFlags& flags) {
  Result<LetterFilter> filter = filter_in(flags.select);
  return filter ? open_letters(reached, *filter) : Unexpected(filter.error());
}

Result<Answer> carry_out(const Session& session, const tool::Reached& reached,
                         const CloseFlags& flags, OpenLetters& letters, bool discards) {
  when_interrupted("what was sent stands: repeat the command for the rest, each has one effect");
  Result<Closing> closing =
      close_letters(reached, {operator_name(), session.signing}, letters,
                    {discards, flags.reason, flags.rate, flags.timeout_s * 1000});
  return closing ? Result<Answer>(std::move(closing->answer)) : Unexpected(closing.error());
}

Result<Answer> replay(const Session& session, const CloseFlags& flags) {
  Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  Result<OpenLetters> letters = chosen_letters(*reached, flags);
  if (!letters) {
    return Unexpected(letters.error());
  }
  if (session.dry_run) {
    return dry_replay(*letters);
  }
  if (const std::size_t chosen = choose_for_replay(*letters, flags.force); chosen > 0) {
    if (std::optional<Answer> stop =
            ask(session, reached->connection,
                "replay " + std::to_string(chosen) + " dead letters: payments may follow")) {
      return *stop;
    }
  }
  return carry_out(session, *reached, flags, *letters, false);
}

Answer dry_discard(const OpenLetters& letters) {
  const std::vector<LetterItem>& items = letters.items;
  Answer answer;
  Json list = Json::array();
  for (const LetterItem& item : items) {
    list.push_back(to_string(item.letter.id));
    answer.lines.push_back(letter_json(item.letter));
    answer.text += to_string(item.letter.id) + " " + item.letter.reason + "\n";
  }
  answer.json = Json{
      {"dry_run", true},
      {"changed", !items.empty()},
      {"would_discard", items.size()},
      {"closed_before", letters.closed_before},
      {"letters",
       list}}.dump();
  answer.text += std::to_string(items.size()) + " would be discarded\n";
  return answer;
}

Result<Answer> discard(const Session& session, const CloseFlags& flags) {
  Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  Result<OpenLetters> letters = chosen_letters(*reached, flags);
  if (!letters) {
    return Unexpected(letters.error());
  }
  if (session.dry_run) {
    return dry_discard(*letters);
  }
  for (LetterItem& item : letters->items) {
    item.chosen = true;
  }
  if (!letters->items.empty()) {
    const std::string count = std::to_string(letters->items.size());
    if (std::optional<Answer> stop =
            ask_typed(session, reached->connection,
                      "discard " + count + " dead letters for good: nothing will come of them",
                      "discard " + count)) {
      return *stop;
    }
  }
  return carry_out(session, *reached, flags, *letters, true);
}

using Flags = std::shared_ptr<CloseFlags>;

void add_common(CLI::App& command, Session& session, const Flags& flags,
                Result<Answer> (*what)(const Session&, const CloseFlags&)) {
  command.add_option("ID", flags->select.ids, "Which, as intake/3@128.0");
  add_letter_options(command, flags->select);
  command.add_flag("--all", flags->all, "Every one that is open");
  command.add_option("--reason", flags->reason, "Why; everybody can read it");
  command.add_option("--rate", flags->rate, "At most so many a second [100]")
      ->check(CLI::Range(1, 100'000));
  command.add_option("--timeout", flags->timeout_s, "Seconds to wait for the tasks' answers [60]")
      ->check(CLI::Range(1, 86'400));
  add_danger_options(command, session);
  add_signing_options(command, session);
  add_jsonl(command, session);
  command.callback([&session, flags, what, name = command.get_name()] {
    if (!says_which(*flags)) {
      throw CLI::ValidationError("dlq " + name,
                                 "say which: ids, --cause, --stage, --since, --until or --all");
    }
    if (!session.dry_run && flags->reason.empty()) {
      throw CLI::ValidationError("dlq " + name, "--reason is required");
    }
    session.chosen = [&session, flags, what] { return what(session, *flags); };
  });
}

}  // namespace

void add_dlq_replay(CLI::App& dlq, Session& session) {
  const auto flags = std::make_shared<CloseFlags>();
  CLI::App* command = dlq.add_subcommand("replay", "Apply open dead letters again, each once");
  command->add_flag("--force", flags->force, "Also what would fail by this build's rules");
  add_common(*command, session, flags, replay);
}

void add_dlq_discard(CLI::App& dlq, Session& session) {
  const auto flags = std::make_shared<CloseFlags>();
  CLI::App* command = dlq.add_subcommand("discard", "Close open dead letters for good");
  add_common(*command, session, flags, discard);
}

}  // namespace kpay::ctl
