#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

#include "config/config.h"
#include "config/limits.h"

namespace kpay::config {
namespace {

const Schema& sample() {
  static const Schema schema({
      {.path = "name", .required = true, .about = "A name."},
      {.path = "brokers", .type = Type::addresses, .min = 1, .about = "Brokers."},
      {.path = "log.colour", .type = Type::boolean, .standard = "true", .about = "Colour."},
      {.path = "log.tags", .type = Type::list, .about = "Tags."},
      {.path = "worker.threads",
       .type = Type::integer,
       .standard = "1",
       .min = 1,
       .max = 8,
       .about = "Threads."},
      {.path = "worker.key_file", .type = Type::file, .about = "A key."},
  });
  return schema;
}

std::string error_of(std::string_view text) {
  const Result<Config> config = parse(text, "f.yml", sample());
  return config ? "accepted" : config.error().message;
}

TEST(Loader, GivesWhatTheFileSaysAndDefaultsForTheRest) {
  const Result<Config> config = parse(
      "name: 12\nbrokers: [a:1, \"b:2\"]\nlog:\n  tags:\n    - x\n    - no\nworker:\n  threads: "
      "'4'\n",
      "f.yml", sample());
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->text("name"), "12");
  EXPECT_EQ(config->texts("brokers"), (Texts{"a:1", "b:2"}));
  EXPECT_EQ(config->texts("log.tags"), (Texts{"x", "no"}));
  EXPECT_TRUE(config->boolean("log.colour"));
  EXPECT_EQ(config->integer("worker.threads"), 4);
  EXPECT_FALSE(config->has("worker.key_file"));
  EXPECT_EQ(config->text("worker.key_file"), "");
}

TEST(Loader, ReportsAllProblemsAtOnceInTheOrderOfTheFile) {
  EXPECT_EQ(
      error_of("brokers: [a]\n"
               "worker:\n"
               "  thread: 2\n"
               "  threads: many\n"
               "log: 7\n"),
      "f.yml:1:1: brokers: \"a\" is not host:port; write a list of 0 to 64 host:port, as in "
      "[broker-1:9092, broker-2:9092]\n"
      "f.yml:1:1: name: is required and missing; write 1 to 256 characters\n"
      "f.yml:3:3: worker.thread: is not a known field; did you mean worker.threads?\n"
      "f.yml:4:3: worker.threads: \"many\" is not an integer; write a whole number from 1 to 8\n"
      "f.yml:5:6: log: is a single value, not a mapping; write `name: value` lines of "
      "colour, tags");
}

TEST(Loader, ProblemsOfFormAreRefusals) {
  struct Case {
    const char* text;
    const char* error;
  };
  const std::vector<Case> cases{
      {"name: [a", "f.yml:1:1: yaml: not YAML: "},
      {"name: a\n\tlog: b\n", "f.yml:2:1: yaml: not YAML: "},
      {"name: a\n---\nname: b\n", "yaml: the file has more than one document; write one"},
      {"just text", "f.yml:1:1: file: is a single value, not a mapping; write `name: value`"},
      {"- a\n", "f.yml:1:1: file: is a list, not a mapping"},
      {"name: a\nname: b\n", "f.yml:2:1: name: is a duplicate of line 1; write it once"},
      {"name: a\nlog: {}\nlog: {}\n", "f.yml:3:1: log: is a duplicate of line 2; write it once"},
      {"name:\n", "f.yml:1:1: name: is no value; write 1 to 256 characters"},
      {"name: {a: b}\n", "f.yml:1:1: name: is a mapping; write 1 to 256 characters"},
      {"name: a\nbrokers: a:1,b:2\n", "f.yml:2:1: brokers: is a single value; write a list of"},
      {"name: a\nlog.colour: true\n", "f.yml:2:1: log.colour: has a dot in its name; write colour"},
      {"name: a\nzzzzzzzzzz: b\n", "zzzzzzzzzz: is not a known field; the file has brokers, log, "},
      {"name: a\nthreads: 3\n", "threads: is not a known field; did you mean worker.threads?"},
      {"name: a\nwroker: {}\n", "wroker: is not a known field; did you mean worker?"},
      {"name: &x [*x]\n", "f.yml:1:"},
      {"? [a]\n: b\nname: a\n", "f.yml:1:"},
      {"name: a\n<<: {b: c}\n", "f.yml:2:1: <<: is not a known field"},
      {"", "f.yml:1:1: name: is required and missing"},
      {"\n# nothing\n", "f.yml:1:1: name: is required and missing"},
  };
  for (const Case& one : cases) {
    EXPECT_NE(error_of(one.text).find(one.error), std::string::npos)
        << one.text << "\n→ " << error_of(one.text);
  }
}

TEST(Loader, AMisspeltRequiredFieldIsOneProblemNotTwo) {
  EXPECT_EQ(error_of("nmae: a\n"), "f.yml:1:1: nmae: is not a known field; did you mean name?");
}

TEST(Loader, AnEmptyFileIsRightWhenNothingIsRequired) {
  const Schema schema({{.path = "a", .type = Type::boolean, .standard = "false", .about = "A."}});
  for (const char* text : {"", "\n", "# x\n", "---\n", "{}"}) {
    const Result<Config> config = parse(text, "f.yml", schema);
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_FALSE(config->boolean("a"));
  }
}

TEST(Loader, ASectionWithNothingLeftInItIsEmpty) {
  EXPECT_EQ(error_of("name: a\nlog:\n  # colour: false\n"), "accepted");
}

TEST(Loader, DeepNestingAndManyProblemsStayBounded) {
  EXPECT_NE(error_of("name: " + std::string(100'000, '[')), "accepted");
  std::string many = "name: a\n";
  for (int i = 0; i < 500; ++i) {
    many += "unknown" + std::to_string(i) + ": 1\n";
  }
  const std::string error = error_of(many);
  EXPECT_NE(error.find("f.yml: and 400 more problems"), std::string::npos);
}

TEST(Loader, EqualMeaningGivesEqualHashes) {
  const std::string plain = parse("name: a\n", "f", sample())->hash();
  EXPECT_EQ(plain, parse("log: {colour: true}\nname: \"a\"\n", "g", sample())->hash());
  EXPECT_NE(plain, parse("name: a\nworker: {threads: 2}\n", "f", sample())->hash());
  EXPECT_EQ(plain.size(), 32U);
}

class Files : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& content, mode_t mode) {
    const std::string path = ::testing::TempDir() + "kpay_config_" + name;
    std::ofstream(path) << content;
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }
};

TEST_F(Files, AMissingFileAndADirectoryAreErrorsThatNameThem) {
  const Result<Config> missing = load("/nonexistent/kpay.yml", sample());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_EQ(missing.error().message, "/nonexistent/kpay.yml: No such file or directory");
  EXPECT_EQ(load("/", sample()).error().message, "/: is not a regular file");
}

TEST_F(Files, AFileThatIsTooLargeIsNotRead) {
  const std::string path = write("large", std::string(limits::file_bytes_max + 1, '#'), 0600);
  EXPECT_NE(load(path, sample()).error().message.find("is larger than 1048576 bytes"),
            std::string::npos);
}

TEST_F(Files, CredentialsAreExpandedFromTheEnvironment) {
  const std::string path =
      write("c", "name: a\nworker: {key_file: '${CREDENTIALS_DIRECTORY}/k'}\n", 0600);
  ASSERT_EQ(::setenv("CREDENTIALS_DIRECTORY", "/run/credentials/u", 1), 0);
  const Result<Config> config = load(path, sample());
  ::unsetenv("CREDENTIALS_DIRECTORY");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->text("worker.key_file"), "/run/credentials/u/k");
}

TEST_F(Files, ASecretIsOnePrivateLine) {
  EXPECT_EQ(*read_secret(write("s1", "hunter2\n", 0600)), "hunter2");
  EXPECT_NE(read_secret(write("s2", "hunter2\n", 0644)).error().message.find("every user can read"),
            std::string::npos);
  EXPECT_FALSE(read_secret(write("s3", "\n", 0600)));
  EXPECT_FALSE(read_secret(write("s4", "a\nb\n", 0600)));
  EXPECT_EQ(read_secret("/nonexistent/s").error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace kpay::config
