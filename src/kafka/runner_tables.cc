// Runner: reading the tables of the tasks that run here.
#include <algorithm>

#include "kafka/runner.h"
#include "kafka/table_cursor.h"

namespace kpay::kafka {

namespace {

stream::TableBase* table_of(const stream::Task& task, const std::string& name) {
  for (stream::TableBase* table : task.tables()) {
    if (table->name() == name) {
      return table;
    }
  }
  return nullptr;
}

using Rows = Result<std::vector<store::KeyValue>>;

// One task's rows, on their way from its store.
struct Reading {
  std::shared_ptr<stream::Task> task;
  const stream::TableBase* table = nullptr;
  std::future<Rows> rows;
};

}  // namespace

Result<std::optional<stream::Fields>> Runner::table_get(const std::string& stage,
                                                        const std::string& table,
                                                        const std::string& key) {
  using Answer = Result<std::optional<stream::Fields>>;
  const std::optional<std::size_t> spec = spec_of(stage);
  Answer last = Unexpected(ErrorCode::not_found, "no task of stage " + stage + " runs here");
  for (const std::unique_ptr<Worker>& worker : workers_) {
    std::future<Answer> future = worker->ask<Answer>([&, spec](stream::Host& host) -> Answer {
      Answer answer = Unexpected(ErrorCode::not_found, "no task of stage " + stage + " runs here");
      for (const std::shared_ptr<stream::Task>& task : host.tasks()) {
        const stream::TableBase* rows =
            spec && task->spec().name == stage ? table_of(*task, table) : nullptr;
        if (rows == nullptr || task->phase() != stream::Phase::running) {
          continue;
        }
        const std::optional<Bytes> bytes = rows->key_from_text(key);
        if (!bytes) {
          return Unexpected(ErrorCode::invalid, "'" + key + "' is no key of table " + table);
        }
        if (const std::optional<Bytes> row = rows->get(*bytes)) {
          return std::optional(rows->fields(*row));
        }
        answer = std::optional<stream::Fields>();
      }
      return answer;
    });
    // The question refers to this frame, so its answer is waited for: a worker always turns.
    Answer answer = future.get();
    if (answer && *answer) {
      return answer;
    }
    if (answer || answer.error().code != ErrorCode::not_found) {
      last = answer;
    }
  }
  return last;
}

Result<TableRows> Runner::table_range(const RangeQuery& query) {
  std::optional<TableCursor> cursor;
  if (!query.cursor.empty()) {
    cursor = parse_cursor(query.cursor);
    if (!cursor) {
      return Unexpected(ErrorCode::invalid, "'" + query.cursor + "' is no cursor of this table");
    }
  }
  // On the worker's thread a task's store is there; the read is queued before anything can close
  // it.
  const auto begin_reading = [&](Worker& worker, const std::shared_ptr<stream::Task>& task,
                                 const stream::TableBase& table) {
    Bytes from = table.key_from_text(query.from).value_or(Bytes{});
    const Bytes to = table.key_from_text(query.to).value_or(Bytes{});
    if (cursor && cursor->partition == task->partition()) {
      from = cursor->key;
      from.push_back(std::byte{0});  // the least key after it
    }
    auto promise = std::make_shared<std::promise<Rows>>();
    worker.store_thread().add(
        [promise, store = task->store(), number = table.number(), from, to, limit = query.limit] {
          promise->set_value(store->range(number, from, to, limit + 1));
        });
    return Reading{task, &table, promise->get_future()};
  };
  std::vector<Reading> readings;
  for (const std::unique_ptr<Worker>& worker : workers_) {
    auto found = worker->ask<std::shared_ptr<std::vector<Reading>>>([&](stream::Host& host) {
      auto here = std::make_shared<std::vector<Reading>>();
      for (const std::shared_ptr<stream::Task>& task : host.tasks()) {
        const stream::TableBase* table =
            task->spec().name == query.stage ? table_of(*task, query.table) : nullptr;
        if (table != nullptr && task->store() != nullptr &&
            (!cursor || task->partition() >= cursor->partition)) {
          here->push_back(begin_reading(*worker, task, *table));
        }
      }
      return here;
    });
    const std::shared_ptr<std::vector<Reading>> here = found.get();
    for (Reading& reading : *here) {
      readings.push_back(std::move(reading));
    }
  }
  std::sort(readings.begin(), readings.end(), [](const Reading& a, const Reading& b) {
    return a.task->partition() < b.task->partition();
  });
  TableRows page;
  Bytes last_key;
  std::int32_t last_partition = 0;
  for (Reading& reading : readings) {
    const Rows rows = reading.rows.get();
    if (!rows) {
      return Unexpected(rows.error());
    }
    for (const store::KeyValue& row : *rows) {
      if (page.rows.size() == query.limit) {
        page.next = cursor_text({last_partition, last_key});
        return page;
      }
      page.rows.emplace_back(reading.table->key_text(row.key), reading.table->fields(row.value));
      last_key = row.key;
      last_partition = reading.task->partition();
    }
  }
  return page;
}

std::vector<std::string> Runner::table_names() {
  std::vector<std::string> names;
  for (const stream::StageSpec& spec : options_.specs) {
    const std::unique_ptr<stream::Stage> stage = spec.make(0, options_.partitions);
    for (const stream::TableBase* table : stage->tables()) {
      names.push_back(spec.name + "." + table->name());
    }
    names.push_back(spec.name + ".dead_letters");
    names.push_back(spec.name + ".overrides");
    if (spec.input_shape == stream::RecordShape::single) {
      names.push_back(spec.name + ".operator_keys");
      names.push_back(spec.name + ".revoked_keys");
    }
  }
  return names;
}

}  // namespace kpay::kafka
