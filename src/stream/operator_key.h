// OperatorKeys: whose signatures count under operators' records (R12), as a table of the tasks that
// read them from outside; and whose no longer do. Without a key, nothing has to be signed.
#pragma once

#include <optional>
#include <string>

#include "base/signature.h"
#include "base/time.h"
#include "stream/table.h"

namespace kpay::stream {

struct OperatorKey {
  std::string owner;  ///< who signs with it
  Timestamp since;    ///< when it was enrolled, or revoked: the task's `now`
};

struct OperatorKeyCodec {
  static void encode_key(const PublicKey& key, ByteWriter& out);
  static std::optional<PublicKey> decode_key(ByteView bytes);
  static void encode(const OperatorKey& row, ByteWriter& out);
  static std::optional<OperatorKey> decode(ByteView bytes);
  static std::optional<PublicKey> key_from_text(std::string_view text);
  static std::string key_text(const PublicKey& key);
  static Fields fields(const OperatorKey& row);
};

using OperatorKeys = Table<PublicKey, OperatorKey, OperatorKeyCodec>;

}  // namespace kpay::stream
