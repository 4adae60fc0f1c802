// Linked against the libraries that scripts/bootstrap falls back to; see test_bootstrap_fallback.
#include <Poco/Net/Context.h>
#include <Poco/Net/HTTPSClientSession.h>
#include <Poco/Net/HTTPServer.h>
#include <Poco/RegularExpression.h>
#include <Poco/Util/ServerApplication.h>
#include <hdr/hdr_histogram.h>
#include <librdkafka/rdkafka.h>

#include <iostream>

int main() {
  hdr_histogram* histogram = nullptr;
  const bool made = hdr_init(1, 1'000'000, 3, &histogram) == 0 && hdr_record_value(histogram, 42);
  hdr_close(histogram);
  const Poco::Net::Context::Ptr context =
      new Poco::Net::Context(Poco::Net::Context::CLIENT_USE, "", Poco::Net::Context::VERIFY_NONE);
  Poco::Net::HTTPSClientSession session("localhost", 443, context);
  const bool matches = Poco::RegularExpression("[a-z]+").match("kpay");
  std::cout << "librdkafka " << rd_kafka_version_str() << '\n';
  return made && matches ? 0 : 1;
}
