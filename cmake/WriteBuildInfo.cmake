# Run as a script: writes OUTPUT from VERSION and the commit of SOURCE_DIR ("unknown" outside git).
# The environment's KPAY_COMMIT goes first, for builds from an archive.
file(STRINGS "${SOURCE_DIR}/VERSION" version LIMIT_COUNT 1)
set(commit "$ENV{KPAY_COMMIT}")
if(NOT commit)
  execute_process(
    COMMAND git -c safe.directory=* -C "${SOURCE_DIR}" rev-parse --short=12 HEAD
    OUTPUT_VARIABLE commit
    ERROR_QUIET
    RESULT_VARIABLE failed
    OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(failed)
    set(commit "unknown")
  endif()
endif()
file(CONFIGURE OUTPUT "${OUTPUT}" @ONLY CONTENT [=[
// Written by cmake/WriteBuildInfo.cmake.
#pragma once

#include <string_view>

namespace kpay {

inline constexpr std::string_view kVersion = "@version@";
inline constexpr std::string_view kCommit = "@commit@";

}  // namespace kpay
]=])
