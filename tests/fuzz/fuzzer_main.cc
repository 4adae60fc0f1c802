// What libFuzzer calls. `kpay-fuzz --target=frame ...` tries one target; libFuzzer itself ignores
// that argument. `kpay-fuzz --list` names them, with the most bytes that an input may have.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "fuzz/target.h"

namespace {

const kpay::fuzz::Target* chosen = nullptr;

void choose(std::string_view name) {
  for (const kpay::fuzz::Target& target : kpay::fuzz::all_targets()) {
    if (target.name == name) {
      chosen = &target;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  constexpr std::string_view kFlag = "--target=";
  for (int i = 1; i < *argc; ++i) {
    const std::string_view argument = (*argv)[i];
    if (argument == "--list") {
      for (const kpay::fuzz::Target& target : kpay::fuzz::all_targets()) {
        std::printf("%s %zu\n", target.name.data(), target.bytes_max);
      }
      std::exit(0);
    }
    if (argument.starts_with(kFlag)) {
      choose(argument.substr(kFlag.size()));
    }
  }
  if (chosen == nullptr) {
    std::fprintf(stderr, "kpay-fuzz: --target=NAME has to name a target; --list has their names\n");
    std::exit(2);
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chosen->run({reinterpret_cast<const std::byte*>(data), size});
  return 0;
}
