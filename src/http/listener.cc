// Sockets by Poco, whose exceptions end here.
#include "http/listener.h"

#include <Poco/AutoPtr.h>
#include <Poco/Exception.h>
#include <Poco/Net/Context.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/SSLException.h>
#include <Poco/Net/SSLManager.h>
#include <Poco/Net/SecureServerSocket.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/StreamSocket.h>
#include <openssl/ssl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "http/session.h"
#include "http/tls.h"

namespace kpay::http {
namespace {

namespace net = Poco::Net;

constexpr int kBacklog = 512;

// Whoever left the socket there and is dead gives way. Nobody can connect between bind and listen,
// so nobody meets it with another mode.
Result<net::ServerSocket> listen_unix(const std::string& path) {
  constexpr mode_t kMode = 0660;
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return Unexpected(ErrorCode::invalid, path + ": the path of a unix socket has at most " +
                                              std::to_string(sizeof(sockaddr_un::sun_path) - 1) +
                                              " bytes");
  }
  try {
    const net::SocketAddress address(net::SocketAddress::UNIX_LOCAL, path);
    struct stat there {};
    if (::lstat(path.c_str(), &there) == 0 && S_ISSOCK(there.st_mode)) {
      try {
        net::StreamSocket(address).close();
        return Unexpected(ErrorCode::conflict, path + ": another process answers there");
      } catch (const Poco::Exception&) {
        ::unlink(path.c_str());
      }
    }
    net::ServerSocket socket;
    socket.bind(address, false);
    if (::chmod(path.c_str(), kMode) != 0) {
      return Unexpected(ErrorCode::unavailable, path + ": can't be given mode 0660");
    }
    socket.listen(kBacklog);
    return socket;
  } catch (const Poco::Exception& exception) {
    return Unexpected(ErrorCode::unavailable,
                      path + ": can't listen there: " + exception.displayText());
  }
}

Result<net::ServerSocket> listen_on(const ServerOptions& options, const TlsIdentity* identity) {
  if (!options.unix_socket.empty()) {
    return listen_unix(options.unix_socket);
  }
  try {
    const net::SocketAddress address(options.host, options.port);
    if (identity == nullptr) {
      net::ServerSocket socket;
      socket.bind(address, true, false);  // the short forms share a port that is taken
      socket.listen(kBacklog);
      return socket;
    }
    net::initializeSSL();
    net::Context::Params params;
    params.caLocation = options.tls->client_ca_file;
    params.cipherList = std::string(tls_ciphers);
    params.verificationMode = options.tls->client_ca_file.empty() ? net::Context::VERIFY_NONE
                                                                  : net::Context::VERIFY_STRICT;
    net::Context::Ptr context = Poco::makeAuto<net::Context>(net::Context::TLS_SERVER_USE, params);
    context->requireMinimumProtocol(net::Context::PROTO_TLSV1_2);
    context->preferServerCiphers();
    context->disableStatelessSessionResumption();
    context->enableExtendedCertificateVerification(false);  // clients have no host name to match
    context->ignoreUnexpectedEof(true);
    SSL_CTX_set_mode(context->sslContext(), SSL_MODE_RELEASE_BUFFERS);  // thousands are silent
    identity->use_in(context->sslContext());
    net::SecureServerSocket socket(context);
    socket.bind(address, true, false);
    socket.listen(kBacklog);
    return net::ServerSocket(socket);
  } catch (const net::NetException& exception) {
    const bool tls = dynamic_cast<const net::SSLException*>(&exception) != nullptr;
    return Unexpected(tls ? ErrorCode::invalid : ErrorCode::unavailable,
                      "http: can't listen on " + options.host + ":" + std::to_string(options.port) +
                          ": " + exception.displayText());
  } catch (const Poco::Exception& exception) {
    return Unexpected(ErrorCode::invalid, "http: can't listen on " + options.host + ":" +
                                              std::to_string(options.port) + ": " +
                                              exception.displayText());
  }
}

}  // namespace

Listener::Listener(const net::ServerSocket& socket, std::uint16_t port)
    : socket_(std::make_unique<net::ServerSocket>(socket)), port_(port) {}

Listener::~Listener() = default;

Result<std::unique_ptr<Listener>> Listener::open(const ServerOptions& options,
                                                 const TlsIdentity* identity) {
  const Result<net::ServerSocket> socket = listen_on(options, identity);
  if (!socket) {
    return Unexpected(socket.error());
  }
  const std::uint16_t port = options.unix_socket.empty() ? socket->address().port() : 0;
  return std::unique_ptr<Listener>(new Listener(*socket, port));
}

int Listener::fd() const { return socket_->impl()->sockfd(); }

std::unique_ptr<Session> Listener::accept() {
  try {
    return std::make_unique<Session>(socket_->acceptConnection());
  } catch (const Poco::Exception&) {
    return nullptr;
  }
}

}  // namespace kpay::http
