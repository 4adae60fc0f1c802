// file: loads a file of payments, once, however often it is called.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

#include "base/time.h"
#include "daemons/load/answers.h"
#include "daemons/load/cli.h"
#include "daemons/load/file_load.h"
#include "daemons/load/manifest.h"
#include "daemons/load/payment_file.h"
#include "daemons/load/progress.h"
#include "daemons/tool/command_sender.h"
#include "stages/specs.h"

namespace kpay::load {

namespace {

constexpr int kLingerMs = 5;
constexpr int kWaitMs = 50;
constexpr std::uint64_t kLinesPerLook = 512;
constexpr std::uint64_t kBadLinesShown = 20;
constexpr std::int64_t kKnownBeforeMs = 5000;  // without a result, when the log forgot earlier ones

struct Flags {
  std::string path;
  std::string manifest;
  int wait_timeout_s = 120;
  double rate = 0;
};

// A file as it stands in memory. It must not be cut while it is loaded.
class MappedFile {
 public:
  static Result<std::unique_ptr<MappedFile>> open(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat facts {};
    if (descriptor < 0 || ::fstat(descriptor, &facts) != 0 || !S_ISREG(facts.st_mode)) {
      const std::string why = descriptor < 0 ? std::strerror(errno) : "it has to be a file";
      descriptor < 0 ? 0 : ::close(descriptor);
      return Unexpected(descriptor < 0 && errno == ENOENT ? ErrorCode::not_found : ErrorCode::io,
                        path + ": can't be read: " + why);
    }
    std::unique_ptr<MappedFile> file(new MappedFile());
    file->size_ = static_cast<std::size_t>(facts.st_size);
    if (file->size_ > 0) {
      file->data_ = ::mmap(nullptr, file->size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
    }
    ::close(descriptor);
    if (file->data_ == MAP_FAILED) {
      file->data_ = nullptr;
      return Unexpected(ErrorCode::io, path + ": can't be mapped: " + std::strerror(errno));
    }
    return file;
  }
  ~MappedFile() {
    if (data_ != nullptr) {
      ::munmap(data_, size_);
    }
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  [[nodiscard]] std::string_view text() const {
    return {static_cast<const char*>(data_), data_ == nullptr ? 0 : size_};
  }

 private:
  MappedFile() = default;
  void* data_ = nullptr;
  std::size_t size_ = 0;
};

struct Prepared {
  Manifest manifest;
  bool is_again = false;
};

// Reads the manifest, or makes it: on disk before the first payment is sent.
Result<Prepared> prepare(const Flags& flags, const tool::Reached& reached, std::string_view text) {
  Result<std::vector<std::int64_t>> confirmed = reached.ends(stages::kTopicConfirmed);
  Result<std::vector<std::int64_t>> failed = reached.ends(stages::kTopicFailed);
  if (!confirmed || !failed) {
    return Unexpected(confirmed ? failed.error() : confirmed.error());
  }
  const Uuid random = new_uuid_v4();
  Manifest now{wall_clock_now(),
               0,
               std::filesystem::path(flags.path).filename().string(),
               text.size(),
               hash128(as_bytes(text)),
               reached.incoming_id,
               *confirmed,
               *failed};
  std::memcpy(&now.salt, random.bytes.data() + 8, sizeof now.salt);
  Result<Manifest> known = read_manifest(flags.manifest);
  if (known) {
    const Result<void> fits = check_manifest(flags.manifest, *known, now);
    return fits ? Result<Prepared>(Prepared{std::move(*known), true}) : Unexpected(fits.error());
  }
  if (known.error().code != ErrorCode::not_found) {
    return Unexpected(known.error());
  }
  if (Result<void> written = write_manifest(flags.manifest, now); !written) {
    return Unexpected(written.error());
  }
  return Prepared{std::move(now), false};
}

// The offsets of the first load, or what is left of them now; `is_cut` when results may be gone.
Result<std::vector<std::int64_t>> still_there(const tool::Reached& reached, const char* topic,
                                              std::vector<std::int64_t> offsets, bool& is_cut) {
  const Result<std::vector<stream::LogBounds>> bounds = reached.bounds(topic);
  if (!bounds) {
    return Unexpected(bounds.error());
  }
  is_cut = is_cut || offsets.size() != bounds->size();
  offsets.resize(bounds->size());
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    is_cut = is_cut || offsets[i] < (*bounds)[i].begin;
    offsets[i] = std::clamp(offsets[i], (*bounds)[i].begin, (*bounds)[i].end);
  }
  return offsets;
}

// One load of one file: sends, reads what became of it, and says how it stands.
class Loader {
 public:
  Loader(const Flags& flags, const Prepared& prepared) : flags_(flags), prepared_(prepared) {}

  Result<void> open(const tool::Reached& reached);
  Result<void> send(PaymentFile& file);
  /// False when the results didn't come in time.
  Result<bool> wait();
  [[nodiscard]] Ending told(bool in_time);

 private:
  Result<void> send_line(const Result<FilePayment>& line, std::uint64_t number);
  Result<void> keep_rate();
  Result<void> look(int wait_ms);

  const Flags& flags_;
  const Prepared& prepared_;
  FileLoad load_;
  std::unique_ptr<AnswerReader> answers_;
  std::unique_ptr<tool::CommandSender> sender_;
  Progress progress_{"file"};
  std::uint64_t lines_ = 0;
  std::uint64_t bad_lines_ = 0;
  std::int64_t last_answer_ms_ = 0;
  bool is_cut_ = false;  // results of an earlier load may have been deleted since
};

Result<void> Loader::open(const tool::Reached& reached) {
  // A rejection comes again with each load, a result only once: it may have come at the first.
  const Manifest& manifest = prepared_.manifest;
  Result<std::vector<std::int64_t>> confirmed =
      still_there(reached, stages::kTopicConfirmed, manifest.confirmed, is_cut_);
  Result<std::vector<std::int64_t>> failed =
      still_there(reached, stages::kTopicFailed, manifest.failed, is_cut_);
  Result<std::vector<std::int64_t>> complete = reached.ends(stages::kTopicComplete);
  if (!confirmed || !failed || !complete) {
    return Unexpected(!confirmed ? confirmed.error() : !failed ? failed.error() : complete.error());
  }
  AnswerTakers takers{[this](const core::PaymentResult& result) { load_.take(result); },
                      [this](const core::Outcome& outcome) { load_.take(outcome); }};
  Result<std::unique_ptr<AnswerReader>> answers =
      AnswerReader::open(reached, {*confirmed, *failed, *complete}, std::move(takers));
  Result<std::unique_ptr<tool::CommandSender>> sender =
      tool::CommandSender::connect(reached, kLingerMs);
  if (!answers || !sender) {
    return Unexpected(answers ? sender.error() : answers.error());
  }
  answers_ = std::move(*answers);
  sender_ = std::move(*sender);
  return {};
}

Result<void> Loader::look(int wait_ms) {
  const std::uint64_t before = load_.finished();
  const Result<std::size_t> got = answers_->poll(wait_ms);
  if (!got) {
    return Unexpected(got.error());
  }
  if (load_.finished() > before) {
    last_answer_ms_ = monotonic_ms();
  }
  progress_.tick(sender_->sent(), load_.finished(), 0);
  return {};
}

Result<void> Loader::send_line(const Result<FilePayment>& line, std::uint64_t number) {
  if (!line) {
    if (++bad_lines_ <= kBadLinesShown) {
      progress_.end();
      std::fprintf(stderr, "%s:%lu: %s\n", flags_.path.c_str(), number,
                   line.error().message.c_str());
    }
    return {};
  }
  core::SubmitPayment payment{line->whole()};
  payment.transfer.payment = core::PaymentId(payment_id(prepared_.manifest, line->id));
  load_.add(payment);
  return sender_->send(payment);
}

// Waits until the next line is due.
Result<void> Loader::keep_rate() {
  while (flags_.rate > 0 && !interrupted() &&
         progress_.seconds() < static_cast<double>(sender_->sent()) / flags_.rate) {
    sender_->poll();
    if (prepared_.is_again) {
      ::usleep(1000);
    } else if (Result<void> looked = look(1); !looked) {
      return looked;
    }
  }
  return {};
}

// Results that are there from an earlier load are read only when all is sent: they may be of
// lines that this load has not come to yet.
Result<void> Loader::send(PaymentFile& file) {
  Result<FilePayment> line = FilePayment();
  while (!interrupted() && file.next(line)) {
    ++lines_;
    Result<void> done = send_line(line, file.line());
    done = done ? keep_rate() : done;
    if (done && lines_ % kLinesPerLook == 0) {
      progress_.tick(sender_->sent(), load_.finished(), 0);
      done = prepared_.is_again ? done : look(0);
    }
    if (!done) {
      return done;
    }
  }
  if (bad_lines_ > kBadLinesShown) {
    progress_.end();
    std::fprintf(stderr, "%s: %lu more lines are bad\n", flags_.path.c_str(),
                 bad_lines_ - kBadLinesShown);
  }
  return sender_->flush();
}

Result<bool> Loader::wait() {
  last_answer_ms_ = monotonic_ms();
  while (load_.unanswered() > 0 && !interrupted()) {
    if (Result<void> looked = look(kWaitMs); !looked) {
      return Unexpected(looked.error());
    }
    const std::int64_t quiet_ms = monotonic_ms() - last_answer_ms_;
    if (prepared_.is_again && is_cut_ && quiet_ms > kKnownBeforeMs) {
      return true;
    }
    if (quiet_ms > flags_.wait_timeout_s * std::int64_t{1000}) {
      return false;
    }
  }
  return true;
}

Ending Loader::told(bool in_time) {
  progress_.end();
  std::uint64_t failed = 0;
  for (const auto& [rule, count] : load_.failed()) {
    failed += count;
  }
  const double seconds = progress_.seconds();
  Ending ending;
  ending.report.add("lines", lines_)
      .add("bad_lines", bad_lines_)
      .add("sent", sender_->sent())
      .add("loaded_again", std::uint64_t{prepared_.is_again ? 1U : 0U})
      .add("same_line_again", load_.repeated())
      .add("confirmed", load_.confirmed())
      .add("failed_count", failed)
      .add("failed", load_.failed())
      .add("rejected", load_.rejected())
      .add("unanswered", load_.unanswered())
      .add("seconds", seconds, 3)
      .add("payments_per_s", static_cast<double>(load_.finished()) / std::max(seconds, 1e-3), 0);
  if (load_.unanswered() > 0 && !interrupted()) {
    std::fprintf(stderr,
                 in_time ? "unanswered (known before, as far as the log remembers): %lu\n"
                         : "%lu have no result yet: load the file again with the same manifest\n",
                 load_.unanswered());
  }
  const bool partial = bad_lines_ > 0;
  ending.exit = interrupted() ? tool::Exit::interrupted
                : !in_time    ? tool::Exit::timed_out
                              : (partial ? tool::Exit::partial : tool::Exit::ok);
  return ending;
}

Result<Ending> load_file(const Session& session, const Flags& flags) {
  Result<std::unique_ptr<MappedFile>> mapped = MappedFile::open(flags.path);
  if (!mapped) {
    return Unexpected(mapped.error());
  }
  Result<PaymentFile> file = PaymentFile::open(flags.path, (*mapped)->text());
  if (!file) {
    return Unexpected(file.error());
  }
  Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  const Result<Prepared> prepared = prepare(flags, *reached, (*mapped)->text());
  if (!prepared) {
    return Unexpected(prepared.error());
  }
  Loader loader(flags, *prepared);
  Result<void> sent = loader.open(*reached);
  sent = sent ? loader.send(*file) : sent;
  if (!sent) {
    return Unexpected(sent.error());
  }
  const Result<bool> in_time = loader.wait();
  if (!in_time) {
    return Unexpected(in_time.error());
  }
  return loader.told(*in_time);
}

}  // namespace

void add_file(CLI::App& app, Session& session) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("file", "Load a file of payments (CSV or NDJSON)");
  command->add_option("PATH", flags->path, "The file")->required();
  command->add_option("--manifest", flags->manifest, "Made at the first load; keep it to repeat")
      ->required();
  command
      ->add_option("--wait-timeout", flags->wait_timeout_s,
                   "Seconds without any result before it gives up [120]")
      ->check(CLI::Range(1, 86'400));
  command->add_option("--rate", flags->rate, "Payments a second [as fast as they are taken]")
      ->check(CLI::Range(0.001, 10e6));
  command->callback([&session, flags] {
    session.chosen = [&session, flags] { return load_file(session, *flags); };
  });
}

}  // namespace kpay::load
