// Files that people give to the tools: payments (CSV, NDJSON), accounts, manifests, proposals.
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/check.h"
#include "core/limits.h"
#include "daemons/ctl/account_file.h"
#include "daemons/ctl/proposal.h"
#include "daemons/load/manifest.h"
#include "daemons/load/payment_file.h"
#include "fuzz/scratch_folder.h"
#include "fuzz/target.h"
#include "wire/codec.h"

namespace kpay::fuzz {

namespace {

std::string csv_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    out += c == '"' ? "\"\"" : std::string(1, c);
  }
  return out + "\"";
}

std::string date_text(core::ValueDate date) {
  const std::string digits = std::to_string(date.value());
  return date.value() == 0
             ? std::string()
             : digits.substr(0, 4) + "-" + digits.substr(4, 2) + "-" + digits.substr(6, 2);
}

bool same(const load::FilePayment& a, const load::FilePayment& b) {
  return a.id == b.id && a.whole() == b.whole();
}

// The only line of a file.
load::FilePayment only_line(std::string_view path, const std::string& text) {
  Result<load::PaymentFile> file = load::PaymentFile::open(path, text);
  check(file.has_value(), "a file that was written can be opened");
  Result<load::FilePayment> payment = load::FilePayment{};
  check(file->next(payment) && payment.has_value(), "a line that was written can be read");
  return *payment;
}

void check_payment(const load::FilePayment& payment) {
  const core::Transfer transfer = payment.whole();
  check(!payment.id.empty() && !transfer.from.empty() && !transfer.to.empty() &&
            transfer.amount.currency.known() && core::is_valid(transfer.value_date) &&
            transfer.reference.size() <= core::kReferenceMax,
        "a payment that is taken has all its fields");
  wire::CommandCodec codec;
  core::Command command;
  const Bytes event = to_bytes(codec.encode(core::SubmitPayment{transfer}));
  check(event.size() <= core::kEventBytesMax, "a payment of a file makes a legal event");
  check(!codec.decode(event, command).has_value(),
        "a payment of a file can be read from its topic");
  const std::string amount = core::format_amount(transfer.amount);
  const std::string date = date_text(transfer.value_date);
  if ((payment.id + payment.reference).find('\n') == std::string::npos) {
    const std::string csv = "time,id,from,to,amount,currency,reference\n" + date + "," +
                            csv_quoted(payment.id) + "," + std::string(transfer.from.text()) + "," +
                            std::string(transfer.to.text()) + "," + amount + "," +
                            std::string(transfer.amount.currency.text()) + "," +
                            csv_quoted(payment.reference) + "\n";
    check(same(only_line("x.csv", csv), payment), "a payment is the same from CSV");
  }
  const nlohmann::json json{{"time", date},
                            {"id", payment.id},
                            {"from", transfer.from.text()},
                            {"to", transfer.to.text()},
                            {"amount", amount},
                            {"currency", transfer.amount.currency.text()},
                            {"reference", payment.reference}};
  using Handler = nlohmann::json::error_handler_t;
  const std::string line = json.dump(-1, ' ', false, Handler::ignore);
  if (nlohmann::json::parse(line) == json) {
    check(same(only_line("x.ndjson", line), payment), "a payment is the same from NDJSON");
  }
}

void check_written(const ScratchFolder& folder, const load::Manifest& manifest) {
  const std::string path = folder.file("written");
  check(load::write_manifest(path, manifest).has_value(), "a manifest can be written");
  const Result<load::Manifest> again = load::read_manifest(path);
  check(again.has_value(), "a manifest that was written can be read");
  load::Manifest named = *again;
  named.file_name = manifest.file_name;  // what isn't UTF-8 in it is for nobody
  check(named == manifest, "a manifest is the same after it was written");
}

}  // namespace

// The first byte says what the file's name is.
void run_payment_file(ByteView input) {
  if (input.empty()) {
    return;
  }
  constexpr std::string_view kPaths[] = {"x.csv", "x.ndjson", "x"};
  const std::string_view path = kPaths[std::to_integer<unsigned>(input.front()) % 3U];
  const std::string_view text = as_text(input.subspan(1));
  Result<load::PaymentFile> file = load::PaymentFile::open(path, text);
  if (!file) {
    check(file.error().message.starts_with(path), "a file that is refused is named");
    return;
  }
  Result<load::FilePayment> payment = load::FilePayment{};
  std::uint64_t line = 0;
  while (file->next(payment)) {
    check(file->line() > line && file->line() <= text.size(), "lines are counted");
    line = file->line();
    if (payment) {
      check_payment(*payment);
    } else {
      check(!payment.error().message.empty(), "a line that is refused says why");
    }
  }
}

void run_account_file(ByteView input) {
  std::istringstream stream{std::string(as_text(input))};
  const ctl::AccountFile file = ctl::read_accounts(stream);
  std::size_t line = 0;
  for (const ctl::BadLine& bad : file.bad) {
    check(bad.line > line && !bad.problem.empty(), "a bad line has its number and its reason");
    line = bad.line;
  }
  std::string text;
  for (const ctl::AccountLine& each : file.accounts) {
    check(!each.account.empty() && each.opening.currency.known(), "an account has its fields");
    text += "\n" + std::string(each.account.text()) + "," +
            std::string(each.opening.currency.text()) + "," + core::format_amount(each.opening);
  }
  std::istringstream written(text);
  const ctl::AccountFile again = ctl::read_accounts(written);
  check(again.bad.empty() && again.accounts.size() == file.accounts.size(),
        "accounts that are written can be read");
  for (std::size_t i = 0; i < again.accounts.size(); ++i) {
    check(again.accounts[i].account == file.accounts[i].account &&
              again.accounts[i].opening == file.accounts[i].opening,
          "accounts are the same after they were written");
  }
}

// A file as it is on the disk; or, behind a byte 0, the name of the file that a manifest is about.
void run_manifest(ByteView input) {
  static const ScratchFolder folder("manifest");
  if (!input.empty() && input.front() == std::byte{0}) {
    load::Manifest manifest;
    manifest.file_name = as_text(input.subspan(1));
    manifest.confirmed = {1, 2};
    check_written(folder, manifest);
    return;
  }
  folder.write("manifest", input);
  const Result<load::Manifest> manifest = load::read_manifest(folder.file("manifest"));
  if (!manifest) {
    check(manifest.error().code == ErrorCode::corrupt && !manifest.error().message.empty(),
          "what is no manifest is corrupt, and says so");
    return;
  }
  check(load::payment_id(*manifest, "1").is_v7(), "ids of a manifest are of version 7");
  check(load::payment_id(*manifest, "1").created() == manifest->started,
        "ids of a manifest have its time");
  load::Manifest now = *manifest;
  now.started = Timestamp{1'795'366'435'000};
  const Result<void> fits = load::check_manifest("x", *manifest, now);
  check(fits || !fits.error().message.empty(), "a manifest that doesn't fit says why");
  check_written(folder, *manifest);
}

void run_proposal(ByteView input) {
  static const ScratchFolder folder("proposal");
  folder.write("proposal", input);
  const Result<ctl::Proposal> proposal = ctl::read_proposal(folder.file("proposal"));
  if (!proposal) {
    check(!proposal.error().message.empty(), "what is no proposal says so");
    return;
  }
  const std::string path = folder.file("written");
  check(ctl::write_proposal(path, *proposal).has_value(), "a proposal can be written");
  const Result<ctl::Proposal> again = ctl::read_proposal(path);
  check(
      again && again->topic == proposal->topic && again->records.size() == proposal->records.size(),
      "a proposal that was written can be read");
  for (std::size_t i = 0; i < again->records.size(); ++i) {
    const ctl::ProposedRecord& a = proposal->records[i];
    const ctl::ProposedRecord& b = again->records[i];
    check(a.partition >= 0 && a.partition == b.partition && a.key == b.key && a.value == b.value &&
              a.headers == b.headers,
          "records are the same after they were written");
    if (const auto record = stream::decode_operator_record(a.value)) {
      check(ctl::signers_of(*record).size() <= stream::kSignaturesMax, "signers have signed");
    }
  }
}

}  // namespace kpay::fuzz
