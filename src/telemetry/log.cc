#include "telemetry/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <optional>

#include "telemetry/limits.h"
#include "telemetry/text.h"

namespace kpay::telemetry {
namespace {

// Hands each line to a function instead of a stream.
class FunctionSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit FunctionSink(std::function<void(std::string_view)> write) : write_(std::move(write)) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    write_({message.payload.data(), message.payload.size()});
  }
  void flush_() override {}

 private:
  std::function<void(std::string_view)> write_;
};

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warning: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
  }
  return spdlog::level::err;
}

// systemd says in $JOURNAL_STREAM which descriptor is the journal's; lines there may begin with
// their priority, so that `journalctl -p warning` works.
bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat info {};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &info) != 0) {
    return false;
  }
  return std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino) == stream;
}

std::string_view journal_prefix(Level level) {
  switch (level) {
    case Level::debug: return "<7>";
    case Level::info: return "<6>";
    case Level::warning: return "<4>";
    case Level::error: return "<3>";
  }
  return "<3>";
}

// Builds one line in either format.
class Line {
 public:
  explicit Line(bool json) : json_(json) {}

  void add(std::string_view name, const LogValue& value) {
    begin(name);
    if (const auto* text = std::get_if<std::string_view>(&value)) {
      add_text(*text);
    } else if (const auto* flag = std::get_if<bool>(&value)) {
      text_ += *flag ? "true" : "false";
    } else if (const auto* real = std::get_if<double>(&value)) {
      add_real(*real);
    } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
      text_ += std::to_string(*number);
    } else {
      text_ += std::to_string(std::get<std::uint64_t>(value));
    }
  }
  [[nodiscard]] std::string finish() { return std::move(text_) + (json_ ? "}" : ""); }
  void prefix(std::string_view text) { text_.insert(0, text); }

 private:
  void begin(std::string_view name) {
    if (json_) {
      text_ += text_.empty() ? "{" : ",";
      append_json_string(text_, name);
      text_ += ':';
    } else {
      text_ += text_.empty() ? "" : " ";
      text_ += name;
      text_ += '=';
    }
  }
  void add_real(double value) {
    const std::string number = number_text(value);
    const bool finite = number.find_first_of("nN") == std::string::npos;  // JSON has no infinity
    text_ += finite || !json_ ? number : "\"" + number + "\"";
  }
  void add_text(std::string_view text) {
    std::string cut;
    if (text.size() > limits::field_bytes_max) {
      cut = std::string(text.substr(0, limits::field_bytes_max)) + "… (" +
            std::to_string(text.size() - limits::field_bytes_max) + " more bytes)";
      text = cut;
    }
    if (json_) {
      append_json_string(text_, text);
    } else {
      append_logfmt_value(text_, text);
    }
  }

  bool json_;
  std::string text_;
};

// What was let through and what was not, for one event.
struct Repeats {
  Level level = Level::info;
  std::int64_t window_begin_ms = 0;
  std::uint64_t written = 0;
  std::uint64_t suppressed = 0;
};

}  // namespace

class Log::Impl {
 public:
  explicit Impl(LogOptions options)
      : options_(std::move(options)),
        json_(options_.format == LogFormat::json ||
              (options_.format == LogFormat::automatic && ::isatty(STDERR_FILENO) == 0)),
        journal_(!options_.write && stderr_is_journal()),
        logger_("kpay", make_sink()) {
    logger_.set_formatter(std::make_unique<spdlog::pattern_formatter>("%v"));
    logger_.set_level(spdlog::level::trace);
  }

  // Counts a line of `event`. Nothing when it is to be suppressed; else how many were before it.
  std::optional<std::uint64_t> admit(Level level, std::string_view event) {
    const std::int64_t now = options_.timer_ms();
    const std::lock_guard lock(mutex_);
    auto at = repeats_.find(event);
    if (at == repeats_.end()) {
      at = repeats_.emplace(std::string(event), Repeats{level, now, 0, 0}).first;
    }
    Repeats& repeats = at->second;
    if (now - repeats.window_begin_ms >= limits::repeats_window_ms) {
      repeats.window_begin_ms = now;
      repeats.written = 0;
    }
    if (repeats.written >= limits::repeats_max) {
      ++repeats.suppressed;
      return std::nullopt;
    }
    ++repeats.written;
    return std::exchange(repeats.suppressed, 0);
  }

  // What is suppressed, per event, of windows that are over (or of all); it counts as told.
  std::vector<std::pair<std::string, Repeats>> take_suppressed(bool all) {
    const std::int64_t now = options_.timer_ms();
    std::vector<std::pair<std::string, Repeats>> taken;
    const std::lock_guard lock(mutex_);
    for (auto& [event, repeats] : repeats_) {
      const bool over = now - repeats.window_begin_ms >= limits::repeats_window_ms;
      if (repeats.suppressed > 0 && (all || over)) {
        taken.emplace_back(event, repeats);
        repeats.suppressed = 0;
      }
    }
    return taken;
  }

  void tell_suppressed(bool all) {
    for (const auto& [event, repeats] : take_suppressed(all)) {
      put(repeats.level, event, "repeats of this event were not written", {}, repeats.suppressed);
    }
  }

  void put(Level level, std::string_view event, std::string_view message, const LogFields& fields,
           std::uint64_t suppressed) {
    Line line(json_);
    const std::string time = to_rfc3339(options_.wall_clock());
    line.add("ts", std::string_view(time));
    line.add("level", to_string(level));
    line.add("event", event);
    line.add("msg", message);
    for (const auto& [name, value] : options_.constant) {
      line.add(name, std::string_view(value));
    }
    for (const LogField& field : fields) {
      line.add(field.name, field.value);
    }
    if (suppressed > 0) {
      line.add("suppressed", suppressed);
    }
    if (journal_) {
      line.prefix(journal_prefix(level));
    }
    const std::string text = line.finish();
    logger_.log(spdlog_level(level), spdlog::string_view_t(text.data(), text.size()));
  }

 private:
  [[nodiscard]] spdlog::sink_ptr make_sink() const {
    if (options_.write) {
      return std::make_shared<FunctionSink>(options_.write);
    }
    return std::make_shared<spdlog::sinks::stderr_sink_mt>();
  }

  LogOptions options_;
  bool json_;
  bool journal_;
  spdlog::logger logger_;
  std::mutex mutex_;  // guards repeats_
  std::map<std::string, Repeats, std::less<>> repeats_;
};

std::string_view to_string(Level level) noexcept {
  switch (level) {
    case Level::debug: return "debug";
    case Level::info: return "info";
    case Level::warning: return "warning";
    case Level::error: return "error";
  }
  return "error";
}

Log::Log(LogOptions options)
    : level_(options.level), impl_(std::make_unique<Impl>(std::move(options))) {}

Log::~Log() { impl_->tell_suppressed(true); }

void Log::write(Level level, std::string_view event, std::string_view message,
                const LogFields& fields) {
  if (level < this->level()) {
    return;
  }
  if (const std::optional<std::uint64_t> suppressed = impl_->admit(level, event)) {
    impl_->put(level, event, message, fields, *suppressed);
  }
}

void Log::flush_suppressed() { impl_->tell_suppressed(false); }

}  // namespace kpay::telemetry
