#include "stream/output_scan.h"

#include <algorithm>

namespace kpay::stream {

void OutputScan::take(std::size_t output, std::int32_t partition, ByteView record) {
  const auto note = [&](std::uint64_t number) {
    std::uint64_t& highest = found_[{output, partition}];
    highest = std::max(highest, number);
  };
  if (output < spec_->outputs.size() && spec_->outputs[output].shape == RecordShape::single) {
    // One sender a partition: what the stage itself is told of is keyed alike.
    const auto& number_of = spec_->outputs[output].number_of;
    const std::optional<std::uint64_t> number =
        number_of && partition == partition_ ? number_of(record) : std::optional<std::uint64_t>();
    if (number) {
      note(*number);
    }
    return;
  }
  const bool ours = read_frame(record, frame_) && frame_.lineage == lineage_ &&
                    frame_.sender == SenderId{spec_->number, partition_};
  if (ours) {
    note(frame_.last());
  }
}

}  // namespace kpay::stream
