#include "daemons/gateway/operations.h"

#include <algorithm>

namespace kpay::gateway {

namespace {

using access::Role;
using access::Roles;

constexpr Roles kNobodyNeeded{};
constexpr Roles kReaders =
    Role::viewer | Role::operating | Role::reviewer | Role::approver | Role::admin | Role::auditor;
constexpr Roles kOperators = Role::operating | Role::admin;
constexpr Roles kLooksInside = Role::reviewer | Role::approver | Role::admin | Role::auditor;
constexpr Roles kCheckers = Role::approver | Role::admin;
constexpr Roles kAuditors = Role::auditor | Role::admin;

constexpr bool kAudited = true;

}  // namespace

const std::vector<Operation>& operations() {
  static const std::vector<Operation> all{
      {"GET", "/api/v1/openapi.json", "getOpenapiJson", kNobodyNeeded},
      {"GET", "/api/v1/problems", "getProblems", kNobodyNeeded},
      {"GET", "/api/v1/problems/{code}", "getProblemsCode", kNobodyNeeded},
      {"GET", "/api/v1/session", "getSession", kNobodyNeeded},
      {"POST", "/api/v1/session", "postSession", kNobodyNeeded, kAudited},
      {"POST", "/api/v1/session:end", "postSessionEnd", kNobodyNeeded, kAudited},

      {"GET", "/metrics", "", kReaders},
      {"GET", "/api/v1/payments", "getPayments", kReaders},
      {"GET", "/api/v1/payments/{id}", "getPaymentsId", kReaders},
      {"GET", "/api/v1/payments/{id}/journey", "getPaymentsIdJourney", kReaders},
      {"GET", "/api/v1/accounts", "getAccounts", kReaders},
      {"GET", "/api/v1/accounts/{id}", "getAccountsId", kReaders},
      {"GET", "/api/v1/accounts/{id}/postings", "getAccountsIdPostings", kReaders},
      {"GET", "/api/v1/accounts/{id}/statement", "getAccountsIdStatement", kReaders},
      {"GET", "/api/v1/accounts/{id}/balance", "getAccountsIdBalance", kReaders},
      {"GET", "/api/v1/commands/{id}", "getCommandsId", kReaders},
      {"GET", "/api/v1/pipeline", "getPipeline", kReaders},
      {"GET", "/api/v1/pipeline/drain", "getPipelineDrain", kReaders},
      {"GET", "/api/v1/load", "getLoad", kReaders},
      {"GET", "/api/v1/dead-letters", "getDeadLetters", kReaders},
      {"GET", "/api/v1/audit", "getAudit", kReaders},
      {"GET", "/api/v1/books", "getBooks", kReaders},
      {"GET", "/api/v1/events", "getEvents", kReaders},
      {"GET", "/api/v1/system", "getSystem", kReaders},

      // Payments are told by their own topics, each with its sender's id.
      {"POST", "/api/v1/payments", "postPayments", kOperators},
      {"POST", "/api/v1/payments:batch", "postPaymentsBatch", kOperators, kAudited},
      {"POST", "/api/v1/accounts", "postAccounts", kOperators, kAudited},
      {"POST", "/api/v1/pipeline:pause", "postPipelinePause", kOperators, kAudited},
      {"POST", "/api/v1/pipeline:drain", "postPipelineDrain", kOperators, kAudited},
      {"POST", "/api/v1/pipeline:resume", "postPipelineResume", kOperators, kAudited},
      {"POST", "/api/v1/load:start", "postLoadStart", kOperators, kAudited},
      {"POST", "/api/v1/load:stop", "postLoadStop", kOperators, kAudited},

      {"POST", "/api/v1/dead-letters/{id}/reveal", "postDeadLettersIdReveal", kLooksInside,
       kAudited},
      // Looks, and changes nothing.
      {"POST", "/api/v1/dead-letters:check", "postDeadLettersCheck", kReaders},
      {"GET", "/api/v1/requests", "getRequests", kReaders},
      {"POST", "/api/v1/requests", "postRequests", kOperators, kAudited},
      // Another person than who has asked.
      {"POST", "/api/v1/requests/{id}/approve", "postRequestsIdApprove", kCheckers, kAudited},
      // Who has asked, or who may approve.
      {"POST", "/api/v1/requests/{id}/decline", "postRequestsIdDecline", kOperators | kCheckers,
       kAudited},
      {"GET", "/api/v1/audit/actions", "getAuditActions", kAuditors},
  };
  return all;
}

const Operation* operation_of(std::string_view method, std::string_view pattern) {
  const std::vector<Operation>& all = operations();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Operation& each) {
    return each.method == method && each.pattern == pattern;
  });
  return found == all.end() ? nullptr : &*found;
}

std::vector<std::string> operation_ids() {
  std::vector<std::string> ids;
  for (const Operation& each : operations()) {
    if (!each.id.empty()) {
      ids.emplace_back(each.id);
    }
  }
  return ids;
}

}  // namespace kpay::gateway
