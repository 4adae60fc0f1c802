#include "config/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "config/config.h"
#include "config/limits.h"

namespace kpay::config {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

Unexpected system_error(const std::string& path) {
  const int number = errno;
  return Unexpected(number == ENOENT ? ErrorCode::not_found : ErrorCode::io,
                    path + ": " + std::strerror(number));
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t bytes_max) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info {};
  if (file.get() < 0 || ::fstat(file.get(), &info) != 0) {
    return system_error(path);
  }
  if (!S_ISREG(info.st_mode)) {
    return Unexpected(ErrorCode::invalid, path + ": is not a regular file");
  }
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t count = ::read(file.get(), buffer, sizeof buffer);
    if (count < 0) {
      return system_error(path);
    }
    if (count == 0) {
      return text;
    }
    text.append(buffer, static_cast<std::size_t>(count));
    if (text.size() > bytes_max) {
      return Unexpected(ErrorCode::invalid,
                        path + ": is larger than " + std::to_string(bytes_max) + " bytes");
    }
  }
}

Result<std::string> read_secret(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    return system_error(path);
  }
  if ((info.st_mode & S_IROTH) != 0) {
    return Unexpected(ErrorCode::invalid,
                      path + ": every user can read this secret; set its mode to 0600 or 0640");
  }
  Result<std::string> text = read_file(path, limits::secret_bytes_max);
  if (!text) {
    return text;
  }
  if (text->ends_with('\n')) {
    text->pop_back();
  }
  if (text->empty() || text->find_first_of("\r\n") != std::string::npos) {
    return Unexpected(ErrorCode::invalid, path + ": a secret is one line that is not empty");
  }
  return text;
}

}  // namespace kpay::config
