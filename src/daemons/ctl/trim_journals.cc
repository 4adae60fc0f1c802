#include "daemons/ctl/trim_journals.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "daemons/tool/sweep.h"

namespace kpay::ctl {

namespace {

constexpr const char* kAuditTopic = "ops.audit";
// What a journal says once a second, and 500 findings besides: some hours of it.
constexpr std::int64_t kAuditRecordsBack = 20'000;

// Nothing when the bytes are no statement, or one of a journal that keeps nothing.
std::optional<KeptByJournal> parse_kept(std::string_view json) {
  const nlohmann::json parsed = nlohmann::json::parse(json, nullptr, false);
  const bool says = parsed.is_object() && parsed.contains("instance") &&
                    parsed["instance"].is_string() && parsed.contains("kept") &&
                    parsed["kept"].is_object();
  if (!says) {
    return std::nullopt;
  }
  KeptByJournal kept{parsed["instance"].get<std::string>(), {}};
  for (const auto& [topic, offsets] : parsed["kept"].items()) {
    for (const nlohmann::json& offset : offsets) {
      kept.offsets[topic].push_back(offset.is_number_integer() ? offset.get<std::int64_t>() : 0);
    }
  }
  return kept;
}

}  // namespace

Result<std::vector<KeptByJournal>> read_journals(const tool::Reached& reached,
                                                 const std::vector<std::string>& forgotten) {
  const Result<std::vector<stream::LogBounds>> bounds = reached.bounds(kAuditTopic);
  if (!bounds) {
    return bounds.error().code == ErrorCode::not_found
               ? Result<std::vector<KeptByJournal>>(std::vector<KeptByJournal>())
               : Unexpected(bounds.error());
  }
  std::vector<tool::SweepPart> parts;
  for (const stream::LogBounds& each : *bounds) {
    parts.push_back({reached.topic(kAuditTopic), static_cast<std::int32_t>(parts.size()),
                     std::max(each.begin, each.end - kAuditRecordsBack), each.end});
  }
  Result<std::unique_ptr<tool::Sweep>> sweep =
      tool::Sweep::start(reached.connection.client, std::move(parts));
  if (!sweep) {
    return Unexpected(sweep.error());
  }
  std::map<std::string, KeptByJournal> newest;
  Result<void> read = (*sweep)->run([&](std::size_t, const stream::LogRecord& record) {
    std::optional<KeptByJournal> said = parse_kept(as_text(record.value));
    if (said) {
      newest[said->instance] = std::move(*said);
    }
  });
  if (!read) {
    return Unexpected(read.error());
  }
  std::vector<KeptByJournal> journals;
  for (auto& [instance, statement] : newest) {
    if (std::find(forgotten.begin(), forgotten.end(), instance) == forgotten.end()) {
      journals.push_back(std::move(statement));
    }
  }
  return journals;
}

void add_journals(std::vector<InputReader>& readers, const std::vector<KeptByJournal>& journals,
                  const std::string& input, std::size_t partition) {
  for (const KeptByJournal& journal : journals) {
    const auto found = journal.offsets.find(input);
    const bool known = found != journal.offsets.end() && partition < found->second.size();
    readers.push_back({journal.instance, known ? std::optional(found->second[partition])
                                               : std::optional<std::int64_t>()});
  }
}

}  // namespace kpay::ctl
