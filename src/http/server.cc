// The sockets and threads of the server, by Poco, whose exceptions end here.
#include "http/server.h"

#include <Poco/Exception.h>
#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/HTTPServerSession.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/SSLException.h>
#include <Poco/Net/SecureStreamSocket.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/TCPServer.h>
#include <Poco/Net/TCPServerConnection.h>
#include <Poco/Net/TCPServerConnectionFactory.h>
#include <Poco/SharedPtr.h>
#include <Poco/ThreadPool.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>

#include "base/time.h"
#include "http/broadcaster.h"
#include "http/exchange.h"
#include "http/listener.h"
#include "http/tls.h"
#include "telemetry/telemetry.h"

namespace kpay::http {
namespace {

namespace net = Poco::Net;

Poco::Timespan span_of(std::int64_t ms) {
  return Poco::Timespan(ms * Poco::Timespan::MILLISECONDS);
}

// One connection's reads and writes, each with a deadline that no slow peer can stretch.
class Session : public net::HTTPServerSession {
 public:
  enum class Read { done, closed, too_large, late };

  /// `crowded`: others wait for a thread.
  Session(const net::StreamSocket& socket, const net::HTTPServerParams::Ptr& params,
          std::int64_t request_ms_max, std::function<bool()> crowded)
      : HTTPServerSession(socket, params),
        request_ms_max_(request_ms_max),
        crowded_(std::move(crowded)) {}

  /// Waits for a byte to read. False: there is none, or the connection is needed for others.
  bool wait(std::int64_t ms_max) {
    constexpr std::int64_t kSliceMs = 50;
    const std::int64_t begin_ms = monotonic_ms();
    while (buffered() == 0 && socket().available() == 0) {
      const std::int64_t waited_ms = monotonic_ms() - begin_ms;
      if (waited_ms >= ms_max || (waited_ms >= limits::crowded_ms_max && crowded_())) {
        return false;
      }
      if (socket().poll(span_of(std::min(kSliceMs, ms_max - waited_ms)),
                        net::Socket::SELECT_READ)) {
        return true;
      }
    }
    return true;
  }

  Read read_head(std::string& head) {
    const std::int64_t begin_ms = monotonic_ms();
    try {
      while (!head.ends_with("\r\n\r\n")) {
        const bool blocks = buffered() == 0;
        if (blocks && !wait(getTimeout().totalMilliseconds())) {
          return head.empty() ? Read::closed : Read::late;
        }
        const int c = get();
        if (c == std::char_traits<char>::eof()) {
          return Read::closed;
        }
        head += static_cast<char>(c);
        if (head == "\r\n") {
          head.clear();  // an empty line before a request is allowed (RFC 9112, 2.2)
        }
        if (head.size() > limits::head_bytes_max) {
          return Read::too_large;
        }
        if (blocks && is_late(begin_ms, limits::crowded_ms_max)) {
          return Read::late;
        }
      }
    } catch (const Poco::TimeoutException&) {
      return head.empty() ? Read::closed : Read::late;
    }
    return Read::done;
  }

  Read read_body(std::string& body, std::uint64_t size) {
    const std::int64_t begin_ms = monotonic_ms();
    char buffer[16384];
    try {
      while (body.size() < size) {
        const std::uint64_t left = size - body.size();
        const auto most =
            static_cast<std::streamsize>(std::min<std::uint64_t>(left, sizeof buffer));
        const int count = read(buffer, most);
        if (count <= 0) {
          return Read::closed;
        }
        body.append(buffer, static_cast<std::size_t>(count));
        if (body.size() < size && is_late(begin_ms, limits::crowded_body_ms_max)) {
          return Read::late;
        }
      }
    } catch (const Poco::TimeoutException&) {
      return Read::late;
    }
    return Read::done;
  }

  // False when the peer took too long to take it. Throws when the connection is gone.
  bool send(std::string_view text) {
    constexpr std::size_t kPiece = 16384;
    const std::int64_t deadline = monotonic_ms() + limits::send_ms_max;
    while (!text.empty()) {
      const std::string_view piece = text.substr(0, kPiece);
      const int sent = write(piece.data(), static_cast<std::streamsize>(piece.size()));
      if (sent <= 0 || monotonic_ms() > deadline) {
        return false;
      }
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

 private:
  [[nodiscard]] bool is_late(std::int64_t begin_ms, std::int64_t crowded_ms_max) const {
    const std::int64_t taken_ms = monotonic_ms() - begin_ms;
    return taken_ms > request_ms_max_ || (taken_ms > crowded_ms_max && crowded_());
  }

  std::int64_t request_ms_max_;
  std::function<bool()> crowded_;
};

net::HTTPServerParams::Ptr session_params(const ServerOptions& options) {
  net::HTTPServerParams::Ptr params = Poco::makeAuto<net::HTTPServerParams>();
  params->setMaxThreads(static_cast<int>(options.threads));
  params->setMaxQueued(static_cast<int>(limits::queued_connections));
  params->setTimeout(span_of(options.receive_ms_max));
  params->setKeepAlive(true);
  params->setKeepAliveTimeout(span_of(limits::keep_alive_ms));
  params->setMaxKeepAliveRequests(limits::keep_alive_requests_max);
  return params;
}

// The TLS handshake; gives the common name of the client's certificate, empty without one.
std::string shake_hands(Session& session) {
  net::SecureStreamSocket secure(session.socket());
  secure.completeHandshake();
  return secure.havePeerCertificate() ? secure.peerCertificate().commonName() : "";
}

}  // namespace

class Server::Impl {
 public:
  Impl(ServerOptions options, Router router, const net::ServerSocket& socket,
       std::unique_ptr<TlsIdentity> identity);
  ~Impl();

  [[nodiscard]] std::uint16_t port() const { return port_; }
  Result<bool> refresh_tls() { return identity_ == nullptr ? false : identity_->refresh(); }
  bool stop();

 private:
  class Connection;
  class Factory;

  class Place;

  void shut_down(int how);
  void count_connections(double change);

  [[nodiscard]] std::string principal_of(Session& session) const;
  void serve(net::StreamSocket& socket);
  bool serve_one(Session& session, const std::string& principal);
  bool answer(Session& session, const Head& head, Outcome outcome, std::int64_t begin_ms);
  void refuse(Session& session, const Problem& problem);
  void note_refused(const std::string& remote, int status, const std::string& reason);
  [[nodiscard]] bool is_stopping();

  ServerOptions options_;
  const std::unique_ptr<TlsIdentity> identity_;  // null: in the clear
  Router router_;
  net::HTTPServerParams::Ptr params_;
  std::mutex mutex_;  // guards connections_ and stopping_
  std::condition_variable left_;
  std::set<int> connections_;
  bool stopping_ = false;
  bool closed_ = false;  // the path may be another process's by now
  net::ServerSocket socket_;
  std::uint16_t port_;
  Poco::ThreadPool pool_;
  net::TCPServer tcp_;
};

class Server::Impl::Connection final : public net::TCPServerConnection {
 public:
  Connection(const net::StreamSocket& socket, Impl& server)
      : TCPServerConnection(socket), server_(server) {}

  void run() override { server_.serve(socket()); }

 private:
  Impl& server_;
};

class Server::Impl::Factory final : public net::TCPServerConnectionFactory {
 public:
  explicit Factory(Impl& server) : server_(server) {}

  net::TCPServerConnection* createConnection(const net::StreamSocket& socket) override {
    return std::make_unique<Connection>(socket, server_).release();
  }

 private:
  Impl& server_;
};

Server::Impl::Impl(ServerOptions options, Router router, const net::ServerSocket& socket,
                   std::unique_ptr<TlsIdentity> identity)
    : options_(std::move(options)),
      identity_(std::move(identity)),
      router_(std::move(router)),
      params_(session_params(options_)),
      socket_(socket),
      port_(options_.unix_socket.empty() ? socket.address().port() : 0),
      pool_("http", 1, static_cast<int>(options_.threads) + 1),
      tcp_(Poco::makeShared<Factory>(*this), pool_, socket, params_) {
  tcp_.start();
}

Server::Impl::~Impl() {
  stop();
  pool_.joinAll();
}

// A connection's place among those that stop() knows. It ends BEFORE the descriptor is closed,
// whose number may be used again at once.
class Server::Impl::Place {
 public:
  Place(Impl& server, int fd) : server_(server), fd_(fd) {
    const std::lock_guard lock(server_.mutex_);
    server_.connections_.insert(fd_);
    server_.count_connections(1);
    if (server_.stopping_) {
      ::shutdown(fd_, SHUT_RD);  // it came too late for stop() to do so
    }
  }
  ~Place() {
    const std::lock_guard lock(server_.mutex_);
    server_.connections_.erase(fd_);
    server_.count_connections(-1);
    server_.left_.notify_all();
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  Impl& server_;
  int fd_;
};

void Server::Impl::count_connections(double change) {
  if (options_.telemetry != nullptr) {
    options_.telemetry->metrics().gauge(telemetry::families::http_connections).add(change);
  }
}

// On the bare descriptors: a TLS shutdown would need the connection's own thread.
void Server::Impl::shut_down(int how) {
  for (const int fd : connections_) {
    ::shutdown(fd, how);
  }
}

bool Server::Impl::is_stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

bool Server::Impl::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    shut_down(SHUT_RD);  // whoever waits for a request stops waiting
  }
  tcp_.stop();
  if (!options_.unix_socket.empty() && !closed_) {
    ::unlink(options_.unix_socket.c_str());
  }
  closed_ = true;
  socket_.close();
  std::unique_lock lock(mutex_);
  const auto nobody = [this] { return connections_.empty(); };
  const bool finished =
      left_.wait_for(lock, std::chrono::milliseconds(limits::stop_ms_max), nobody);
  shut_down(SHUT_RDWR);
  return finished;
}

std::string Server::Impl::principal_of(Session& session) const {
  if (!options_.unix_socket.empty()) {
    ucred peer{};
    socklen_t size = sizeof peer;
    ::getsockopt(session.socket().impl()->sockfd(), SOL_SOCKET, SO_PEERCRED, &peer, &size);
    return "uid " + std::to_string(peer.uid);
  }
  return options_.tls ? shake_hands(session) : "";
}

void Server::Impl::serve(net::StreamSocket& socket) {
  std::string remote;
  try {
    remote = socket.peerAddress().toString();
    Session session(socket, params_, options_.request_ms_max,
                    [this] { return tcp_.queuedConnections() > 0; });
    const Place place(*this, socket.impl()->sockfd());
    session.socket().setSendTimeout(span_of(options_.receive_ms_max));
    bool more = session.wait(options_.receive_ms_max) && session.hasMoreRequests();
    if (more && tcp_.queuedConnections() > 0) {  // a handshake that stalls is cut as early
      session.socket().setReceiveTimeout(span_of(limits::crowded_ms_max));
    }
    const std::string principal = more ? principal_of(session) : "";
    session.socket().setReceiveTimeout(span_of(options_.receive_ms_max));
    while (more) {
      more = serve_one(session, principal) && session.wait(limits::keep_alive_ms) &&
             session.hasMoreRequests();
    }
  } catch (const net::SSLException& exception) {
    note_refused(remote, 0, "TLS: " + exception.displayText());
  } catch (const Poco::Exception&) {
    // The peer went away in the middle of an answer: nobody is left to tell.
  }
}

bool Server::Impl::serve_one(Session& session, const std::string& principal) {
  std::string text;
  const Session::Read head_read = session.read_head(text);
  const std::int64_t begin_ms = monotonic_ms();
  if (head_read == Session::Read::closed) {
    return false;
  }
  if (head_read == Session::Read::late) {
    refuse(session, {.status = 408, .detail = "The request's head took too long."});
    return false;
  }
  if (head_read == Session::Read::too_large) {
    refuse(session, {.status = 431,
                     .detail = "The request's head is too large: at most " +
                               std::to_string(limits::head_bytes_max) + " bytes are taken."});
    return false;
  }
  const std::variant<Head, Problem> parsed = parse_head(text, options_.body_bytes_max);
  if (const auto* problem = std::get_if<Problem>(&parsed)) {
    refuse(session, *problem);
    return false;
  }
  const Head& head = std::get<Head>(parsed);
  if (head.expects_continue && head.body_bytes > 0) {
    session.send("HTTP/1.1 100 Continue\r\n\r\n");
  }
  Request request;
  request.remote = session.clientAddress().toString();
  request.principal = principal;
  const Session::Read body_read = session.read_body(request.body, head.body_bytes);
  if (body_read == Session::Read::late) {
    refuse(session, {.status = 408, .detail = "The request's body took too long."});
  }
  return body_read == Session::Read::done &&
         answer(session, head, dispatch(router_, head, std::move(request)), begin_ms);
}

// False when the connection is to be closed, or is a broadcaster's now.
bool Server::Impl::answer(Session& session, const Head& head, Outcome outcome,
                          std::int64_t begin_ms) {
  const bool keep = head.keep_alive && !is_stopping() && tcp_.queuedConnections() == 0;
  session.setKeepAlive(keep);
  const std::shared_ptr<Broadcaster> stream = outcome.response.stream;
  if (stream != nullptr && !stream->has_room()) {
    outcome.response = problem_response({.status = 503, .detail = "No more streams are served."});
  }
  std::string text = response_head(outcome.response, keep);
  if (head.method != "HEAD" && outcome.response.status != 204 && outcome.response.status != 304) {
    text += outcome.response.body;
  }
  if (outcome.failed) {
    note_refused(session.clientAddress().toString(), 500, outcome.route + ": the handler threw");
  }
  if (options_.telemetry != nullptr) {
    namespace families = telemetry::families;
    telemetry::Metrics& metrics = options_.telemetry->metrics();
    metrics
        .counter(families::http_requests_total, {outcome.route, method_label(head.method),
                                                 std::to_string(outcome.response.status)})
        .add();
    metrics.histogram(families::http_seconds, {outcome.route})
        .observe(static_cast<double>(monotonic_ms() - begin_ms) / 1000.0);
  }
  const bool sent = session.send(text);
  if (sent && outcome.response.stream != nullptr) {
    if (identity_ != nullptr) {
      stream->take(tls_line(session.detachSocket()));
    } else {
      stream->take(::dup(session.socket().impl()->sockfd()));
    }
  }
  return sent && keep && outcome.response.stream == nullptr;
}

// Answers what is not a request that a handler could see. The peer may still be sending: its
// bytes are read for a moment, so that the reset which follows does not destroy the answer.
void Server::Impl::refuse(Session& session, const Problem& problem) {
  note_refused(session.clientAddress().toString(), problem.status, problem.detail);
  const Response response = problem_response(problem);
  session.send(response_head(response, false) + response.body);
  session.socket().shutdownSend();
  session.socket().setReceiveTimeout(span_of(limits::refuse_drain_ms / 10));
  char buffer[16384];
  const std::int64_t deadline =
      monotonic_ms() + (tcp_.queuedConnections() > 0 ? 0 : limits::refuse_drain_ms);
  std::size_t dropped = 0;
  while (monotonic_ms() < deadline && dropped < limits::refuse_drain_bytes) {
    const int received = session.socket().receiveBytes(buffer, sizeof buffer);
    if (received <= 0) {
      return;
    }
    dropped += static_cast<std::size_t>(received);
  }
}

void Server::Impl::note_refused(const std::string& remote, int status, const std::string& reason) {
  if (options_.telemetry == nullptr) {
    return;
  }
  options_.telemetry->emit(telemetry::HttpRequestRefused{remote, status, reason});
  if (status != 0 && status != 500) {
    options_.telemetry->metrics()
        .counter(telemetry::families::http_requests_total,
                 {"refused", "other", std::to_string(status)})
        .add();
  }
}

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, Router router) {
  std::unique_ptr<TlsIdentity> identity;
  if (options.tls && options.unix_socket.empty()) {
    Result<std::unique_ptr<TlsIdentity>> read =
        TlsIdentity::read(options.tls->certificate_file, options.tls->key_file);
    if (!read) {
      return Unexpected(read.error());
    }
    identity = *std::move(read);
  }
  Result<std::shared_ptr<net::ServerSocket>> socket = listen(options, identity.get());
  if (!socket) {
    return Unexpected(socket.error());
  }
  auto impl =
      std::make_unique<Impl>(std::move(options), std::move(router), **socket, std::move(identity));
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;
std::uint16_t Server::port() const noexcept { return impl_->port(); }
bool Server::stop() { return impl_->stop(); }
Result<bool> Server::refresh_tls() { return impl_->refresh_tls(); }

}  // namespace kpay::http
