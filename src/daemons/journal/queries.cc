#include "daemons/journal/queries.h"

#include <filesystem>
#include <system_error>

namespace kpay::journal {

namespace {

constexpr const char* kFile = "query.db";

}  // namespace

Queries::Queries(QueryOptions options, query::IndexOptions index, std::unique_ptr<Changes> changes,
                 std::string instance, telemetry::Telemetry& telemetry)
    : options_(std::move(options)),
      changes_(std::move(changes)),
      index_(std::move(index)),
      instance_(std::move(instance)),
      telemetry_(&telemetry) {
  if (options_.directory.empty()) {
    problem_ = "this journal has no query side: query.directory is not set";
    return;
  }
  start();
}

// Brokers that are away don't keep the process: what wasn't told is told by the next one.
Queries::~Queries() {
  if (changes_ != nullptr) {
    changes_->stop();
  }
}

void Queries::start() {
  std::error_code failed;
  std::filesystem::create_directories(options_.directory, failed);
  if (failed) {
    fail({ErrorCode::io, options_.directory + ": " + failed.message()});
    return;
  }
  index_.path = options_.directory + "/" + kFile;
  index_.keep_ms = options_.keep_ms;
  if (changes_ != nullptr) {
    index_.changes = [told = changes_.get()](const std::vector<query::Change>& changes) {
      return told->tell(changes);
    };
  }
  Result<std::unique_ptr<query::Index>> opened = query::Index::open(index_);
  if (!opened) {
    fail(opened.error());
    return;
  }
  if (!(*opened)->aside().empty()) {
    tell_aside((*opened)->aside(), "damaged, or of other topics");
  }
  feed(std::move(*opened));
}

void Queries::feed(std::unique_ptr<query::Index> index) {
  reader_ = std::make_unique<query::Reader>(index->path());
  feeder_ = std::make_unique<query::Feeder>(std::move(index),
                                            [this](const Error& error) { fail(error); });
}

void Queries::begin_anew(std::int64_t from_ms) {
  if (feeder_ == nullptr) {
    return;
  }
  const bool fresh = feeder_->fresh();
  reader_.reset();
  feeder_.reset();
  const Result<std::string> aside = fresh ? Result<std::string>(std::string())
                                          : store::Database::set_aside(index_.path, "behind");
  Result<std::unique_ptr<query::Index>> opened =
      aside ? query::Index::open(index_) : Unexpected(aside.error());
  const Result<void> begun = opened ? (*opened)->begin_at(from_ms) : Unexpected(opened.error());
  if (!begun) {
    fail(begun.error());
    return;
  }
  tell_aside(*aside, "it doesn't have what the auditor has read, and the log is trimmed");
  feed(std::move(*opened));
}

void Queries::tell_aside(const std::string& kept_as, const std::string& reason) {
  telemetry_->emit(telemetry::StoreSetAside{
      .stage = "query", .file = index_.path, .kept_as = kept_as, .reason = reason});
}

void Queries::fail(const Error& error) {
  telemetry_->emit(telemetry::StoreFailed{
      .stage = "query", .file = kFile, .operation = "write", .error = error.message});
  const std::lock_guard lock(mutex_);
  problem_ = "the query side has failed, a new start begins it again: " + error.message;
}

std::string Queries::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

void Queries::tick(std::int64_t as_of_ms, std::int64_t now_ms) {
  if (feeder_ != nullptr) {
    feeder_->tick(as_of_ms, now_ms);
  }
}

void Queries::flush(std::int64_t as_of_ms, const audit::Offsets& next) {
  if (feeder_ != nullptr) {
    (void)feeder_->flush(as_of_ms, next);  // what fails is told by fail()
  }
}

bool Queries::reaches(const audit::Offsets& next) const {
  return feeder_ == nullptr || feeder_->reaches(next);
}

std::uint64_t Queries::changes_told() const noexcept {
  return changes_ == nullptr ? 0 : changes_->told();
}

query::Progress Queries::progress() const {
  return feeder_ == nullptr ? query::Progress{} : feeder_->progress();
}

}  // namespace kpay::journal
