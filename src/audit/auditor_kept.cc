// Auditor: all that it knows, as bytes, and taken up again.
#include <algorithm>

#include "audit/auditor.h"
#include "audit/keep.h"

namespace kpay::audit {

// A round that is open is asked again: what the ends were is known, and that all is read isn't.
Bytes Auditor::kept() {
  for (std::uint16_t stage = 1; stage <= kStages; ++stage) {
    for (std::int32_t p = 0; p < setup_.partitions; ++p) {
      std::int64_t& told = log(stage, p).told_until;
      told = std::max(told, next(changelog_of(stage), p));
    }
  }
  Bytes bytes;
  Keep out(bytes);
  keep(out);
  return bytes;
}

bool Auditor::take_up(ByteView kept) {
  Keep in(kept);
  keep(in);
  const auto partitions = static_cast<std::size_t>(setup_.partitions);
  bool fits = in.done();
  for (const std::vector<Track>& topic : tracks_) {
    fits = fits && topic.size() == partitions;
  }
  for (const std::vector<Log>& stage : logs_) {
    fits = fits && stage.size() == partitions;
  }
  for (const std::vector<Chains>& topic : chains_) {
    fits = fits && topic.size() == partitions;
  }
  for (std::uint16_t stage = 1; fits && stage <= kStages; ++stage) {
    for (std::int32_t p = 0; p < setup_.partitions; ++p) {
      begin_reader(stage, log(stage, p));
      track(changelog_of(stage), p).pushed = log(stage, p).epoch;
    }
  }
  return fits;
}

}  // namespace kpay::audit
