// A snapshot's manifest, as text.
#include <charconv>

#include "stream/snapshot.h"

namespace kpay::stream {

namespace {

constexpr std::string_view kFirstLine = "kpay snapshot 1";

class LineReader {
 public:
  explicit LineReader(std::string_view text) : text_(text) {}

  // The value of the next line, which begins with `name`.
  std::string_view value(std::string_view name) {
    const std::size_t end = text_.find('\n');
    const std::string_view line = text_.substr(0, end);
    text_ = end == std::string_view::npos ? std::string_view() : text_.substr(end + 1);
    ++line_;
    if (end == std::string_view::npos || !line.starts_with(name) || line.size() <= name.size() ||
        line[name.size()] != ' ') {
      wrong(name);
      return {};
    }
    return line.substr(name.size() + 1);
  }
  template <class T>
  T number(std::string_view name) {
    const std::string_view text = value(name);
    T number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) {
      wrong(name);
    }
    return number;
  }
  Uuid uuid(std::string_view name) { return uuid_in(name, value(name)); }
  Uuid uuid_in(std::string_view name, std::string_view text) {
    const std::optional<Uuid> uuid = parse_uuid(text);
    if (!uuid) {
      wrong(name);
    }
    return uuid.value_or(Uuid{});
  }
  void wrong(std::string_view name) {
    if (fault_.empty()) {
      fault_ =
          "line " + std::to_string(line_) + ": " + std::string(name) + " is not what it must be";
    }
  }
  [[nodiscard]] const std::string& fault() const noexcept { return fault_; }

 private:
  std::string_view text_;
  int line_ = 0;
  std::string fault_;
};

std::vector<Uuid> topics_in(LineReader& in) {
  std::vector<Uuid> ids;
  std::string_view text = in.value("topics");
  while (!text.empty() && in.fault().empty()) {
    const std::size_t end = text.find(' ');
    ids.push_back(in.uuid_in("topics", text.substr(0, end)));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return ids;
}

Sha256 sum_in(LineReader& in) {
  Sha256 sum{};
  const std::optional<Bytes> bytes = from_hex(in.value("sha256"));
  if (!bytes || bytes->size() != sum.size()) {
    in.wrong("sha256");
  } else {
    std::copy(bytes->begin(), bytes->end(), sum.begin());
  }
  return sum;
}

Marker marker_in(LineReader& in) {
  const std::optional<Bytes> record = from_hex(in.value("record"));
  const std::optional<ChangelogRecord> decoded =
      record ? decode_changelog(*record) : std::optional<ChangelogRecord>();
  if (!decoded || !std::holds_alternative<Marker>(*decoded)) {
    in.wrong("record");
    return {};
  }
  return std::get<Marker>(*decoded);
}

}  // namespace

std::string encode(const SnapshotManifest& manifest) {
  std::string text(kFirstLine);
  const auto line = [&text](std::string_view name, const std::string& value) {
    text += "\n" + std::string(name) + " " + value;
  };
  std::string topics;
  for (const Uuid& id : manifest.identity.topic_ids) {
    topics += (topics.empty() ? "" : " ") + to_string(id);
  }
  const Marker& marker = manifest.marker;
  line("stage", manifest.stage);
  line("partition", std::to_string(manifest.partition));
  line("partitions", std::to_string(manifest.identity.partitions));
  line("cluster", manifest.identity.cluster_id);
  line("lineage", to_string(manifest.identity.lineage));
  line("topics", topics);
  line("taken_ms", std::to_string(manifest.taken.ms));
  line("instance", manifest.instance);
  line("build", manifest.build);
  line("bytes", std::to_string(manifest.file.bytes));
  line("sha256", to_hex(manifest.file.sha256));
  line("marker", std::to_string(marker.number));
  line("epoch", std::to_string(marker.epoch));
  line("position", std::to_string(marker.registers.position));
  line("logic_version", std::to_string(marker.logic.version));
  line("state_hash", to_string(marker.state_hash));
  line("record", to_hex(encode(marker)));
  return text + "\n";
}

Result<SnapshotManifest> decode_manifest(std::string_view text) {
  LineReader in(text);
  if (in.value("kpay") != kFirstLine.substr(5)) {
    return Unexpected(ErrorCode::corrupt, "line 1: this is no manifest of a snapshot, version 1");
  }
  SnapshotManifest manifest;
  manifest.stage = in.value("stage");
  manifest.partition = in.number<std::int32_t>("partition");
  manifest.identity.partitions = in.number<std::int32_t>("partitions");
  manifest.identity.cluster_id = in.value("cluster");
  manifest.identity.lineage = in.uuid("lineage");
  manifest.identity.topic_ids = topics_in(in);
  manifest.taken.ms = in.number<std::int64_t>("taken_ms");
  manifest.instance = in.value("instance");
  manifest.build = in.value("build");
  manifest.file.bytes = in.number<std::uint64_t>("bytes");
  manifest.file.sha256 = sum_in(in);
  for (const char* told_again : {"marker", "epoch", "position", "logic_version", "state_hash"}) {
    (void)in.value(told_again);
  }
  manifest.marker = marker_in(in);
  if (!in.fault().empty()) {
    return Unexpected(ErrorCode::corrupt, in.fault());
  }
  // The words that are there twice agree, and nothing follows: one text for each manifest.
  if (encode(manifest) != text) {
    return Unexpected(ErrorCode::corrupt, "it doesn't say the same as its marker's record");
  }
  return manifest;
}

}  // namespace kpay::stream
