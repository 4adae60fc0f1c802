# kpay_library(), kpay_executable() and kpay_test(): what a folder's CMakeLists.txt is made of.
# Headers are included from src/: "stream/task.h". Tests also see tests/: "support/fake_clock.h".

include(GoogleTest)

# What `make test` builds: everything with that label, and every executable.
add_custom_target(unit_tests)
add_custom_target(integration_tests)
add_custom_target(binaries)
# Every header on its own, to prove that it includes what it needs; `make check` builds it.
add_custom_target(headers)

# kpay_library(<folder> SOURCES a.cc... [PUBLIC dep...] [PRIVATE dep...])
# Static library kpay_<folder>, alias kpay::<folder>; without SOURCES it has headers only.
function(kpay_library folder)
  cmake_parse_arguments(arg "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  kpay_no_leftovers(kpay_library "${arg_UNPARSED_ARGUMENTS}")
  string(REPLACE "/" "_" name "${folder}")
  if(arg_SOURCES)
    add_library(kpay_${name} STATIC ${arg_SOURCES})
    target_include_directories(kpay_${name} PUBLIC "${PROJECT_SOURCE_DIR}/src")
    target_link_libraries(kpay_${name} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE} kpay_warnings)
  else()
    add_library(kpay_${name} INTERFACE)
    target_include_directories(kpay_${name} INTERFACE "${PROJECT_SOURCE_DIR}/src")
    target_link_libraries(kpay_${name} INTERFACE ${arg_PUBLIC} ${arg_PRIVATE})
  endif()
  add_library(kpay::${name} ALIAS kpay_${name})
  kpay_lone_headers(kpay_${name} ${arg_PUBLIC} ${arg_PRIVATE})
endfunction()

# Compiles each header of the current folder alone, with what the library in <target> links.
function(kpay_lone_headers target)
  file(GLOB headers CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}/src" "${CMAKE_CURRENT_SOURCE_DIR}/*.h")
  set(sources "")
  foreach(header IN LISTS headers)
    set(source "${PROJECT_BINARY_DIR}/generated/headers/${target}/${header}.cc")
    file(CONFIGURE OUTPUT "${source}" CONTENT "#include \"@header@\"\n" @ONLY)
    list(APPEND sources "${source}")
  endforeach()
  if(NOT sources)
    return()
  endif()
  add_library(${target}_headers OBJECT EXCLUDE_FROM_ALL ${sources})
  target_link_libraries(${target}_headers PRIVATE ${target} ${ARGN} kpay_warnings)
  add_dependencies(headers ${target}_headers)
endfunction()

# kpay_executable(<name> SOURCES main.cc... [LIBS dep...])
# <build>/bin/<name>; in a release build fully static, its debug file in <build>/bin/.debug/.
function(kpay_executable name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBS" ${ARGN})
  kpay_no_leftovers(kpay_executable "${arg_UNPARSED_ARGUMENTS}")
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/src")
  target_link_libraries(${name} PRIVATE ${arg_LIBS} kpay_warnings)
  add_dependencies(binaries ${name})
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    kpay_split_debug(${name})
  endif()
endfunction()

# kpay_test(<name> SOURCES a_test.cc... [LIBS dep...] [LABELS unit|integration...] [TIMEOUT seconds])
# A GoogleTest binary <build>/tests/<name>; each of its tests is one ctest test.
# Tests run in the repository's root. They find golden files through KPAY_SOURCE_DIR and built
# binaries in KPAY_BUILD_DIR/bin; both are relative, so that an object file is the same in any clone.
function(kpay_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;LIBS;LABELS" ${ARGN})
  kpay_no_leftovers(kpay_test "${arg_UNPARSED_ARGUMENTS}")
  if(NOT arg_LABELS)
    set(arg_LABELS unit)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
    if("integration" IN_LIST arg_LABELS)
      set(arg_TIMEOUT 300)
    endif()
  endif()
  cmake_path(RELATIVE_PATH PROJECT_BINARY_DIR BASE_DIRECTORY "${PROJECT_SOURCE_DIR}" OUTPUT_VARIABLE build_dir)
  add_executable(${name} ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}/tests")
  target_compile_definitions(${name} PRIVATE
    "KPAY_SOURCE_DIR=\".\"" "KPAY_BUILD_DIR=\"${build_dir}\"")
  target_link_libraries(${name} PRIVATE ${arg_LIBS} GTest::gmock GTest::gtest_main kpay_warnings)
  if("integration" IN_LIST arg_LABELS)
    add_dependencies(integration_tests ${name})
  else()
    add_dependencies(unit_tests ${name})
  endif()
  gtest_discover_tests(${name}
    DISCOVERY_MODE PRE_TEST
    DISCOVERY_TIMEOUT 30
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
    PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT})
endfunction()

# Moves the debug information of an executable into bin/.debug/<name>.debug, where gdb looks.
function(kpay_split_debug name)
  add_custom_command(TARGET ${name} POST_BUILD
    WORKING_DIRECTORY "${CMAKE_BINARY_DIR}/bin"
    COMMAND "${CMAKE_COMMAND}" -E make_directory .debug
    COMMAND "${CMAKE_OBJCOPY}" --only-keep-debug --compress-debug-sections=zlib ${name} .debug/${name}.debug
    COMMAND "${CMAKE_OBJCOPY}" --strip-unneeded ${name}
    COMMAND "${CMAKE_OBJCOPY}" --add-gnu-debuglink=.debug/${name}.debug ${name}
    VERBATIM)
endfunction()

function(kpay_no_leftovers function leftovers)
  if(leftovers)
    message(FATAL_ERROR "${function}: unknown arguments: ${leftovers}")
  endif()
endfunction()

# kpay_subdirectories(<dir>...): adds each that has a CMakeLists.txt, in the order given.
macro(kpay_subdirectories)
  foreach(dir IN ITEMS ${ARGN})
    if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${dir}/CMakeLists.txt")
      add_subdirectory(${dir})
    endif()
  endforeach()
endmacro()
