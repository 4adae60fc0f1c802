// Scratch: the memory that a codec's messages live in, used again for each event. Private to wire.
#pragma once

#include <google/protobuf/arena.h>
#include <google/protobuf/message_lite.h>

#include <array>
#include <climits>
#include <memory>

#include "base/bytes.h"
#include "base/check.h"

namespace kpay::wire {

class Scratch {
 public:
  /// The message that `payload` holds, or null. Valid until the next parse().
  template <class Message>
  [[nodiscard]] const Message* parse(ByteView payload) {
    in_.arena.Reset();
    auto* message = google::protobuf::Arena::CreateMessage<Message>(&in_.arena);
    if (payload.size() > static_cast<std::size_t>(INT_MAX) ||
        !message->ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
      return nullptr;
    }
    return message;
  }

  /// A new message to be filled in and given to serialize().
  template <class Message>
  [[nodiscard]] Message* make() {
    out_.arena.Reset();
    return google::protobuf::Arena::CreateMessage<Message>(&out_.arena);
  }

  /// Valid until the next serialize().
  [[nodiscard]] ByteView serialize(const google::protobuf::MessageLite& message) {
    const std::size_t size = message.ByteSizeLong();
    if (bytes_.size() < size) {
      bytes_.resize(size);
    }
    auto* const begin = reinterpret_cast<std::uint8_t*>(bytes_.data());
    const std::uint8_t* const end = message.SerializeWithCachedSizesToArray(begin);
    check(end == begin + size, "a message is as long as it said");
    return ByteView(bytes_).first(size);
  }

 private:
  struct Memory {
    Memory() : arena(options(*this)) {}

    static google::protobuf::ArenaOptions options(Memory& self) {
      google::protobuf::ArenaOptions options;
      options.initial_block = self.block.data();
      options.initial_block_size = self.block.size();
      return options;
    }

    alignas(16) std::array<char, 4096> block;
    google::protobuf::Arena arena;
  };

  Memory in_;
  Memory out_;
  Bytes bytes_;
};

}  // namespace kpay::wire
