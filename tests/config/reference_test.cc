#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "config/daemon_config.h"

namespace kpay::config {
namespace {

TEST(Reference, ThePageInDocsIsWhatTheSchemaSays) {
  const std::string path = KPAY_SOURCE_DIR "/docs/configuration.md";
  if (std::getenv("KPAY_REWRITE_GOLDEN") != nullptr) {
    std::ofstream(path) << configuration_page();
  }
  std::ostringstream page;
  page << std::ifstream(path).rdbuf();
  EXPECT_EQ(page.str(), configuration_page()) << "rewrite it with KPAY_REWRITE_GOLDEN=1";
}

TEST(Reference, EveryFieldHasItsRow) {
  const Schema schema = daemon_schema();
  const std::string page = reference(schema);
  for (const Field& field : schema.fields()) {
    EXPECT_NE(page.find("| `" + field.path + "` | "), std::string::npos) << field.path;
  }
}

TEST(Reference, TheExampleIsAFileThatIsAccepted) {
  for (const Schema& schema : {daemon_schema(), tool_schema()}) {
    const Result<Config> config = parse(example(schema), "example.yml", schema);
    EXPECT_TRUE(config) << config.error().message;
  }
}

TEST(Schema, KnowsWhichNameWasMeant) {
  const Schema schema = daemon_schema();
  EXPECT_EQ(schema.nearest("kafka.bootstrap_server"), "kafka.bootstrap_servers");
  EXPECT_EQ(schema.nearest("kafka.treads"), "worker.threads");
  EXPECT_EQ(schema.nearest("chekpoint"), "checkpoint");
  EXPECT_EQ(schema.nearest("completely_different"), "");
  EXPECT_EQ(edit_distance("ab", "ba"), 1U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
}

}  // namespace
}  // namespace kpay::config
