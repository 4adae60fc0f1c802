#include "daemons/ctl/trim.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "base/plant.h"
#include "base/time.h"
#include "daemons/ctl/http_tables.h"
#include "daemons/ctl/trim_journals.h"
#include "daemons/tool/sweep.h"
#include "stages/specs.h"
#include "stream/changelog_reader.h"

namespace kpay::ctl {

namespace {

constexpr int kDeleteMs = 30'000;
constexpr const char* kProducersSetting = "producer.id.expiration.ms";

std::string seconds(std::int64_t ms) { return std::to_string((ms + 999) / 1000) + " s"; }

// A broker knows a producer by its last records: younger ones stay, or it forgets the producer and
// takes any number as its first.
Result<void> check_keep(kafka::Admin& admin, std::int64_t keep_ms) {
  Result<std::map<std::string, std::string>> settings = admin.broker_settings(tool::kAnswerMs);
  if (!settings) {
    return Unexpected(settings.error());
  }
  const std::string& text = (*settings)[kProducersSetting];
  std::int64_t least = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), least).ec != std::errc()) {
    return Unexpected(ErrorCode::unavailable,
                      std::string("the broker doesn't tell its ") + kProducersSetting);
  }
  if (keep_ms < least) {
    return Unexpected(ErrorCode::invalid, "--keep is " + seconds(keep_ms) + "; the brokers' " +
                                              kProducersSetting + " is " + seconds(least) +
                                              ", and nothing younger may go");
  }
  return {};
}

// The positions of one stage's tasks, by partition.
using Positions = std::vector<std::optional<std::int64_t>>;

Result<std::map<std::string, Positions>> read_positions(
    const tool::Reached& reached, const std::vector<stream::StageSpec>& specs) {
  std::vector<tool::SweepPart> parts;
  for (const stream::StageSpec& spec : specs) {
    Result<std::vector<stream::LogBounds>> bounds = reached.bounds(spec.changelog());
    if (!bounds) {
      return Unexpected(bounds.error());
    }
    for (const stream::LogBounds& each : *bounds) {
      const auto partition = static_cast<std::int32_t>(parts.size() % bounds->size());
      parts.push_back({reached.topic(spec.changelog()), partition, each.begin, each.end});
    }
  }
  struct Changelog {
    stream::ChangelogReader reader{false};
    bool whole = false;  // its markers stand on genesis, or on a base
  };
  std::vector<Changelog> changelogs(parts.size());
  Result<std::unique_ptr<tool::Sweep>> sweep =
      tool::Sweep::start(reached.connection.client, std::move(parts));
  if (!sweep) {
    return Unexpected(sweep.error());
  }
  (*sweep)->begin_again([&](std::size_t part) { changelogs[part] = {}; });
  Result<void> read = (*sweep)->run([&](std::size_t part, const stream::LogRecord& record) {
    Changelog& changelog = changelogs[part];
    const stream::Verdict verdict = changelog.reader.feed(record.offset, record.value);
    changelog.whole =
        changelog.whole || verdict == stream::Verdict::base || changelog.reader.from_genesis();
  });
  if (!read) {
    return Unexpected(read.error());
  }
  std::map<std::string, Positions> positions;
  const auto partitions = static_cast<std::size_t>(reached.partitions);
  for (std::size_t i = 0; i < changelogs.size(); ++i) {
    const stream::Marker& marker = changelogs[i].reader.marker();
    const bool accepted = changelogs[i].whole && marker.number > 0;
    positions[specs[i / partitions].name].push_back(
        accepted ? std::optional(marker.registers.position) : std::nullopt);
  }
  return positions;
}

// R20: each task's oldest snapshots, of all instances.
Result<std::vector<ToldSnapshots>> read_snapshots(const tool::Reached& reached,
                                                  const std::vector<std::string>& forgotten) {
  Result<std::map<std::string, std::string>> statuses =
      read_compacted(*reached.reader, reached.topic("control.status"));
  if (!statuses) {
    return Unexpected(statuses.error());
  }
  for (const std::string& instance : forgotten) {
    if (statuses->erase(instance) == 0) {
      return Unexpected(ErrorCode::not_found,
                        "no instance " + instance + " has told anything on control.status");
    }
  }
  return told_snapshots(*statuses);
}

}  // namespace

void add_snapshots(std::vector<InputReader>& readers, const std::vector<ToldSnapshots>& snapshots,
                   const std::string& stage, std::int32_t partition) {
  for (const ToldSnapshots& each : snapshots) {
    if (each.stage == stage && each.partition == partition && !KPAY_PLANT(trim_ignores_snapshots)) {
      readers.push_back({"snapshot of " + stage + " on " + each.instance, each.oldest.position});
    }
  }
}

void decide_trim(InputTrim& trim, const std::vector<InputReader>& readers,
                 std::optional<std::int64_t> young) {
  trim.to = trim.bounds.end;
  trim.limit.clear();
  const auto keep_from = [&trim](std::int64_t offset, const std::string& limit) {
    if (offset < trim.to) {
      trim.to = offset;
      trim.limit = limit;
    }
  };
  for (const InputReader& reader : readers) {
    keep_from(reader.position.value_or(trim.bounds.begin), reader.name);
  }
  if (young) {
    keep_from(*young, "age");
  }
  trim.to = std::max(trim.to, trim.bounds.begin);
}

Result<std::vector<InputTrim>> plan_trim(const tool::Reached& reached, std::int64_t keep_ms,
                                         const Forgotten& forgotten) {
  kafka::Admin& admin = reached.reader->admin();
  if (Result<void> allowed = check_keep(admin, keep_ms); !allowed) {
    return Unexpected(allowed.error());
  }
  const Timestamp before{wall_clock_now().ms - keep_ms};
  const std::vector<stream::StageSpec> specs = stages::all_specs();
  // The bounds first: a position that is read later is only further on.
  std::map<std::string, std::vector<stream::LogBounds>> inputs;
  for (const stream::StageSpec& spec : specs) {
    Result<std::vector<stream::LogBounds>> bounds = reached.bounds(spec.input);
    if (!bounds) {
      return Unexpected(bounds.error());
    }
    inputs[spec.input] = std::move(*bounds);
  }
  Result<std::map<std::string, Positions>> positions = read_positions(reached, specs);
  if (!positions) {
    return Unexpected(positions.error());
  }
  Result<std::vector<ToldSnapshots>> snapshots = read_snapshots(reached, forgotten.snapshots_of);
  if (!snapshots) {
    return Unexpected(snapshots.error());
  }
  Result<std::vector<KeptByJournal>> journals = read_journals(reached, forgotten.journals);
  if (!journals) {
    return Unexpected(journals.error());
  }
  std::vector<InputTrim> plan;
  for (const auto& [input, bounds] : inputs) {
    Result<std::vector<std::optional<std::int64_t>>> young =
        admin.offsets_since(reached.topic(input), reached.partitions, before, tool::kAnswerMs);
    if (!young) {
      return Unexpected(young.error());
    }
    for (std::size_t p = 0; p < bounds.size(); ++p) {
      std::vector<InputReader> readers;
      for (const stream::StageSpec& spec : specs) {
        if (spec.input == input) {
          readers.push_back({spec.name, (*positions)[spec.name][p]});
          add_snapshots(readers, *snapshots, spec.name, static_cast<std::int32_t>(p));
        }
      }
      add_journals(readers, *journals, input, p);
      InputTrim& each = plan.emplace_back();
      each.topic = reached.topic(input);
      each.partition = static_cast<std::int32_t>(p);
      each.bounds = bounds[p];
      decide_trim(each, readers, (*young)[p]);
    }
  }
  return plan;
}

Result<void> trim(const tool::Reached& reached, const std::vector<InputTrim>& plan) {
  for (const InputTrim& each : plan) {
    if (each.records() > 0) {
      Result<void> deleted =
          reached.reader->admin().delete_before(each.topic, each.partition, each.to, kDeleteMs);
      if (!deleted) {
        return deleted;
      }
    }
  }
  return {};
}

}  // namespace kpay::ctl
