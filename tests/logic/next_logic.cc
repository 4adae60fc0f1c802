// The logic of the daemons of tests/logic, in place of src/core/logic.cc: KPAY_LOGIC_AHEAD versions
// ahead of the source. One ahead takes shorter references; two ahead decides as the source does.
#include "core/logic.h"

namespace kpay::core {

// Shows in the binary, so that a test finds it in what must not have it.
extern const char kAheadMark[];
[[gnu::used]] const char kAheadMark[] = "KPAY_LOGIC_AHEAD";

static_assert(KPAY_LOGIC_AHEAD == 1 || KPAY_LOGIC_AHEAD == 2);
constinit const Logic kLogic{
    kSourceLogic.version + KPAY_LOGIC_AHEAD,
    KPAY_LOGIC_AHEAD == 1 ? Hash128{1, 1} : kSourceLogic.rules_hash,
    KPAY_LOGIC_AHEAD == 1 ? kSourceLogic.reference_max / 2 : kSourceLogic.reference_max};

}  // namespace kpay::core
