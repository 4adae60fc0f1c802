#include "core/logic.h"

namespace kpay::core {

// Alone in its file: who has it elsewhere doesn't take this one from the library.
constinit const Logic kLogic = kSourceLogic;

}  // namespace kpay::core
