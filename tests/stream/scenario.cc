#include "stream/scenario.h"

#include <algorithm>
#include <random>
#include <set>

#include "base/check.h"
#include "stream/changelog_reader.h"
#include "stream/frame.h"

namespace kpay::test {

TestDriver::Options crash_options(std::int32_t partitions, std::uint64_t seed) {
  TestDriver::Options options;
  options.specs = {source_spec(), adder_spec()};
  options.partitions = partitions;
  options.seed = seed;
  options.slice_ms = 150;
  options.task.checkpoint_interval_ms = 300;
  options.task.idle_checkpoint_interval_ms = 300;
  options.task.base_every = 2;
  options.task.base_slice_rows = 2;
  options.task.frame_bytes_max = 256;
  options.task.tick_after_ms = 1LL << 40U;
  return options;
}

std::vector<std::string> batch_of(std::uint64_t seed, int batch, int commands) {
  std::minstd_rand random(
      static_cast<std::uint32_t>(seed * 1000 + static_cast<std::uint64_t>(batch)) + 1);
  const auto name = [&] { return std::string(1, static_cast<char>('a' + random() % 7)); };
  std::vector<std::string> lines;
  for (int i = 0; i < commands; ++i) {
    switch (random() % 10) {
      case 0: lines.push_back("timer " + name()); break;
      case 1: lines.push_back("erase " + name()); break;
      case 2:
        lines.push_back(i % 2 == 0 ? "nonsense " + name() : "send " + name() + " not a number");
        break;
      default: {
        const std::string from = name();
        const auto amount = static_cast<int>(random() % 5) - 2;
        lines.push_back("add " + from + " " + name() + " " + std::to_string(amount));
      }
    }
  }
  return lines;
}

void pipe_batch(TestDriver& driver, std::int32_t partitions,
                const std::vector<std::string>& batch) {
  for (const std::string& line : batch) {
    const std::size_t space = line.find(' ');
    const std::string name = line.substr(space + 1, line.find(' ', space + 1) - space - 1);
    driver.pipe(kToyIn, partition_of(as_bytes(name), partitions), name, line);
  }
  for (std::int32_t p = 0; p < partitions; ++p) {
    driver.append(kToyIn, p, stream::make_tick());
  }
}

stream::Marker last_marker(TestDriver& driver, const std::string& stage, std::int32_t partition) {
  stream::ChangelogReader reader(false);
  const stream::TopicIndex topic = driver.topics().index_of(driver.spec(stage).changelog());
  const stream::LogBounds bounds = driver.log().bounds(topic, partition);
  for (std::int64_t offset = bounds.begin; offset < bounds.end; ++offset) {
    reader.feed(offset, driver.log().read(topic, partition, offset).value()->value);
  }
  return reader.marker();
}

namespace {

std::vector<std::string> in_sender_order(const ReceivedTopic& topic, bool in_order) {
  if (!in_order) {
    return topic.sorted_texts();
  }
  std::vector<std::string> lines;
  for (const Received& event : topic.events) {
    lines.push_back(std::to_string(event.number) + " " + event.text + " @" +
                    std::to_string(event.time.ms));
  }
  return lines;
}

// A public topic may repeat an event, with the same number: the reader drops it by that.
std::vector<std::string> told_once(const TestDriver& driver, bool in_order) {
  std::vector<std::string> told;
  std::set<std::pair<std::int32_t, std::string>> seen;
  for (const Single& single : driver.singles(kToyPublic)) {
    const std::string number = single.text.substr(0, single.text.find(' '));
    if (seen.insert({single.partition, number}).second) {
      told.push_back(in_order ? single.text : single.text.substr(number.size() + 1));
    }
  }
  if (!in_order) {
    std::sort(told.begin(), told.end());
  }
  return told;
}

}  // namespace

std::string difference(const Outcome& seen, const Outcome& wanted) {
  std::string text;
  const auto compare = [&](const char* what, const std::vector<std::string>& a,
                           const std::vector<std::string>& b) {
    const std::size_t most = std::max(a.size(), b.size());
    for (std::size_t i = 0; i < most && text.empty(); ++i) {
      const std::string is = i < a.size() ? a[i] : "nothing";
      const std::string should = i < b.size() ? b[i] : "nothing";
      if (is != should) {
        text = std::string(what) + "[" + std::to_string(i) + "] is " + is + ", without faults " +
               should;
      }
    }
  };
  compare("mid", seen.mid, wanted.mid);
  compare("out", seen.out, wanted.out);
  compare("told", seen.told, wanted.told);
  compare("source rows", seen.source_rows, wanted.source_rows);
  compare("adder rows", seen.adder_rows, wanted.adder_rows);
  compare("source hashes", seen.source_hashes, wanted.source_hashes);
  if (text.empty() && seen.diverged != wanted.diverged) {
    text = std::to_string(seen.diverged) + " events diverged";
  }
  return text;
}

Outcome finish(TestDriver& driver, std::int32_t partitions, bool in_order) {
  const TestDriver::ProcessId last = driver.start("last");
  driver.advance(3000);
  Outcome outcome;
  for (std::int32_t p = 0; p < partitions; ++p) {
    for (const std::string& row : driver.rows(last, "source", p)) {
      outcome.source_rows.push_back(std::to_string(p) + ":" + row);
    }
    for (const std::string& row : driver.rows(last, "adder", p)) {
      // Dead letters are known by their offset, which moves when frames are repeated.
      if (row.rfind("dead_letters", 0) != 0) {
        outcome.adder_rows.push_back(std::to_string(p) + ":" + row);
      }
    }
  }
  check(driver.stop(last), "the last process stops cleanly");
  for (std::int32_t p = 0; p < partitions; ++p) {
    const stream::Marker marker = last_marker(driver, "source", p);
    check(marker.clean && last_marker(driver, "adder", p).clean, "clean markers end the logs");
    outcome.source_hashes.push_back(to_string(marker.state_hash));
  }
  const ReceivedTopic mid = driver.received(kToyMid);
  const ReceivedTopic out = driver.received(kToyOut);
  outcome.mid = in_sender_order(mid, in_order);
  outcome.out = in_sender_order(out, in_order);
  outcome.told = told_once(driver, in_order);
  outcome.diverged = mid.diverged + out.diverged;
  return outcome;
}

std::string replay_differs(TestDriver& driver, std::int32_t partitions, std::uint64_t seed) {
  TestDriver again(crash_options(partitions, seed));
  for (std::int32_t p = 0; p < partitions; ++p) {
    for (const Bytes& record : driver.records(kToyMid, p)) {
      again.append(kToyMid, p, record);
    }
  }
  const TestDriver::ProcessId process = again.start("replay", {"adder"});
  again.advance(600);
  if (!again.stop(process)) {
    return "the replay did not stop cleanly";
  }
  for (std::int32_t p = 0; p < partitions; ++p) {
    const stream::Marker live = last_marker(driver, "adder", p);
    const stream::Marker replayed = last_marker(again, "adder", p);
    if (live.state_hash != replayed.state_hash || !(live.registers == replayed.registers)) {
      return "the adder on partition " + std::to_string(p) +
             " has another state when it is replayed";
    }
  }
  return {};
}

}  // namespace kpay::test
