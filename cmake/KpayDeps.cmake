# Everything that is linked in, as imported targets kpay_dep::<name>, all from static archives.
# The libraries that Debian has no fit static archive of (librdkafka, Poco, HdrHistogram_c) come
# from the prefix that scripts/bootstrap builds; the rest are Debian's own packages.

set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
  "${PROJECT_SOURCE_DIR}/deps.lock" "${PROJECT_SOURCE_DIR}/scripts/deps/build" "${PROJECT_SOURCE_DIR}/scripts/swagger-ui")

if(NOT KPAY_DEPS_PREFIX)
  execute_process(
    COMMAND "${PROJECT_SOURCE_DIR}/scripts/deps-prefix"
    OUTPUT_VARIABLE kpay_prefix
    OUTPUT_STRIP_TRAILING_WHITESPACE
    COMMAND_ERROR_IS_FATAL ANY)
else()
  set(kpay_prefix "${KPAY_DEPS_PREFIX}")
endif()
set(KPAY_DEPS_PREFIX "" CACHE PATH "Where scripts/bootstrap put the built libraries; empty: ask scripts/deps-prefix")
if(NOT EXISTS "${kpay_prefix}/lib/librdkafka.a")
  message(FATAL_ERROR "No libraries in '${kpay_prefix}': run scripts/bootstrap (or make bootstrap) first")
endif()
message(STATUS "kpay: libraries from ${kpay_prefix}")

execute_process(
  COMMAND "${PROJECT_SOURCE_DIR}/scripts/swagger-ui" where
  OUTPUT_VARIABLE kpay_swagger_ui
  OUTPUT_STRIP_TRAILING_WHITESPACE
  COMMAND_ERROR_IS_FATAL ANY)
get_filename_component(kpay_swagger_ui "${kpay_swagger_ui}" REALPATH)
if(NOT EXISTS "${kpay_swagger_ui}/swagger-ui-bundle.js")
  message(FATAL_ERROR "No Swagger UI in '${kpay_swagger_ui}': run scripts/bootstrap (or make bootstrap) first")
endif()
add_compile_options("-ffile-prefix-map=${kpay_prefix}=deps")

find_package(Threads REQUIRED)

# kpay_archive(<libname> [dependency...]): imported target kpay_archive_<libname> of the static
# archive lib<libname>.a, looked for in the prefix first. The link order follows the dependencies.
function(kpay_archive name)
  find_library(kpay_found NAMES "lib${name}.a" HINTS "${kpay_prefix}/lib" NO_CACHE REQUIRED)
  add_library(kpay_archive_${name} STATIC IMPORTED GLOBAL)
  set_target_properties(kpay_archive_${name} PROPERTIES
    IMPORTED_LOCATION "${kpay_found}" INTERFACE_LINK_LIBRARIES "${ARGN}")
endfunction()

# kpay_dep(<name> [ARCHIVES libname...] [INCLUDE dir] [LINK target...] [DEFINE macro...])
# REQUIRES: an archive needs only what comes after it. Includes are system includes: warnings in
# them are not ours.
function(kpay_dep name)
  cmake_parse_arguments(arg "" "INCLUDE" "ARCHIVES;LINK;DEFINE" ${ARGN})
  set(needed ${arg_LINK})
  list(REVERSE arg_ARCHIVES)
  foreach(archive IN LISTS arg_ARCHIVES)
    kpay_archive(${archive} ${needed})
    list(PREPEND needed kpay_archive_${archive})
  endforeach()
  add_library(kpay_dep_${name} INTERFACE)
  target_link_libraries(kpay_dep_${name} INTERFACE ${needed})
  target_compile_definitions(kpay_dep_${name} INTERFACE ${arg_DEFINE})
  if(arg_INCLUDE)
    target_include_directories(kpay_dep_${name} SYSTEM INTERFACE "${arg_INCLUDE}")
  endif()
  add_library(kpay_dep::${name} ALIAS kpay_dep_${name})
endfunction()

kpay_dep(zlib ARCHIVES z)
kpay_dep(zstd ARCHIVES zstd)
kpay_dep(lz4 ARCHIVES lz4)
kpay_dep(openssl ARCHIVES ssl crypto LINK Threads::Threads ${CMAKE_DL_LIBS})

kpay_dep(rdkafka
  ARCHIVES rdkafka
  INCLUDE "${kpay_prefix}/include"
  LINK kpay_dep::openssl kpay_dep::zlib kpay_dep::zstd kpay_dep::lz4 m Threads::Threads)

set(kpay_poco PocoNetSSL PocoPrometheus PocoNet PocoCrypto PocoUtil PocoJSON PocoFoundation)
set(kpay_poco_found "")
foreach(lib IN LISTS kpay_poco)
  if(EXISTS "${kpay_prefix}/lib/lib${lib}.a")
    list(APPEND kpay_poco_found ${lib})
  endif()
endforeach()
kpay_dep(poco_net
  ARCHIVES ${kpay_poco_found}
  INCLUDE "${kpay_prefix}/include"
  LINK kpay_dep::openssl kpay_dep::zlib Threads::Threads
  DEFINE POCO_STATIC POCO_NO_AUTOMATIC_LIBS POCO_CMAKE POCO_UTIL_NO_XMLCONFIGURATION UTF8PROC_STATIC)
if("PocoPrometheus" IN_LIST kpay_poco_found)
  target_compile_definitions(kpay_dep_poco_net INTERFACE KPAY_HAVE_POCO_PROMETHEUS)
endif()

kpay_dep(hdr ARCHIVES hdr_histogram_static INCLUDE "${kpay_prefix}/include" LINK m)
kpay_dep(sqlite ARCHIVES sqlite3 LINK m Threads::Threads ${CMAKE_DL_LIBS})
kpay_dep(yaml ARCHIVES yaml-cpp)
kpay_dep(protobuf_lite ARCHIVES protobuf-lite LINK Threads::Threads)
kpay_dep(xxhash ARCHIVES xxhash)
kpay_dep(spdlog DEFINE SPDLOG_FMT_EXTERNAL FMT_HEADER_ONLY LINK Threads::Threads)
kpay_dep(cli11)
kpay_dep(json)

find_package(GTest REQUIRED)
find_program(KPAY_PROTOC protoc REQUIRED)
