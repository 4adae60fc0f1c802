# What clang-tidy needs before it can read our files.
add_custom_target(generated)

# kpay_proto(<target> proto...): C++ from Protobuf files, for the lite runtime.
# REQUIRES: the files are below proto/, which is the import root. They are included by their path
# there: proto/kpay/v1/event.proto becomes "kpay/v1/event.pb.h". Compiled without our warnings.
function(kpay_proto target)
  set(root "${PROJECT_SOURCE_DIR}/proto")
  set(out "${PROJECT_BINARY_DIR}/generated/proto")
  set(generated "")
  foreach(proto IN LISTS ARGN)
    cmake_path(ABSOLUTE_PATH proto NORMALIZE)
    if(NOT EXISTS "${proto}")
      message(FATAL_ERROR "kpay_proto(${target}): no file ${proto}")
    endif()
    cmake_path(RELATIVE_PATH proto BASE_DIRECTORY "${root}" OUTPUT_VARIABLE relative)
    string(REGEX REPLACE "\\.proto$" "" stem "${relative}")
    list(APPEND sources "${proto}")
    list(APPEND generated "${out}/${stem}.pb.cc" "${out}/${stem}.pb.h")
  endforeach()
  file(MAKE_DIRECTORY "${out}")
  add_custom_command(
    OUTPUT ${generated}
    COMMAND "${KPAY_PROTOC}" "--proto_path=${root}" "--cpp_out=lite:${out}" ${sources}
    DEPENDS ${sources}
    COMMENT "protoc ${target}"
    VERBATIM)
  add_library(${target} STATIC ${generated})
  target_include_directories(${target} SYSTEM PUBLIC "${out}")
  target_link_libraries(${target} PUBLIC kpay_dep::protobuf_lite)
  add_custom_target(${target}_generated DEPENDS ${generated})
  add_dependencies(generated ${target}_generated)
endfunction()
