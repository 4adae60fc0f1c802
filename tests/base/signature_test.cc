#include "base/signature.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace kpay {
namespace {

TEST(R12Signature, OfAnotherMessageKeyOrBitIsNone) {
  const SigningKey key = SigningKey::generate();
  const Bytes message = to_bytes(as_bytes("replay account/3@128.0"));
  const Signature signature = key.sign(message);
  EXPECT_TRUE(is_signed_by(key.public_key(), message, signature));
  EXPECT_FALSE(is_signed_by(SigningKey::generate().public_key(), message, signature));
  EXPECT_FALSE(is_signed_by(PublicKey{}, message, signature));
  for (std::size_t at = 0; at < message.size(); ++at) {
    Bytes other = message;
    other[at] ^= std::byte{1};
    ASSERT_FALSE(is_signed_by(key.public_key(), other, signature)) << at;
  }
  for (std::size_t at = 0; at < signature.size(); ++at) {
    Signature other = signature;
    other[at] ^= std::byte{1};
    ASSERT_FALSE(is_signed_by(key.public_key(), message, other)) << at;
  }
}

// RFC 8032, 7.1, test 2: so that every build of every version agrees about the same log.
TEST(R12Signature, IsThatOfTheStandard) {
  const auto key =
      parse_public_key("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  ASSERT_TRUE(key);
  const std::string_view hex =
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
      "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
  const Bytes bytes = *from_hex(hex);
  Signature signature{};
  ASSERT_EQ(bytes.size(), signature.size());
  std::copy(bytes.begin(), bytes.end(), signature.begin());
  const std::array message = {std::byte{0x72}};
  EXPECT_TRUE(is_signed_by(*key, message, signature));
  EXPECT_EQ(to_string(*key), "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
}

TEST(R12Signature, AKeysTextIsReadOrRefused) {
  const std::string text = to_string(SigningKey::generate().public_key());
  EXPECT_EQ(to_string(*parse_public_key(text)), text);
  EXPECT_FALSE(parse_public_key(text.substr(1)));
  EXPECT_FALSE(parse_public_key(text + "0"));
  EXPECT_FALSE(parse_public_key("g" + text.substr(1)));
  EXPECT_FALSE(parse_public_key(""));
}

class KeyFile : public ::testing::Test {
 protected:
  KeyFile() {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~KeyFile() override { std::filesystem::remove_all(folder_); }

  const std::filesystem::path folder_ =
      std::filesystem::path(::testing::TempDir()) / ("keys-" + std::to_string(::getpid()));
  const std::string path_ = (folder_ / "ann.pem").string();
};

TEST_F(KeyFile, IsReadBackAndOnlyItsOwnerCanReadIt) {
  const SigningKey key = SigningKey::generate();
  ASSERT_TRUE(key.write(path_));
  struct stat about {};
  ASSERT_EQ(::stat(path_.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0600U);
  const Result<SigningKey> again = SigningKey::read(path_);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->public_key(), key.public_key());
  EXPECT_EQ(key.write(path_).error().code, ErrorCode::conflict) << "never over another one";
}

TEST_F(KeyFile, ThatOthersCanReadOrThatIsNoneIsRefused) {
  EXPECT_EQ(SigningKey::read(path_).error().code, ErrorCode::not_found);
  ASSERT_TRUE(SigningKey::generate().write(path_));
  ASSERT_EQ(::chmod(path_.c_str(), 0640), 0);
  EXPECT_NE(SigningKey::read(path_).error().message.find("chmod 600"), std::string::npos);
  std::ofstream(path_, std::ios::trunc) << "no key\n";
  ASSERT_EQ(::chmod(path_.c_str(), 0600), 0);
  EXPECT_EQ(SigningKey::read(path_).error().code, ErrorCode::invalid);
}

}  // namespace
}  // namespace kpay
