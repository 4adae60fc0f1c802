#include "daemons/gateway/audits.h"

#include <gtest/gtest.h>

namespace kpay::gateway {
namespace {

AuditStatement statement(const std::string& state, std::int64_t at_ms = 1000) {
  return ctl::parse_statement(R"({"state":")" + state + R"(","at_ms":)" + std::to_string(at_ms) +
                              R"(,"as_of_ms":900})")
      .value();
}

// Looks at the tables prove nothing while payments go on; the auditor does.
TEST(Audits, TheLightIsTheAuditorsWhileItSpeaks) {
  for (const auto& [looks, state, light] : {std::tuple{"moving", "conserved", "balanced"},
                                            {"moving", "broken", "unbalanced"},
                                            {"balanced", "broken", "unbalanced"},
                                            {"unbalanced", "conserved", "unbalanced"},
                                            {"moving", "behind", "moving"},
                                            {"partial", "catching_up", "partial"},
                                            {"balanced", "unproven", "balanced"},
                                            {"partial", "conserved", "balanced"}}) {
    EXPECT_EQ(light_of(looks, statement(state), 2000), light) << looks << " " << state;
  }
  EXPECT_EQ(light_of("moving", {}, 2000), "moving");
  EXPECT_EQ(light_of("moving", statement("conserved"), 1000 + 15'001), "moving");
}

}  // namespace
}  // namespace kpay::gateway
