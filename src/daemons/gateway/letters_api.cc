// Dead letters: the newest, without their bytes; and the bytes of one, for a reason.
#include <algorithm>

#include "base/time.h"
#include "daemons/ctl/letter_close.h"
#include "daemons/gateway/api.h"
#include "daemons/gateway/form.h"
#include "daemons/gateway/limits.h"
#include "http/json.h"
#include "stages/specs.h"

namespace kpay::gateway {

namespace {

std::vector<std::string> stage_names() {
  std::vector<std::string> names;
  for (const stream::StageSpec& spec : stages::all_specs()) {
    names.push_back(spec.name);
  }
  return names;
}

std::string letter_json(const ctl::Letter& letter) {
  const stream::Origin& origin = letter.letter.origin;
  return http::JsonObject()
      .add("id", to_string(letter.id))
      .add("state", ctl::to_string(letter.state))
      .add("topic", letter.topic)
      .add("partition", origin.partition)
      .add("offset", origin.offset)
      .add("index", origin.index)
      .add("reason", letter.reason)
      .add("sender", letter.sender)
      .add("bytes_total", letter.letter.bytes_total)
      .add("bytes_hash", to_string(letter.letter.bytes_hash))
      .add("at_ms", letter.at.ms)
      .finish();
}

http::Response get_letters(Live& live, const http::Request& request) {
  std::optional<Problem> problem;
  const std::size_t limit = page_limit(request, problem);
  if (problem) {
    return to_response(*problem);
  }
  const Result<std::shared_ptr<const Letters>> read = live.letters();
  if (!read) {
    return to_response(problem_of(read.error()));
  }
  const std::vector<ctl::Letter>& letters = (*read)->newest;
  const std::string_view reason = http::Request::get(request.query, "reason");
  http::JsonArray list;
  std::size_t shown = 0;
  for (auto each = letters.rbegin(); each != letters.rend() && shown < limit; ++each) {
    if (reason.empty() || each->reason == reason) {
      list.add_json(letter_json(*each));
      ++shown;
    }
  }
  return http::json_response(http::JsonObject()
                                 .add("as_of_ms", wall_clock_now().ms)
                                 .add("total", (*read)->total)
                                 .add_json("letters", list.finish())
                                 .finish());
}

// The bytes may have accounts, amounts and whatever somebody sent: who looks says why, and it is
// audited.
http::Response reveal(Live& live, const http::Request& request) {
  Form form(request.body);
  (void)form.text("reason", limits::reason_bytes_max);
  if (const std::optional<Problem> problem = form.problem()) {
    return to_response(*problem);
  }
  const Result<std::shared_ptr<const Letters>> read = live.letters();
  if (!read) {
    return to_response(problem_of(read.error()));
  }
  const std::string& id = request.params.at("id");
  const std::vector<ctl::Letter>& newest = (*read)->newest;
  const auto found = std::find_if(newest.begin(), newest.end(), [&](const ctl::Letter& each) {
    return to_string(each.id) == id;
  });
  if (found == newest.end()) {
    return to_response({.code = Code::not_found,
                        .detail = "No letter of the newest has the id \"" + id + "\".",
                        .field = "id",
                        .expected = "an id of GET /api/v1/dead-letters"});
  }
  return http::json_response(http::JsonObject()
                                 .add("id", id)
                                 .add("bytes_hex", to_hex(found->letter.bytes))
                                 .add("bytes_total", found->letter.bytes_total)
                                 .finish());
}

// What a replay would do: of the newest, as the list has them.
http::Response check(Live& live, const http::Request& request) {
  Form form(request.body);
  ctl::LetterFilter filter;
  filter.ids = form.letters("ids", false);
  filter.cause = form.optional_text("reason_code", limits::reason_bytes_max);
  filter.stage = form.choice("stage", stage_names(), false);
  if (const std::optional<Problem> problem = form.problem()) {
    return to_response(*problem);
  }
  const Result<std::shared_ptr<const Letters>> read = live.letters();
  if (!read) {
    return to_response(problem_of(read.error()));
  }
  Result<std::vector<ctl::Letter>> found = letters_among(**read, filter);
  if (!found) {
    return to_response(problem_of(found.error()));
  }
  const ctl::OpenLetters letters =
      ctl::check_open(std::move(*found), live.partitions(), wall_clock_now());
  return http::json_response(ctl::dry_replay(letters).json);
}

}  // namespace

void add_letters_api(http::Router& router, const ApiParts& parts) {
  add_read(router, parts, "/dead-letters", get_letters);
  add_write(router, parts, "/dead-letters/{id}/reveal", reveal);
  add_write(router, parts, "/dead-letters:check", check);
}

}  // namespace kpay::gateway
