# kpay::build_info: the header "build_info.h" with kpay::kVersion and kpay::kCommit.
# It is looked at in each build and rewritten only when it changes. Include it in one .cc file
# of a binary, not in a header: a new commit recompiles whatever includes it.
set(kpay_info_dir "${PROJECT_BINARY_DIR}/generated/build_info")
set(kpay_info_command
  "${CMAKE_COMMAND}"
  "-DSOURCE_DIR=${PROJECT_SOURCE_DIR}"
  "-DOUTPUT=${kpay_info_dir}/build_info.h"
  -P "${PROJECT_SOURCE_DIR}/cmake/WriteBuildInfo.cmake")
execute_process(COMMAND ${kpay_info_command} COMMAND_ERROR_IS_FATAL ANY)
add_custom_target(kpay_write_build_info
  COMMAND ${kpay_info_command}
  BYPRODUCTS "${kpay_info_dir}/build_info.h"
  COMMENT ""
  VERBATIM)
add_library(kpay_build_info INTERFACE)
target_include_directories(kpay_build_info INTERFACE "${kpay_info_dir}")
add_dependencies(kpay_build_info kpay_write_build_info)
add_library(kpay::build_info ALIAS kpay_build_info)
