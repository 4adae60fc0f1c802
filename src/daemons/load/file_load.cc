#include "daemons/load/file_load.h"

namespace kpay::load {

void FileLoad::add(const core::SubmitPayment& payment) {
  const Hash128 content = core::content_hash(payment);
  const auto [found, is_first] = entries_.try_emplace(payment.transfer.payment.value());
  Entry& entry = found->second;
  if (is_first) {
    entry.content = content;
    ++expected_;
  } else if (entry.content == content) {
    ++repeated_;
  } else {
    finished_ -= entry.finished();
    ++entry.expected;
    ++expected_;
    finished_ += entry.finished();
  }
}

void FileLoad::take(const core::PaymentResult& result) {
  const auto found = entries_.find(result.payment.value());
  if (found == entries_.end() || found->second.has_result) {
    return;
  }
  finished_ -= found->second.finished();
  found->second.has_result = true;
  finished_ += found->second.finished();
  if (result.confirmed) {
    ++confirmed_;
  } else {
    ++failed_[std::string(core::to_string(result.refusal))];
  }
}

void FileLoad::take(const core::Outcome& outcome) {
  const auto* payment = std::get_if<core::PaymentOutcome>(&outcome);
  if (payment == nullptr || payment->status != core::PaymentStatus::rejected) {
    return;
  }
  const auto found = entries_.find(payment->payment.value());
  if (found == entries_.end() || found->second.rejections == found->second.expected) {
    return;
  }
  finished_ -= found->second.finished();
  ++found->second.rejections;
  finished_ += found->second.finished();
  ++rejected_[std::string(core::to_string(payment->refusal))];
}

}  // namespace kpay::load
