// Checksums set right: no mutation would get past them. The first byte of an input says whether
// the rest is to be sealed (odd) or taken as it is.
#pragma once

#include "base/bytes.h"

namespace kpay::fuzz {

/// The record of a changelog or of an operator that `input` holds: its last eight bytes are the
/// checksum of all before.
[[nodiscard]] Bytes sealed_record(ByteView input);
/// The frame that `input` holds: the checksum stands between headers and payloads.
[[nodiscard]] Bytes sealed_frame(ByteView input);

}  // namespace kpay::fuzz
