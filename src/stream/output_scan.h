// OutputScan: the highest number that stands downstream of a task, output by output (R23).
//
// Whoever wants to change what a record leads to has to know that nothing of it was told to anybody
// yet. The outputs' own topics say so: frames name their sender and their numbers, and records of
// public topics hold theirs.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "stream/frame.h"
#include "stream/stage.h"

namespace kpay::stream {

/// The highest number found, by (output, partition); ops.dlq is the output after the stage's own.
using SentNumbers = std::map<std::pair<std::size_t, std::int32_t>, std::uint64_t>;

/// Threads: one.
class OutputScan {
 public:
  OutputScan(const StageSpec& spec, std::int32_t partition, const Uuid& lineage)
      : spec_(&spec), partition_(partition), lineage_(lineage) {}

  /// A record of an output's topic, in any order.
  void take(std::size_t output, std::int32_t partition, ByteView record);
  [[nodiscard]] const SentNumbers& found() const noexcept { return found_; }

 private:
  const StageSpec* spec_;
  std::int32_t partition_;
  Uuid lineage_;
  Frame frame_;
  SentNumbers found_;
};

}  // namespace kpay::stream
