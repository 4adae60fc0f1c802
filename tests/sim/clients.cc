#include "sim/clients.h"

#include "core/horizon.h"
#include "core/limits.h"

namespace kpay::sim {

namespace {

constexpr std::string_view kLongReference =
    "a reference that is longer than the hundred and forty bytes that a payment may carry along,"
    " and that is therefore refused at intake, with its own reason";
static_assert(kLongReference.size() > core::kReferenceMax);

core::AccountId id_of_account(std::size_t number) {
  return core::AccountId::parse("acc-" + std::to_string(number)).value();
}

}  // namespace

Clients::Clients(World& world)
    : world_(&world), dice_(world.setting().seed, 4), left_(world.setting().commands) {
  accounts_ = static_cast<std::size_t>(dice_.between(3, 16));
  for (const char* code : {"EUR", "USD", "JPY"}) {
    currencies_.push_back(core::Currency::parse(code).value());
  }
  currencies_.resize(static_cast<std::size_t>(dice_.between(1, 3)));
}

Uuid Clients::new_id() {
  std::array<std::uint8_t, 10> entropy{};
  for (std::uint8_t& byte : entropy) {
    byte = static_cast<std::uint8_t>(dice_.below(256));
  }
  Timestamp created = world_->client_time();
  switch (dice_.below(60)) {
    case 0: created.ms -= core::kIdAgeMaxMs + dice_.between(1, core::kHourMs); break;
    case 1: created.ms += core::kIdAheadMaxMs + core::kHourMs * 2; break;
    default: created.ms -= dice_.between(0, 50);
  }
  Uuid id = make_uuid_v7(created, entropy);
  if (dice_.one_in(80)) {
    id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0fU) | 0x40U);
  }
  return id;
}

// A few accounts are hot; one in many is not there.
core::AccountId Clients::account() {
  if (dice_.one_in(20)) {
    return id_of_account(accounts_ + dice_.index(3));
  }
  return id_of_account(dice_.one_in(3) ? dice_.index(2) : dice_.index(accounts_));
}

core::Money Clients::amount(std::int64_t most) {
  return {dice_.between(1, most), dice_.one_in(12)
                                      ? core::Currency::parse("XAU").value_or(core::Currency{})
                                      : dice_.pick(currencies_)};
}

std::int32_t Clients::send(const core::Command& command) {
  const ByteView key = core::key_of(command);
  std::int32_t partition = partition_of(key, world_->setting().partitions);
  if (dice_.one_in(100)) {
    partition = (partition + 1) % world_->setting().partitions;  // a client's mistake (R10)
  }
  world_->append(world_->topics().index_of(stages::kTopicIncoming), partition, key,
                 codec_.encode(command));
  world_->coverage().count("commands");
  return partition;
}

void Clients::send_first(core::Command command) {
  const std::int32_t partition = send(command);
  sent_.push_back({std::move(command), partition, world_->owner_deaths({0, partition})});
}

void Clients::open_next() {
  const core::Money opening{dice_.one_in(5) ? 0 : dice_.between(1, 100'000),
                            currencies_[opened_ % currencies_.size()]};
  send_first(core::OpenAccount{core::CommandId(new_id()), id_of_account(opened_++), opening});
}

void Clients::pay() {
  core::Transfer transfer;
  transfer.payment = core::PaymentId(new_id());
  transfer.from = account();
  transfer.to = account();
  transfer.amount = amount(dice_.one_in(8) ? 1'000'000 : 2'000);
  transfer.reference = dice_.one_in(3) ? "rent" : "";
  switch (dice_.below(40)) {
    case 4: transfer.reference = kLongReference; break;
    case 0: transfer.to = transfer.from; break;
    case 1: transfer.amount.minor = 0; break;
    case 2: transfer.amount.minor = core::kAmountMax + 1; break;
    case 3: transfer.to = core::AccountId::suspense(transfer.amount.currency); break;
    default: break;
  }
  send_first(core::SubmitPayment{transfer});
  world_->coverage().count("payments");
}

void Clients::deposit() {
  send_first(core::Deposit{core::CommandId(new_id()), account(), amount(5'000)});
}

void Clients::close() { send_first(core::CloseAccount{core::CommandId(new_id()), account()}); }

// The same content again, because the answer was lost: perhaps a day later. It counts as a retry
// across a crash when the owner of that intake has died since.
void Clients::retry() {
  if (sent_.empty()) {
    return;
  }
  const bool recent = dice_.one_in(2) && sent_.size() > 4;
  const Sent& first = recent ? sent_[sent_.size() - 1 - dice_.index(4)] : dice_.pick(sent_);
  if (send(first.command) == first.partition &&
      world_->owner_deaths({0, first.partition}) > first.deaths) {
    const bool deposit = std::holds_alternative<core::Deposit>(first.command);
    world_->coverage().hit(deposit ? Line::deposit_retry : Line::client_retry, 0);
  }
}

void Clients::conflict() {
  if (sent_.empty()) {
    return;
  }
  core::Command other = dice_.pick(sent_).command;
  if (auto* submit = std::get_if<core::SubmitPayment>(&other)) {
    submit->transfer.amount.minor += 1;
  } else if (auto* put = std::get_if<core::Deposit>(&other)) {
    put->amount.minor += 1;
  } else {
    return;
  }
  world_->coverage().hit(Line::client_conflict, 0);
  send(other);
}

// Bytes that are no command (R24).
void Clients::nonsense() {
  Bytes bytes;
  for (std::uint64_t i = dice_.below(30); i > 0; --i) {
    bytes.push_back(static_cast<std::byte>(dice_.below(256)));
  }
  if (dice_.one_in(4)) {
    bytes.insert(bytes.begin(), std::byte{'K'});
  } else if (dice_.one_in(6)) {
    bytes.assign(core::kEventBytesMax + 1, std::byte{10});
  }
  const auto partition = static_cast<std::int32_t>(
      dice_.below(static_cast<std::uint64_t>(world_->setting().partitions)));
  if (stream::is_tick(bytes)) {
    return;
  }
  world_->append(world_->topics().index_of(stages::kTopicIncoming), partition, {}, bytes);
}

void Clients::send() {
  --left_;
  if (opened_ < accounts_ && dice_.below(4) != 0) {
    open_next();
    return;
  }
  switch (dice_.below(24)) {
    case 0: deposit(); break;
    case 1: close(); break;
    case 2:
    case 3: retry(); break;
    case 4: conflict(); break;
    case 5: dice_.one_in(3) ? nonsense() : pay(); break;
    default: pay(); break;
  }
}

}  // namespace kpay::sim
