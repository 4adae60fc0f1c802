#include "http/client.h"

#include <Poco/AutoPtr.h>
#include <Poco/Exception.h>
#include <Poco/Net/Context.h>
#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Net/HTTPSClientSession.h>
#include <Poco/Net/SSLException.h>
#include <Poco/Net/SSLManager.h>
#include <Poco/String.h>
#include <Poco/URI.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>

#include "base/time.h"
#include "http/limits.h"
#include "http/tls.h"

namespace kpay::http {
namespace {

namespace net = Poco::Net;

net::Context::Ptr client_context(const ClientOptions& options) {
  net::initializeSSL();
  net::Context::Params params;
  params.certificateFile = options.certificate_file;
  params.privateKeyFile = options.key_file;
  params.caLocation = options.ca_file;
  params.loadDefaultCAs = options.ca_file.empty();
  params.cipherList = std::string(tls_ciphers);
  params.verificationMode = net::Context::VERIFY_STRICT;  // also the host's name, also on loopback
  net::Context::Ptr context = Poco::makeAuto<net::Context>(net::Context::TLS_CLIENT_USE, params);
  context->requireMinimumProtocol(net::Context::PROTO_TLSV1_2);
  context->ignoreUnexpectedEof(true);
  return context;
}

std::unique_ptr<net::HTTPClientSession> make_session(const ClientOptions& options,
                                                     const Poco::URI& uri) {
  if (uri.getScheme() == "https") {
    return std::make_unique<net::HTTPSClientSession>(uri.getHost(), uri.getPort(),
                                                     client_context(options));
  }
  if (!options.unix_socket.empty()) {
    net::StreamSocket socket;
    socket.connect(net::SocketAddress(net::SocketAddress::UNIX_LOCAL, options.unix_socket));
    return std::make_unique<net::HTTPClientSession>(socket);
  }
  return std::make_unique<net::HTTPClientSession>(uri.getHost(), uri.getPort());
}

// Path and query as they stand in `url`: Poco::URI would decode an escaped slash.
std::string target_of(const std::string& url) {
  const std::size_t begin = url.find_first_of("/?", url.find("://") + 3);
  if (begin == std::string::npos) {
    return "/";
  }
  const std::string target = url.substr(begin, url.find('#') - begin);
  return target.front() == '/' ? target : "/" + target;
}

Unexpected no_answer(const std::string& url, const std::string& why) {
  return Unexpected(ErrorCode::unavailable, url + ": " + why);
}

// The whole body, unless it is too large or the time is over.
Result<std::string> read_body(std::istream& in, const std::string& url, std::int64_t deadline_ms) {
  std::string body;
  char buffer[16384];
  while (in.read(buffer, sizeof buffer) || in.gcount() > 0) {
    body.append(buffer, static_cast<std::size_t>(in.gcount()));
    if (body.size() > limits::answer_bytes_max) {
      return no_answer(
          url, "the answer is larger than " + std::to_string(limits::answer_bytes_max) + " bytes");
    }
    if (monotonic_ms() > deadline_ms) {
      return no_answer(url, "the answer took too long");
    }
  }
  return body;
}

// Asks over this session. Throws what Poco does.
Result<ClientResponse> exchange(net::HTTPClientSession& session, const ClientRequest& request,
                                const Poco::URI& uri, bool keep) {
  const std::int64_t deadline = monotonic_ms() + request.timeout.count();
  session.setTimeout(Poco::Timespan(request.timeout.count() * Poco::Timespan::MILLISECONDS));
  session.setKeepAlive(keep);
  net::HTTPRequest head(request.method, target_of(request.url), net::HTTPMessage::HTTP_1_1);
  head.setKeepAlive(keep);
  head.setHost(uri.getHost(), uri.getPort());
  for (const auto& [name, value] : request.headers) {
    head.set(name, value);
  }
  if (!request.body.empty()) {
    head.setContentType(request.content_type);
  }
  if (!request.body.empty() || request.method != "GET") {
    head.setContentLength64(static_cast<Poco::Int64>(request.body.size()));
  }
  session.sendRequest(head) << request.body << std::flush;
  net::HTTPResponse answer;
  std::istream& in = session.receiveResponse(answer);
  Result<std::string> body = read_body(in, request.url, deadline);
  if (!body) {
    return Unexpected(body.error());
  }
  // Poco's stream ends at an error as it does at the end: a body without a length would seem whole.
  if (session.networkException() != nullptr) {
    session.networkException()->rethrow();
  }
  const bool known = answer.hasContentLength() && request.method != "HEAD";
  if (known && static_cast<Poco::Int64>(body->size()) < answer.getContentLength64()) {
    return no_answer(request.url, "the answer was cut short");
  }
  ClientResponse response{
      static_cast<int>(answer.getStatus()), answer.getContentType(), *std::move(body), {}};
  for (const auto& [name, value] : answer) {
    response.headers.emplace_back(name, value);
  }
  return response;
}

bool is_kept(const ClientResponse& response) {
  return std::none_of(response.headers.begin(), response.headers.end(), [](const auto& header) {
    return Poco::icompare(header.first, "Connection") == 0 &&
           Poco::icompare(header.second, "close") == 0;
  });
}

// A GET over a connection that was kept. Nothing, when its server has given it up meanwhile: a GET
// may be sent once more.
std::optional<Result<ClientResponse>> exchange_kept(net::HTTPClientSession* session,
                                                    const ClientRequest& request,
                                                    const Poco::URI& uri) {
  if (session == nullptr) {
    return std::nullopt;
  }
  try {
    return exchange(*session, request, uri, true);
  } catch (const Poco::TimeoutException&) {
    throw;
  } catch (const Poco::Exception&) {
    return std::nullopt;
  }
}

Result<ClientResponse> exchange(const ClientOptions& options, const ClientRequest& request,
                                const Poco::URI& uri) {
  if (options.connections == nullptr || request.method != "GET" || !options.unix_socket.empty()) {
    return exchange(*make_session(options, uri), request, uri, false);
  }
  const std::string address = uri.getScheme() + "://" + uri.getAuthority();
  Connections::Session session = options.connections->take(address);
  std::optional<Result<ClientResponse>> answer = exchange_kept(session.get(), request, uri);
  if (!answer) {
    session = make_session(options, uri);
    answer = exchange(*session, request, uri, true);
  }
  if (*answer && is_kept(**answer)) {
    options.connections->give(address, std::move(session));
  }
  return *std::move(answer);
}

}  // namespace

Result<ClientResponse> Client::send(const ClientRequest& request) const {
  try {
    const Poco::URI uri(request.url);
    const bool printable = request.url.find_first_of(" \t\r\n") == std::string::npos;
    const bool known = uri.getScheme() == "http" || uri.getScheme() == "https";
    if (!known || !printable || uri.getHost().empty()) {
      return Unexpected(ErrorCode::invalid, request.url + ": not an http:// or https:// address");
    }
    return exchange(options_, request, uri);
  } catch (const Poco::SyntaxException&) {
    return Unexpected(ErrorCode::invalid, request.url + ": not an address");
  } catch (const net::SSLContextException& exception) {
    return Unexpected(ErrorCode::invalid, "TLS files: " + exception.displayText());
  } catch (const net::SSLException& exception) {
    return Unexpected(ErrorCode::refused, request.url + ": " + exception.displayText());
  } catch (const Poco::TimeoutException&) {
    return no_answer(request.url,
                     "no answer within " + std::to_string(request.timeout.count()) + " ms");
  } catch (const Poco::Exception& exception) {
    if (!options_.unix_socket.empty() && exception.code() == EACCES) {
      return Unexpected(ErrorCode::refused, options_.unix_socket + ": permission denied");
    }
    return no_answer(options_.unix_socket.empty() ? request.url : options_.unix_socket,
                     exception.displayText());
  }
}

Result<ClientResponse> Client::get(const std::string& url,
                                   std::chrono::milliseconds timeout) const {
  ClientRequest request;
  request.url = url;
  request.timeout = timeout;
  return send(request);
}

}  // namespace kpay::http
