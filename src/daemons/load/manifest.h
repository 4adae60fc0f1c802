// Manifest: the small file that makes loading a file again harmless. It fixes what the payments'
// ids are made of, and from where their results are to be read. It is on disk BEFORE the first
// payment is sent, so that a load that was cut off goes on with the same ids.
//
// JSON, version 1; docs/kpay-load.md has its members.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "base/time.h"
#include "base/uuid.h"

namespace kpay::load {

struct Manifest {
  Timestamp started;       ///< of the first load; the creation time of all ids
  std::uint64_t salt = 0;  ///< so that two files may use the same ids
  std::string file_name;   ///< without folders, for people
  std::uint64_t file_bytes = 0;
  Hash128 file_hash;
  Uuid incoming_id;                     ///< the topic that the payments went to
  std::vector<std::int64_t> confirmed;  ///< ends of payments.confirmed before the first send
  std::vector<std::int64_t> failed;

  friend bool operator==(const Manifest&, const Manifest&) = default;
};

/// The payment's id: the same for the same manifest and text, always.
[[nodiscard]] Uuid payment_id(const Manifest& manifest, std::string_view id) noexcept;

/// Errors: not_found, io, corrupt (no manifest of this version).
[[nodiscard]] Result<Manifest> read_manifest(const std::string& path);
/// On disk when it returns; whole or not at all. Errors: io.
[[nodiscard]] Result<void> write_manifest(const std::string& path, const Manifest& manifest);

/// Whether the file may be loaded (again) with it. Errors: conflict, with what to do: the file was
/// changed, went to another system, or its ids are older than kpay remembers.
[[nodiscard]] Result<void> check_manifest(const std::string& path, const Manifest& known,
                                          const Manifest& now);

}  // namespace kpay::load
