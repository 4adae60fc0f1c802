// Proposal: operators' records in a file, so that a second person can look at them and sign (R12).
//
// A JSON document: the topic, and its records in order, their bytes in hexadecimal. Whoever sends
// it needs no key; the signatures are in the records.
#pragma once

#include <string>
#include <vector>

#include "base/signature.h"
#include "kafka/raw_record.h"
#include "stream/operator_record.h"

namespace kpay::ctl {

/// Who signs an operator's record, and whether it is only written down (R12).
struct SigningFlags {
  std::vector<std::string> keys;  ///< files
  std::string propose;            ///< a file; empty: the records are sent
};

/// An operator's record, or a client's bytes that are sent where they belong.
struct ProposedRecord {
  std::int32_t partition = 0;
  Bytes key;
  Bytes value;
  kafka::RecordHeaders headers{};
};

struct Proposal {
  std::string topic;
  std::vector<ProposedRecord> records;
};

/// Errors: not_found, io, invalid (what is wrong, and in which record).
[[nodiscard]] Result<Proposal> read_proposal(const std::string& path);
/// Replaces the file as a whole. Errors: io.
Result<void> write_proposal(const std::string& path, const Proposal& proposal);

/// With the signatures of `keys` beside those that it has; one that is there already stays alone.
[[nodiscard]] stream::OperatorRecord signed_by(stream::OperatorRecord record,
                                               const std::vector<SigningKey>& keys);
/// The keys whose signatures under the record are right.
[[nodiscard]] std::vector<PublicKey> signers_of(const stream::OperatorRecord& record);

/// Errors: as SigningKey::read().
[[nodiscard]] Result<std::vector<SigningKey>> read_keys(const std::vector<std::string>& paths);

}  // namespace kpay::ctl
