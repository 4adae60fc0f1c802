// Indexed: an index of what real stages wrote, made by a real auditor in any order of partitions.
#pragma once

#include <unistd.h>

#include <filesystem>

#include "audit/pipeline.h"
#include "query/feeder.h"
#include "query/reader.h"

namespace kpay::query {

namespace fs = std::filesystem;

class IndexTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = fs::path(::testing::TempDir()) / ("kpay-query-" + std::to_string(::getpid()));
    fs::remove_all(dir_);
    fs::create_directories(dir_);
    path_ = (dir_ / "query.db").string();
  }
  void TearDown() override { fs::remove_all(dir_); }

  [[nodiscard]] static IndexOptions options_of(audit::Pipeline& run, const std::string& path) {
    IndexOptions options{path, audit::kPartitions, {}, 0};
    for (std::size_t i = 0; i < options.input_ids.size(); ++i) {
      const auto& topics = run.driver().topics();
      options.input_ids[i] =
          topics.id(topics.index_of(audit::name_of(static_cast<audit::Topic>(i))));
    }
    return options;
  }

  /// Reads the whole log into the index; gives how it went.
  static Progress index(audit::Pipeline& run, const IndexOptions& options, std::uint32_t seed,
                        std::int64_t as_of_ms = 1) {
    Result<std::unique_ptr<Index>> opened = Index::open(options);
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
    Feeder feeder(std::move(*opened), [](const Error& error) { ADD_FAILURE() << error.message; });
    audit::Reader reader(run.driver(), audit::kPartitions, seed, &feeder);
    reader.read(audit::copy_of(run.driver(), audit::kPartitions));
    EXPECT_TRUE(reader.auditor().conserved()) << audit::told(reader.auditor().findings());
    EXPECT_TRUE(feeder.flush(as_of_ms, reader.auditor().next()));
    return feeder.progress();
  }

  /// Every row of every table but the positions, as text.
  static std::vector<std::string> rows(const std::string& path) {
    std::vector<std::string> all;
    auto database = store::Database::open({path});
    EXPECT_TRUE(database);
    for (const char* sql :
         {"SELECT quote(id)||kind||','||status||','||refusal||payer||'>'||payee||minor||currency"
          "||value_date||reference||accepted_ms||','||finished_ms||quote(hops) FROM journeys",
          "SELECT account||','||accepted_ms||','||quote(id)||status FROM touches",
          "SELECT account||','||posted_ms||','||offset||','||idx||','||kind||','||delta||','||"
          "balance||currency||quote(id) FROM postings",
          "SELECT stage||','||partition||','||offset||','||opened_ms||instance||build||logic||rules"
          " FROM owners"}) {
      Result<store::Statement> query = (*database)->prepare(sql);
      EXPECT_TRUE(query) << sql;
      for (Result<bool> row = query->step(); row && *row; row = query->step()) {
        all.emplace_back(query->text(0));
      }
    }
    return all;
  }

  fs::path dir_;
  std::string path_;
};

/// Some time of everything, ended but for what is told.
inline void busy(audit::Pipeline& run, int rounds = 8) {
  run.driver().start("a");
  for (int i = 0; i < rounds; ++i) {
    run.some(40);
    run.advance(700);
  }
  run.advance(15'000);
}

}  // namespace kpay::query
