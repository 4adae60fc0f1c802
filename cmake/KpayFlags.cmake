# How our code is compiled and linked. Third-party code sees none of the warnings.

option(KPAY_STATIC "Link executables fully static" OFF)
option(KPAY_LTO "Link-time optimisation" OFF)
set(KPAY_SANITIZE "" CACHE STRING "Comma-separated list for -fsanitize=")
option(KPAY_FUZZER "Instrument for libFuzzer, which only clang has (tests/fuzz)" OFF)
option(KPAY_PLANTED "Compile known defects in, for tests to switch on (src/base/plant.h)" OFF)
option(KPAY_FAULTS "Compile failpoints and known defects into the runtime alone (src/base/failpoint.h)" OFF)
set(KPAY_DAY_S "" CACHE STRING "Seconds of a day of event time, for soaks (src/core/horizon.h); empty: a day")
option(KPAY_COVERAGE "Count the lines and branches that are run (scripts/coverage)" OFF)
set(KPAY_MARCH "" CACHE STRING "Value for -march=; empty: the compiler's baseline")

# Warnings are errors with the compiler that CI has. A newer one may know more warnings,
# and they should not break the build of somebody who only wants to install.
if(CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  set(kpay_werror_default ON)
else()
  set(kpay_werror_default OFF)
endif()
option(KPAY_WERROR "Warnings are errors" ${kpay_werror_default})

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g -DNDEBUG")
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ${KPAY_LTO})

find_program(KPAY_CCACHE ccache)
if(KPAY_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${KPAY_CCACHE}")
  set(CMAKE_C_COMPILER_LAUNCHER "${KPAY_CCACHE}")
endif()

# Flags for everything that is compiled here, generated code too.
# Reproducible: no path of the machine and no date ends up in a binary.
add_compile_options(
  -fno-omit-frame-pointer
  -fdiagnostics-color=auto
  "-ffile-prefix-map=${PROJECT_BINARY_DIR}=build"
  "-ffile-prefix-map=${PROJECT_SOURCE_DIR}=."
)
add_link_options(-Wl,--build-id=sha1 -Wl,--no-undefined)

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_options(-fstack-protector-strong -D_FORTIFY_SOURCE=2 -ffunction-sections)
  add_link_options(-Wl,--gc-sections)
else()
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
endif()
if(KPAY_MARCH)
  add_compile_options("-march=${KPAY_MARCH}")
endif()
if(KPAY_PLANTED)
  add_compile_definitions(KPAY_PLANTED=1)
endif()
if(KPAY_STATIC)
  add_compile_options(-fno-pie)
  add_link_options(-static -no-pie)
endif()
if(KPAY_SANITIZE)
  add_compile_options("-fsanitize=${KPAY_SANITIZE}" -fno-sanitize-recover=all -O1)
  add_link_options("-fsanitize=${KPAY_SANITIZE}")
endif()
if(KPAY_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
endif()
if(KPAY_FUZZER)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# Flags for our own code only: kpay_library(), kpay_executable() and kpay_test() link this.
add_library(kpay_warnings INTERFACE)
target_compile_options(kpay_warnings INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
if(KPAY_WERROR)
  target_compile_options(kpay_warnings INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 warns of `"text" + std::string` inside its own library (GCC bug 105651).
  target_compile_options(kpay_warnings INTERFACE -Wno-restrict)
endif()
