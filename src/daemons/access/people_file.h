// The people's file: one line with a checksum of the rest, then JSON (docs/gateway.md).
#pragma once

#include <string>
#include <string_view>

#include "daemons/access/people.h"

namespace kpay::access {

[[nodiscard]] std::string people_text(const People& people);
/// Errors: corrupt (the checksum is another one), invalid (what is wrong in it).
[[nodiscard]] Result<People> parse_people(std::string_view text);

/// Errors: not_found; refused, when others than its owner and group may read it, or others than
/// its owner write it; io; those of parse_people().
[[nodiscard]] Result<People> read_people(const std::string& path);
/// Replaces the file at once, or leaves it as it is. It keeps its owner and mode; a new one gets
/// mode 0600 and the owner of its folder. Errors: io.
[[nodiscard]] Result<void> write_people(const std::string& path, const People& people);

/// Held by whoever changes the file, so that two changes at a time are both kept.
class PeopleLock {
 public:
  /// Waits for another holder. Errors: io.
  static Result<PeopleLock> take(const std::string& path);
  PeopleLock(PeopleLock&& other) noexcept;
  PeopleLock& operator=(PeopleLock&&) = delete;
  ~PeopleLock();

 private:
  explicit PeopleLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace kpay::access
