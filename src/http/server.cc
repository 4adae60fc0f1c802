// The threads of the server and what they do with a connection in one turn.
#include "http/server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>
#include <vector>

#include "base/check.h"
#include "base/time.h"
#include "http/broadcaster.h"
#include "http/exchange.h"
#include "http/listener.h"
#include "http/parking.h"
#include "http/session.h"
#include "http/tls.h"
#include "telemetry/telemetry.h"

namespace kpay::http {
namespace {

constexpr int kLookMs = 50;  // how often somebody looks whose time is over

// A peer that goes away while it is written to is an error of that write.
void ignore_broken_pipes() {
  sigset_t signals{};
  sigemptyset(&signals);
  sigaddset(&signals, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

}  // namespace

class Server::Impl {
 public:
  Impl(ServerOptions options, Router router, std::unique_ptr<Listener> listener,
       std::unique_ptr<TlsIdentity> identity);
  ~Impl();

  [[nodiscard]] std::uint16_t port() const { return port_; }
  Result<bool> refresh_tls() { return identity_ == nullptr ? false : identity_->refresh(); }
  bool stop();

 private:
  struct Connection;
  class Place;

  void welcome_all();
  void welcome();
  void work();
  void add_worker();

  bool serve(Connection& connection);
  bool read(Connection& connection);
  bool wait_for_more(Connection& connection, const Problem& when_late);
  bool begin_body(Connection& connection, const std::string& text);
  bool answer(Connection& connection, Outcome outcome);
  void observe(const Connection& connection, const Outcome& outcome);
  bool refuse(Connection& connection, const Problem& problem);
  void note_refused(const std::string& remote, int status, const std::string& reason);

  void count_connections(double change);
  [[nodiscard]] std::size_t connections();
  [[nodiscard]] bool is_stopping();

  ServerOptions options_;
  const std::size_t connections_max_;
  const std::unique_ptr<TlsIdentity> identity_;  // null: in the clear
  Router router_;
  std::mutex mutex_;  // guards connections_, workers_ and stopping_
  std::condition_variable left_;
  std::set<int> connections_;
  bool stopping_ = false;
  std::unique_ptr<Listener> listener_;
  const std::uint16_t port_;
  const int wake_;
  Parking parking_;
  std::atomic<std::size_t> free_ = 0;  // workers
  std::vector<std::thread> workers_;
  std::thread door_;
};

// A connection's place among those that stop() knows. It ends BEFORE the descriptor is closed,
// whose number may be used again at once.
class Server::Impl::Place {
 public:
  Place(Impl& server, int fd) : server_(server), fd_(fd) {
    const std::lock_guard lock(server_.mutex_);
    server_.connections_.insert(fd_);
    server_.count_connections(1);
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

// What is known of a connection between two turns.
struct Server::Impl::Connection final : Parked {
  Connection(Impl& server, std::unique_ptr<Session> its, std::int64_t patience_ms)
      : session(std::move(its)),
        place(std::make_unique<Place>(server, session->fd())),
        until_ms(opened_ms + patience_ms) {}

  [[nodiscard]] int fd() const override { return session->fd(); }
  [[nodiscard]] std::size_t bytes() const override { return session->held() + request.body.size(); }

  std::unique_ptr<Session> session;
  std::unique_ptr<Place> place;
  const std::int64_t opened_ms = monotonic_ms();
  std::string principal;
  bool known = false;  ///< the handshake is over
  std::optional<Head> head;
  Request request;            ///< as far as it has come
  std::int64_t began_ms = 0;  ///< its head, or its body; 0: there is none
  Parking::As as = Parking::As::idle;
  std::int64_t until_ms;  ///< how long it may be parked
};

Server::Impl::Impl(ServerOptions options, Router router, std::unique_ptr<Listener> listener,
                   std::unique_ptr<TlsIdentity> identity)
    : options_(std::move(options)),
      connections_max_(share_of_descriptors(options_.connections_max)),
      identity_(std::move(identity)),
      router_(std::move(router)),
      listener_(std::move(listener)),
      port_(listener_->port()),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  check(wake_ >= 0, "a process can have one more descriptor for a server");
  add_worker();
  door_ = std::thread([this] { welcome_all(); });
}

Server::Impl::~Impl() {
  stop();
  for (std::thread& worker : workers_) {
    worker.join();
  }
  ::close(wake_);
}

void Server::Impl::count_connections(double change) {
  if (options_.telemetry != nullptr) {
    options_.telemetry->metrics().gauge(telemetry::families::http_connections).add(change);
  }
}

std::size_t Server::Impl::connections() {
  const std::lock_guard lock(mutex_);
  return connections_.size();
}

bool Server::Impl::is_stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

bool Server::Impl::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  const std::uint64_t one = 1;
  (void)!::write(wake_, &one, sizeof one);
  if (door_.joinable()) {
    door_.join();
    if (!options_.unix_socket.empty()) {
      ::unlink(options_.unix_socket.c_str());
    }
    listener_.reset();  // the path may be another process's from now on
  }
  parking_.finish();
  std::unique_lock lock(mutex_);
  const bool finished = left_.wait_for(lock, std::chrono::milliseconds(limits::stop_ms_max),
                                       [this] { return connections_.empty(); });
  lock.unlock();
  parking_.close();  // each one's Place takes the lock
  lock.lock();
  for (const int fd : connections_) {
    ::shutdown(fd, SHUT_RDWR);  // on the bare descriptor: its session is another thread's
  }
  return finished;
}

// The door's thread: lets new connections in, and sees to those whose time is over.
void Server::Impl::welcome_all() {
  ignore_broken_pipes();
  std::int64_t looked_ms = monotonic_ms();
  for (;;) {
    std::array<pollfd, 2> polled{{{listener_->fd(), POLLIN, 0}, {wake_, POLLIN, 0}}};
    ::poll(polled.data(), polled.size(), kLookMs);
    if (is_stopping()) {
      return;
    }
    if ((polled[0].revents & POLLIN) != 0) {
      welcome();
    }
    if (const std::int64_t now_ms = monotonic_ms(); now_ms - looked_ms >= kLookMs) {
      parking_.sweep(now_ms);
      looked_ms = now_ms;
    }
  }
}

void Server::Impl::welcome() {
  std::unique_ptr<Session> session = listener_->accept();
  if (session == nullptr) {
    pollfd stopped{wake_, POLLIN, 0};
    if (!parking_.close_oldest()) {
      ::poll(&stopped, 1, kLookMs);  // until somebody else needs less
    }
    return;
  }
  if (connections() >= connections_max_ && !parking_.close_oldest()) {
    return;  // everybody else has asked something: this one is closed unanswered
  }
  auto connection =
      std::make_unique<Connection>(*this, std::move(session), options_.receive_ms_max);
  const std::int64_t until_ms = connection->until_ms;
  parking_.park(std::move(connection), Parking::As::idle, until_ms);
}

void Server::Impl::add_worker() {
  const std::lock_guard lock(mutex_);
  if (stopping_ || workers_.size() >= options_.threads) {
    return;
  }
  ++free_;
  try {
    workers_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {
    --free_;  // those that are there do it
  }
}

void Server::Impl::work() {
  ignore_broken_pipes();
  for (;;) {
    std::unique_ptr<Parked> parked = parking_.take();
    if (parked == nullptr) {
      return;
    }
    if (--free_ == 0) {
      add_worker();
    }
    std::unique_ptr<Connection> connection(static_cast<Connection*>(parked.release()));
    if (serve(*connection)) {
      const Parking::As as = connection->as;
      const std::int64_t until_ms = connection->until_ms;
      parking_.park(std::move(connection), as, until_ms);
    }
    connection.reset();
    ++free_;
  }
}

// One turn: what has come is read, and answered when it is a whole request. False when the
// connection is over.
bool Server::Impl::serve(Connection& connection) {
  if (connection.known) {
    return read(connection);
  }
  std::string why;
  switch (connection.session->shake_hands(why)) {
    case Session::Read::done:
      connection.known = true;
      connection.principal = connection.session->principal();
      return read(connection);
    case Session::Read::more: return true;  // its time goes on
    default:
      if (!why.empty()) {
        note_refused(connection.session->remote(), 0, "TLS: " + why);
      }
      return false;
  }
}

bool Server::Impl::read(Connection& connection) {
  Session& session = *connection.session;
  if (!connection.head) {
    std::string text;
    const Session::Read head = session.read_head(text);
    if (head == Session::Read::more && session.held() == 0) {
      connection.as = Parking::As::idle;  // empty lines are nothing; its time goes on
      return true;
    }
    if (head == Session::Read::more) {
      return wait_for_more(connection,
                           {.status = 408, .detail = "The request's head took too long."});
    }
    if (head == Session::Read::too_large) {
      return refuse(connection,
                    {.status = 431,
                     .detail = "The request's head is too large: at most " +
                               std::to_string(limits::head_bytes_max) + " bytes are taken."});
    }
    if (head == Session::Read::closed || !begin_body(connection, text)) {
      return false;
    }
  }
  const Session::Read body =
      session.read_body(connection.request.body, connection.head->body_bytes);
  if (body == Session::Read::more) {
    return wait_for_more(connection,
                         {.status = 408, .detail = "The request's body took too long."});
  }
  return body == Session::Read::done &&
         answer(connection,
                dispatch(router_, *connection.head, std::exchange(connection.request, {})));
}

// False when it was refused: `when_late`, or too much of others' requests is held already.
bool Server::Impl::wait_for_more(Connection& connection, const Problem& when_late) {
  const std::int64_t now_ms = monotonic_ms();
  if (connection.began_ms == 0) {
    connection.began_ms = now_ms;
  } else if (connection.as == Parking::As::half && now_ms >= connection.until_ms) {
    return refuse(connection, when_late);
  }
  if (parking_.bytes() + connection.bytes() > limits::unfinished_bytes_max) {
    return refuse(connection, {.status = 503, .detail = "Too many unfinished requests are held."});
  }
  connection.as = Parking::As::half;
  connection.until_ms =
      std::min(connection.began_ms + options_.request_ms_max, now_ms + options_.receive_ms_max);
  return true;
}

bool Server::Impl::begin_body(Connection& connection, const std::string& text) {
  std::variant<Head, Problem> parsed = parse_head(text, options_.body_bytes_max);
  if (const auto* problem = std::get_if<Problem>(&parsed)) {
    return refuse(connection, *problem);
  }
  connection.head = std::get<Head>(std::move(parsed));
  connection.as = Parking::As::idle;
  connection.began_ms = monotonic_ms();
  connection.request.remote = connection.session->remote();
  connection.request.principal = connection.principal;
  return !connection.head->expects_continue || connection.head->body_bytes == 0 ||
         connection.session->send("HTTP/1.1 100 Continue\r\n\r\n", options_.receive_ms_max);
}

// False when the connection is to be closed, or is a broadcaster's now.
bool Server::Impl::answer(Connection& connection, Outcome outcome) {
  const std::int64_t age_ms = monotonic_ms() - connection.opened_ms;
  const bool keep =
      connection.head->keep_alive && age_ms < limits::kept_age_ms_max && !is_stopping();
  const std::shared_ptr<Broadcaster> stream = outcome.response.stream;
  if (stream != nullptr && !stream->has_room()) {
    outcome.response = problem_response({.status = 503, .detail = "No more streams are served."});
  }
  const int status = outcome.response.status;
  std::string text = response_head(outcome.response, keep);
  if (connection.head->method != "HEAD" && status != 204 && status != 304) {
    text += outcome.response.body;
  }
  observe(connection, outcome);
  const bool sent = connection.session->send(text, options_.receive_ms_max);
  if (sent && outcome.response.stream != nullptr) {
    connection.place.reset();
    stream->take(connection.session->into_line());
    return false;
  }
  connection.head.reset();
  connection.began_ms = 0;
  connection.as = connection.session->has_more() ? Parking::As::ready : Parking::As::idle;
  connection.until_ms = monotonic_ms() + limits::keep_alive_ms;
  return sent && keep;
}

void Server::Impl::observe(const Connection& connection, const Outcome& outcome) {
  if (outcome.failed) {
    note_refused(connection.session->remote(), 500, outcome.route + ": the handler threw");
  }
  if (options_.telemetry == nullptr) {
    return;
  }
  namespace families = telemetry::families;
  telemetry::Metrics& metrics = options_.telemetry->metrics();
  metrics
      .counter(families::http_requests_total, {outcome.route, method_label(connection.head->method),
                                               std::to_string(outcome.response.status)})
      .add();
  metrics.histogram(families::http_seconds, {outcome.route})
      .observe(static_cast<double>(monotonic_ms() - connection.began_ms) / 1000.0);
}

// Answers what is not a request that a handler could see. The peer may still be sending: its
// bytes are read for a moment, so that the reset which follows does not destroy the answer.
bool Server::Impl::refuse(Connection& connection, const Problem& problem) {
  note_refused(connection.session->remote(), problem.status, problem.detail);
  const Response response = problem_response(problem);
  connection.session->send(response_head(response, false) + response.body, options_.receive_ms_max);
  connection.session->drain(parking_.is_waited_for() ? 0 : limits::refuse_drain_ms);
  return false;
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
  Result<std::unique_ptr<Listener>> listener = Listener::open(options, identity.get());
  if (!listener) {
    return Unexpected(listener.error());
  }
  auto impl = std::make_unique<Impl>(std::move(options), std::move(router), *std::move(listener),
                                     std::move(identity));
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;
std::uint16_t Server::port() const noexcept { return impl_->port(); }
bool Server::stop() { return impl_->stop(); }
Result<bool> Server::refresh_tls() { return impl_->refresh_tls(); }

}  // namespace kpay::http
