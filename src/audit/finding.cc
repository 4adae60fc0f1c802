#include "audit/finding.h"

namespace kpay::audit {

std::string_view to_string(FindingKind kind) noexcept {
  constexpr std::array<std::string_view, kFindingKinds> kWords{
      "unreadable", "foreign",   "diverged", "altered",   "forged",
      "dropped",    "no_origin", "misfit",   "second",    "lost",
      "balance",    "overdraft", "result",   "changelog", "sum"};
  return kWords[static_cast<std::size_t>(kind)];
}

void Findings::add(Finding finding) {
  finding.number = ++total_;
  ++counts_[static_cast<std::size_t>(finding.kind)];
  if (first_.size() < kFindingsKept) {
    first_.push_back(std::move(finding));
  }
}

}  // namespace kpay::audit
