// Pen: a person's private key, made from a number: so that the same seed signs the same bytes.
#pragma once

#include <cstdint>
#include <memory>

#include "base/signature.h"

namespace kpay::sim {

class Pen {
 public:
  explicit Pen(std::uint8_t person);

  [[nodiscard]] const PublicKey& key() const noexcept { return key_; }
  [[nodiscard]] Signature sign(ByteView message) const;

 private:
  std::shared_ptr<void> private_;
  PublicKey key_;
};

}  // namespace kpay::sim
