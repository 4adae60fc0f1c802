#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace kpay {

void check_failed(const char* expected, std::source_location where) {
  std::fprintf(stderr, "check failed: %s (%s:%u, %s)\n", expected, where.file_name(),
               static_cast<unsigned>(where.line()), where.function_name());
  std::fflush(stderr);
  std::abort();
}

}  // namespace kpay
