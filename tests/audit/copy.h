// Copy: what stands on all topics after a run of the real stages, to be changed at will, and read
// by an auditor in any order.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "audit/auditor.h"
#include "core/make.h"
#include "support/test_driver.h"
#include "wire/codec.h"

namespace kpay::audit {

struct Record {
  Timestamp appended;
  Bytes value;
};

/// By topic and partition.
using Copy = std::array<std::vector<std::vector<Record>>, kTopics>;

inline Copy copy_of(test::TestDriver& driver, std::int32_t partitions) {
  Copy copy;
  for (std::size_t topic = 0; topic < kTopics; ++topic) {
    const stream::TopicIndex index = driver.topics().index_of(name_of(static_cast<Topic>(topic)));
    for (std::int32_t p = 0; p < partitions; ++p) {
      copy[topic].emplace_back();
      const stream::LogBounds bounds = driver.log().bounds(index, p);
      EXPECT_EQ(bounds.begin, 0);
      for (std::int64_t offset = 0; offset < bounds.end; ++offset) {
        const stream::LogRecord record = **driver.log().read(index, p, offset);
        copy[topic].back().push_back({record.appended, to_bytes(record.value)});
      }
    }
  }
  return copy;
}

inline std::string told(const Findings& findings) {
  std::string text;
  for (const Finding& each : findings.first()) {
    text += std::string(to_string(each.kind)) + " " + to_string(each.place) + " " +
            to_string(each.subject) + ": expected " + each.expected + ", found " + each.found +
            "\n";
  }
  return text;
}

/// Reads a copy to its end, partitions in the order that the seed says, with rounds between.
class Reader {
 public:
  Reader(test::TestDriver& driver, std::int32_t partitions, std::uint32_t seed,
         Witness* witness = nullptr)
      : partitions_(partitions), dice_(seed), setup_(setup(driver, partitions, witness)) {}

  [[nodiscard]] Auditor& auditor() noexcept { return *auditor_; }
  /// Another auditor takes up what one has kept.
  void restart(ByteView kept, Witness* witness) {
    setup_.witness = witness;
    auditor_ = std::make_unique<Auditor>(setup_);
    EXPECT_TRUE(auditor_->take_up(kept));
  }
  std::function<void()> after_step = [] {};

  /// In stretches of time; after each step the sums are right, unless `wrong_sums` is expected.
  void read(const Copy& copy, bool wrong_sums = false) {
    for (const Timestamp until : stretches(copy)) {
      round(copy, until);
      while (step(copy, until)) {
        auditor_->settle();
        if (!wrong_sums) {
          expect_sums();
        }
        after_step();
      }
      auditor_->settle();
      EXPECT_FALSE(auditor_->round_open());
    }
    for (int i = 0; i < 6; ++i) {
      round(copy, kForEver);
      auditor_->settle();
    }
  }

  void expect_sums() {
    for (const auto& [currency, books] : auditor_->ledger().books().currencies()) {
      EXPECT_EQ(to_string(books.inside()), to_string(books.outside())) << currency.text();
    }
  }

 private:
  static Auditor::Setup setup(test::TestDriver& driver, std::int32_t partitions, Witness* witness) {
    Auditor::Setup setup;
    setup.witness = witness;
    setup.partitions = partitions;
    for (std::size_t i = 0; i < setup.input_ids.size(); ++i) {
      setup.input_ids[i] =
          driver.topics().id(driver.topics().index_of(name_of(static_cast<Topic>(i))));
    }
    return setup;
  }

  static constexpr Timestamp kForEver{std::numeric_limits<std::int64_t>::max()};

  // Some moments of the log's time, the last one for ever.
  std::vector<Timestamp> stretches(const Copy& copy) {
    std::vector<Timestamp> times;
    for (const auto& topic : copy) {
      for (const auto& records : topic) {
        for (const Record& record : records) {
          if (dice_() % 64 == 0) {
            times.push_back(record.appended);
          }
        }
      }
    }
    std::sort(times.begin(), times.end());
    times.push_back(kForEver);
    return times;
  }

  static std::int64_t end_of(const std::vector<Record>& records, Timestamp until) {
    std::int64_t end = 0;
    while (end < static_cast<std::int64_t>(records.size()) &&
           records[static_cast<std::size_t>(end)].appended <= until) {
      ++end;
    }
    return end;
  }

  void round(const Copy& copy, Timestamp until) {
    Offsets ends;
    for (std::size_t topic = 0; topic < kTopics; ++topic) {
      for (const auto& records : copy[topic]) {
        ends[topic].push_back(end_of(records, until));
      }
    }
    auditor_->prepare_round();
    auditor_->begin_round(std::move(ends), Timestamp{++clock_});
  }

  // Some records of one partition that has any left until then.
  bool step(const Copy& copy, Timestamp until) {
    std::vector<std::pair<Topic, std::int32_t>> left;
    for (std::size_t number = 0; number < kTopics; ++number) {
      for (std::int32_t p = 0; p < partitions_; ++p) {
        const auto topic = static_cast<Topic>(number);
        const auto& records = copy[number][static_cast<std::size_t>(p)];
        if (auditor_->next(topic, p) < end_of(records, until) && auditor_->wants(topic, p)) {
          left.emplace_back(topic, p);
        }
      }
    }
    if (left.empty()) {
      return false;
    }
    const auto [topic, p] = left[dice_() % left.size()];
    const auto& records = copy[number_of(topic)][static_cast<std::size_t>(p)];
    for (std::size_t count = 1 + dice_() % 20; count > 0; --count) {
      const std::int64_t next = auditor_->next(topic, p);
      if (next >= end_of(records, until) || !auditor_->wants(topic, p)) {
        break;
      }
      const Record& record = records[static_cast<std::size_t>(next)];
      auditor_->take(topic, p, {next, record.appended, {}, record.value});
    }
    return true;
  }

  std::int32_t partitions_;
  std::mt19937 dice_;
  Auditor::Setup setup_;
  std::unique_ptr<Auditor> auditor_ = std::make_unique<Auditor>(setup_);
  std::int64_t clock_ = 0;
};

}  // namespace kpay::audit
