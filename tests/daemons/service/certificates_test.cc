#include "daemons/service/certificates.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace kpay::daemons {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;

// A key and a certificate of ten days, made by the openssl command.
class CertificatesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_);
    make("own");
    make("other");
    now_ = wall_clock_now();  // not before them: they are valid from the second they were made in
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void make(const std::string& name) const {
    const std::string command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256"
        " -nodes -days 10 -subj /CN=kpay -keyout " +
        file(name + ".key") + " -out " + file(name + ".pem") + " 2>/dev/null";
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }
  std::string file(const std::string& name) const { return folder_ + "/" + name; }

  std::string folder_ = "/tmp/kpay_certificates_" + std::to_string(::getpid());
  Timestamp now_;
};

TEST_F(CertificatesTest, AGoodOneHasItsEnd) {
  const Result<Timestamp> end = certificates_end(file("own.pem"), now_);
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_NEAR(static_cast<double>(end->ms - now_.ms), 10.0 * kDayMs, 600'000.0);
}

TEST_F(CertificatesTest, AnExpiredAndAFutureOneAreNamedWithTheirTime) {
  const Result<Timestamp> expired = certificates_end(file("own.pem"), {now_.ms + 11 * kDayMs});
  ASSERT_FALSE(expired);
  EXPECT_NE(expired.error().message.find("own.pem: a certificate expired at 20"),
            std::string::npos);
  const Result<Timestamp> future = certificates_end(file("own.pem"), {now_.ms - kDayMs});
  ASSERT_FALSE(future);
  EXPECT_NE(future.error().message.find("valid only from"), std::string::npos);
}

TEST_F(CertificatesTest, WhatIsNoCertificateOrNotThereIsSaid) {
  EXPECT_EQ(certificates_end(file("own.key"), now_).error().code, ErrorCode::invalid);
  EXPECT_EQ(certificates_end(file("none.pem"), now_).error().code, ErrorCode::io);
}

TEST_F(CertificatesTest, AKeyHasToBeTheCertificates) {
  EXPECT_TRUE(check_private_key(file("own.key"), file("own.pem")));
  EXPECT_NE(
      check_private_key(file("other.key"), file("own.pem")).error().message.find("is not the key"),
      std::string::npos);
  EXPECT_EQ(check_private_key(file("own.pem"), file("own.pem")).error().code, ErrorCode::invalid);
}

}  // namespace
}  // namespace kpay::daemons
