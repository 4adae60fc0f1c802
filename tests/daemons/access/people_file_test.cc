#include "daemons/access/people_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "daemons/access/secrets.h"

namespace kpay::access {
namespace {

class PeopleFileTest : public ::testing::Test {
 protected:
  PeopleFileTest() : folder_(::testing::TempDir() + "kpay_people_" + std::to_string(::getpid())) {
    std::filesystem::create_directories(folder_);
  }
  ~PeopleFileTest() override { std::filesystem::remove_all(folder_); }

  static People some() {
    People people;
    people.users.push_back({"ann", Role::operating | Role::approver,
                            "scrypt$2$1$1$" + std::string(32, 'a') + "$" + std::string(64, 'b'),
                            false, 7});
    people.users.push_back({"bob", Role::viewer,
                            "scrypt$2$1$1$" + std::string(32, 'c') + "$" + std::string(64, 'd'),
                            true, 8});
    people.tokens.push_back({"ci", Role::operating, digest_of("x"), 1, 2, {"postPayments"}});
    return people;
  }
  [[nodiscard]] std::string path() const { return folder_ + "/users"; }
  static std::string text_of(const std::string& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  std::string folder_;
};

TEST_F(PeopleFileTest, IsReadAsItWasWrittenAndOnlyItsOwnerMayReadIt) {
  ASSERT_TRUE(write_people(path(), some()));
  const Result<People> read = read_people(path());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, some());
  struct stat is {};
  ASSERT_EQ(::stat(path().c_str(), &is), 0);
  EXPECT_EQ(is.st_mode & 0777U, 0600U);
  EXPECT_FALSE(std::filesystem::exists(path() + ".new"));
}

TEST_F(PeopleFileTest, ThatOthersMayReadOrWriteIsRefused) {
  ASSERT_TRUE(write_people(path(), some()));
  for (const mode_t mode : {0644, 0620, 0602, 0660}) {
    ::chmod(path().c_str(), mode);
    const Result<People> read = read_people(path());
    ASSERT_FALSE(read) << std::oct << mode;
    EXPECT_EQ(read.error().code, ErrorCode::refused);
  }
  ::chmod(path().c_str(), 0640);
  EXPECT_TRUE(read_people(path())) << "the service's group may";
}

TEST_F(PeopleFileTest, ReplacingItKeepsItsMode) {
  ASSERT_TRUE(write_people(path(), some()));
  ::chmod(path().c_str(), 0640);
  ASSERT_TRUE(write_people(path(), People{}));
  struct stat is {};
  ASSERT_EQ(::stat(path().c_str(), &is), 0);
  EXPECT_EQ(is.st_mode & 0777U, 0640U);
}

TEST_F(PeopleFileTest, ThatIsCutOffOrChangedByHandIsRefusedAndSaysHow) {
  const std::string text = people_text(some());
  std::string longer = text;
  longer.replace(longer.find("viewer"), 6, "admin ");
  for (const std::string& wrong : {text.substr(0, text.size() - 3), longer}) {
    const Result<People> read = parse_people(wrong);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, ErrorCode::corrupt);
    EXPECT_NE(read.error().message.find("kpay-gateway users"), std::string::npos);
  }
  EXPECT_FALSE(parse_people(""));
  EXPECT_FALSE(parse_people("root:x:0:0\n"));
  EXPECT_EQ(read_people(path()).error().code, ErrorCode::not_found);
}

TEST_F(PeopleFileTest, NamesPasswordsAndDigestsThatAreNoneAreRefused) {
  for (const int which : {0, 1, 2, 3, 4}) {
    People people = some();
    if (which == 0) {
      people.users[0].name = "no name!";
    } else if (which == 1) {
      people.users[0].password = "plain text";
    } else if (which == 2) {
      people.tokens[0].digest = "kpay_secret";
    } else if (which == 3) {
      people.users[1].name = "ann";
    } else {
      people.users[0].roles = Roles();
    }
    EXPECT_FALSE(parse_people(people_text(people))) << which;
  }
}

TEST_F(PeopleFileTest, NoSecretStandsInIt) {
  const std::string password = random_password();
  People people;
  people.users.push_back({"ann", Role::admin, hash_password(password), false, 0});
  ASSERT_TRUE(write_people(path(), people));
  EXPECT_EQ(text_of(path()).find(password), std::string::npos);
}

TEST(People, DifferencesAreToldInWordsWithoutSecrets) {
  People before;
  before.users.push_back({"ann", Role::viewer, "hash1", false, 0});
  before.users.push_back({"bob", Role::viewer, "hash2", false, 0});
  before.tokens.push_back({"ci", Role::viewer, "digest", 0, 0, {}});
  People after = before;
  after.users[0].roles = Role::admin;
  after.users[0].password = "hash3";
  after.users.erase(after.users.begin() + 1);
  after.users.push_back({"eve", Role::auditor, "hash4", false, 0});
  after.tokens.clear();
  const std::vector<std::string> wanted{
      "user ann is admin, was viewer", "user ann has a new password",
      "user eve was added as auditor", "user bob was removed", "token ci was revoked"};
  EXPECT_EQ(differences(before, after), wanted);
  EXPECT_TRUE(differences(after, after).empty());
}

TEST(Roles, AreReadAsTheyAreWritten) {
  for (const Role role : all_roles) {
    EXPECT_EQ(parse_roles(to_string(role)), Roles(role));
  }
  EXPECT_EQ(to_string(*parse_roles("approver,operator")), "operator,approver");
  for (const char* wrong : {"", "root", "viewer,", ",viewer", "viewer admin", "Viewer"}) {
    EXPECT_FALSE(parse_roles(wrong)) << wrong;
  }
  EXPECT_FALSE(Roles().meets(Role::viewer | Role::admin));
}

}  // namespace
}  // namespace kpay::access
