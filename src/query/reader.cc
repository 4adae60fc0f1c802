// Reader: its connections.
#include "query/reader.h"

#include "query/limits.h"

namespace kpay::query {

Reader::~Reader() = default;

Result<std::unique_ptr<store::Database>> Reader::take() {
  std::unique_lock lock(mutex_);
  returned_.wait(lock, [this] { return out_ < limits::readers; });
  ++out_;
  if (!idle_.empty()) {
    std::unique_ptr<store::Database> database = std::move(idle_.back());
    idle_.pop_back();
    return database;
  }
  lock.unlock();
  return store::Database::open({path_, false, limits::reader_cache_kilobytes});
}

void Reader::give(std::unique_ptr<store::Database> database) {
  {
    const std::lock_guard lock(mutex_);
    --out_;
    if (database != nullptr) {
      idle_.push_back(std::move(database));
    }
  }
  returned_.notify_one();
}

}  // namespace kpay::query
