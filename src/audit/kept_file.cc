#include "audit/kept_file.h"

#include "base/hash.h"

namespace kpay::audit {

namespace {

constexpr std::string_view kMagic = "KPAYAUDIT";
constexpr std::size_t kChecksumBytes = 16;

Unexpected other(const std::string& what) {
  return Unexpected(ErrorCode::conflict, "it is of " + what);
}

}  // namespace

Bytes make_kept_file(const KeptIdentity& identity, ByteView state) {
  Bytes file;
  ByteWriter out(file);
  out.raw(as_bytes(kMagic));
  out.put(kKeptVersion);
  out.sized(identity.cluster_id);
  out.put(identity.partitions);
  out.put(static_cast<std::uint32_t>(identity.topic_ids.size()));
  for (const Uuid& id : identity.topic_ids) {
    out.raw(id.view());
  }
  out.put(static_cast<std::uint64_t>(state.size()));
  out.raw(state);
  put(out, hash128(file));
  return file;
}

Result<ByteView> read_kept_file(const KeptIdentity& identity, ByteView file) {
  const auto damaged = [] { return Unexpected(ErrorCode::corrupt, "it is damaged or cut off"); };
  if (file.size() < kMagic.size() + kChecksumBytes ||
      as_text(file.first(kMagic.size())) != kMagic) {
    return damaged();
  }
  ByteReader end(file.last(kChecksumBytes));
  const ByteView body = file.first(file.size() - kChecksumBytes);
  if (get_hash128(end) != hash128(body)) {
    return damaged();
  }
  ByteReader in(body.subspan(kMagic.size()));
  if (const auto version = in.get<std::uint32_t>(); version != kKeptVersion) {
    return other("version " + std::to_string(version) + ", this auditor has " +
                 std::to_string(kKeptVersion));
  }
  if (const std::string cluster = in.text(); cluster != identity.cluster_id) {
    return other("cluster " + cluster + ", this is " + identity.cluster_id);
  }
  if (const auto partitions = in.get<std::int32_t>(); partitions != identity.partitions) {
    return other(std::to_string(partitions) + " partitions, the topics have " +
                 std::to_string(identity.partitions));
  }
  bool same = in.get<std::uint32_t>() == identity.topic_ids.size();
  for (std::size_t i = 0; same && i < identity.topic_ids.size(); ++i) {
    same = equal(in.raw(16), identity.topic_ids[i].view());
  }
  if (!same) {
    return other("topics that were made anew since (their ids differ)");
  }
  const auto size = in.get<std::uint64_t>();
  const ByteView state = in.raw(static_cast<std::size_t>(size));
  return in.done() ? Result<ByteView>(state) : Result<ByteView>(damaged());
}

}  // namespace kpay::audit
