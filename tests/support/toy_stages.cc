#include "support/toy_stages.h"

#include <array>
#include <charconv>
#include <vector>

namespace kpay::test {

namespace {

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t space = text.find(' ');
    words.push_back(text.substr(0, space));
    text = space == std::string_view::npos ? std::string_view{} : text.substr(space + 1);
  }
  return words;
}

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  return !text.empty() && read.ec == std::errc() && read.ptr == end ? std::optional(number)
                                                                    : std::nullopt;
}

// Rows whose place in the queue of timers is kept under this name: count is the next free number,
// sum the oldest one.
constexpr const char* kTimerEnds = "#timers";

class Source final : public stream::Stage {
 public:
  std::span<stream::TableBase* const> tables() override { return tables_; }

  std::optional<stream::DeadLetterReason> apply(const stream::Event& event, Timestamp now,
                                                stream::Emitter& out) override {
    const std::string_view text = as_text(event.payload);
    const std::vector<std::string_view> words = words_of(text);
    if (words.size() == 4 && words[0] == "only" &&
        tallies_.find(std::string(words[1])) == nullptr) {
      return kToyMissing;
    }
    const bool adds = words.size() == 4 && (words[0] == "add" || words[0] == "only");
    if (adds && number_of(words[3])) {
      Tally& row = row_of(std::string(words[1]));
      ++row.count;
      row.sum -= *number_of(words[3]);
      send(words[2], std::string(words[2]) + " " + std::string(words[3]), event.time, out);
    } else if (words.size() >= 3 && words[0] == "send") {
      send(words[1], text.substr(6 + words[1].size()), event.time, out);
    } else if (words.size() == 3 && words[0] == "big" && number_of(words[2])) {
      send(words[1], std::string(static_cast<std::size_t>(*number_of(words[2])), 'x'), event.time,
           out);
    } else if (words.size() == 2 && words[0] == "timer") {
      Tally& ends = row_of(kTimerEnds);
      timers_.insert(static_cast<std::uint64_t>(ends.count++),
                     {now.ms + kToyTimerMs, std::string(words[1])});
    } else if (words.size() == 2 && words[0] == "erase") {
      if (tallies_.find(std::string(words[1])) != nullptr) {
        tallies_.erase(std::string(words[1]));
      }
    } else if (words.size() == 2 && words[0] == "forget") {
      const Tally* row = tallies_.find(std::string(words[1]));
      check(row != nullptr, "a forgotten row exists");
      const_cast<Tally*>(row)->sum += 1000;
    } else {
      return kToyUnreadable;
    }
    tick(now, out);
    return std::nullopt;
  }

  void tick(Timestamp now, stream::Emitter& out) override {
    const Tally* ends = tallies_.find(kTimerEnds);
    while (ends != nullptr && ends->sum < ends->count) {
      const Timer* timer = timers_.find(static_cast<std::uint64_t>(ends->sum));
      if (timer->due_ms > now.ms) {
        return;
      }
      send(timer->name, timer->name + " 1", now, out);
      timers_.erase(static_cast<std::uint64_t>(ends->sum));
      ++tallies_.change(kTimerEnds).sum;
    }
  }

 private:
  Tally& row_of(const std::string& name) {
    return tallies_.find(name) != nullptr ? tallies_.change(name) : tallies_.insert(name, {});
  }
  static void send(std::string_view to, std::string_view text, Timestamp time,
                   stream::Emitter& out) {
    out.emit(0, as_bytes(to), {{}, time, as_bytes(text)});
  }

  Tallies tallies_{"tallies"};
  Timers timers_{"timers"};
  std::array<stream::TableBase*, 2> tables_{&tallies_, &timers_};
};

class Adder final : public stream::Stage {
 public:
  explicit Adder(std::int64_t times) : times_(times) {}

  std::span<stream::TableBase* const> tables() override { return tables_; }

  std::optional<stream::DeadLetterReason> apply(const stream::Event& event, Timestamp,
                                                stream::Emitter& out) override {
    std::vector<std::string_view> words = words_of(as_text(event.payload));
    const bool only = words.size() == 3 && words[0] == "only";
    if (only) {
      words.erase(words.begin());
    }
    if (words.size() != 2 || !number_of(words[1])) {
      return kToyUnreadable;
    }
    const std::string name(words[0]);
    if (only && tallies_.find(name) == nullptr) {
      return kToyMissing;
    }
    Tally& row = tallies_.find(name) != nullptr ? tallies_.change(name) : tallies_.insert(name, {});
    row.sum += times_ * *number_of(words[1]);
    if (row.sum == 0) {
      tallies_.erase(name);
    }
    const ByteView key = as_bytes(words[0]);
    out.emit(0, key, {event.subject, event.time, event.payload});
    const std::string told =
        "#" + std::to_string(out.next_number(1, key)) + " " + std::string(as_text(event.payload));
    out.emit(1, key, {event.subject, event.time, as_bytes(told)});
    return std::nullopt;
  }

 private:
  std::int64_t times_;
  Tallies tallies_{"tallies"};
  std::array<stream::TableBase*, 1> tables_{&tallies_};
};

}  // namespace

void TallyCodec::encode(const Tally& row, ByteWriter& out) {
  out.put(row.count);
  out.put(row.sum);
}

std::optional<Tally> TallyCodec::decode(ByteView bytes) {
  ByteReader in(bytes);
  Tally row;
  row.count = in.get<std::int64_t>();
  row.sum = in.get<std::int64_t>();
  return in.done() ? std::optional(row) : std::nullopt;
}

void TimerCodec::encode_key(std::uint64_t key, ByteWriter& out) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    out.put(static_cast<std::uint8_t>(key >> shift));
  }
}

std::optional<std::uint64_t> TimerCodec::decode_key(ByteView bytes) {
  ByteReader in(bytes);
  std::uint64_t key = 0;
  for (int i = 0; i < 8; ++i) {
    key = key << 8U | in.get<std::uint8_t>();
  }
  return in.done() ? std::optional(key) : std::nullopt;
}

void TimerCodec::encode(const Timer& row, ByteWriter& out) {
  out.put(row.due_ms);
  out.sized(row.name);
}

std::optional<Timer> TimerCodec::decode(ByteView bytes) {
  ByteReader in(bytes);
  Timer row;
  row.due_ms = in.get<std::int64_t>();
  row.name = in.text();
  return in.done() ? std::optional(row) : std::nullopt;
}

std::optional<std::uint64_t> TimerCodec::key_from_text(std::string_view text) {
  const std::optional<std::int64_t> number = number_of(text);
  return number ? std::optional(static_cast<std::uint64_t>(*number)) : std::nullopt;
}

stream::StageSpec source_spec() {
  stream::StageSpec spec;
  spec.name = "source";
  spec.number = kSource;
  spec.input = kToyIn;
  spec.input_shape = stream::RecordShape::single;
  spec.outputs = {{kToyMid, stream::RecordShape::frame}};
  spec.event_bytes_max = kToyEventBytesMax;
  spec.make = [](std::int32_t, std::int32_t) { return std::make_unique<Source>(); };
  return spec;
}

stream::StageSpec adder_spec() {
  stream::StageSpec spec;
  spec.name = "adder";
  spec.number = kAdder;
  spec.input = kToyMid;
  spec.senders = {kSource};
  spec.outputs = {{kToyOut, stream::RecordShape::frame}, {kToyPublic, stream::RecordShape::single}};
  spec.event_bytes_max = kToyEventBytesMax;
  spec.make = [](std::int32_t, std::int32_t) { return std::make_unique<Adder>(1); };
  return spec;
}

stream::StageSpec next_adder_spec() {
  stream::StageSpec spec = adder_spec();
  ++spec.logic.version;
  spec.make = [](std::int32_t, std::int32_t) { return std::make_unique<Adder>(10); };
  return spec;
}

}  // namespace kpay::test
