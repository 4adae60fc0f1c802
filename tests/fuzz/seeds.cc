#include "fuzz/seeds.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "config/daemon_config.h"
#include "config/gateway_config.h"
#include "daemons/load/manifest.h"
#include "daemons/service/status.h"
#include "fuzz/scratch_folder.h"
#include "fuzz/stage_tables.h"
#include "golden/golden.h"
#include "kafka/table_cursor.h"
#include "store/state_file.h"
#include "stream/changelog.h"
#include "stream/operator_record.h"
#include "stream/snapshot.h"
#include "stream/table.h"

namespace kpay::fuzz {

namespace {

constexpr std::byte kSealed{1};

Bytes bytes_of(std::string_view text) { return to_bytes(as_bytes(text)); }

Bytes with_head(std::byte head, ByteView rest) {
  Bytes bytes{head};
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  return bytes;
}

Bytes from_hex(std::string_view hex) {
  while (hex.ends_with('\n')) {
    hex.remove_suffix(1);
  }
  return kpay::from_hex(hex).value_or(Bytes{});
}

std::string golden(const std::string& name) { return testing::read_golden(name).value_or(""); }

void add_texts(Seeds& seeds, const std::string& target, std::initializer_list<const char*> texts) {
  int number = 0;
  for (const char* text : texts) {
    seeds[target + "/seed-" + std::to_string(++number)] = bytes_of(text);
  }
}

// --- the topics

void add_events(Seeds& seeds) {
  for (const auto& entry : std::filesystem::directory_iterator(testing::golden_path("wire/v1"))) {
    const std::string name = entry.path().stem().string();
    const std::string target = name.substr(0, name.find('_'));
    seeds[target + "/" + name] = from_hex(golden("wire/v1/" + name + ".hex"));
  }
}

void add_frames(Seeds& seeds) {
  const Uuid lineage{{0xaa}};
  const Uuid topic{{0x07}};
  const Bytes payload = from_hex(golden("wire/v1/inflight_debit.hex"));
  for (const std::uint32_t count : {1U, 3U}) {
    stream::FrameBuilder builder;
    stream::Sequence sequence{41, {1, 2}};
    for (std::uint32_t i = 0; i < count; ++i) {
      builder.add({static_cast<std::uint32_t>(payload.size()), i, 128, {1'795'366'435'000}, {{1}}},
                  payload, sequence);
    }
    seeds["frame/events-" + std::to_string(count)] =
        with_head(kSealed, builder.cut(lineage, {1, 2}, topic, 2));
  }
  seeds["frame/tick"] = with_head(std::byte{0}, stream::make_tick());
}

stream::Registers some_registers() {
  stream::Registers registers;
  registers.position = 1234;
  registers.now = {1'795'366'435'000};
  registers.outputs[{0, 1}] = {7, {1, 2}};
  registers.outputs[{1, 0}] = {9, {3, 4}};
  registers.senders[{1, 0}] = {{5, {5, 6}}, false};
  registers.senders[{2, 1}] = {{6, {7, 8}}, true};
  return registers;
}

void add_changelog(Seeds& seeds) {
  const auto add = [&seeds](const std::string& name, const Bytes& record) {
    seeds["changelog/" + name] = with_head(kSealed, record);
  };
  using Kind = stream::OpenMarker::Kind;
  const std::map<std::string, Kind> kinds = {
      {"genesis", Kind::genesis}, {"takeover", Kind::takeover}, {"renewal", Kind::renewal}};
  for (const auto& [name, kind] : kinds) {
    stream::OpenMarker marker;
    marker.kind = kind;
    marker.identity = stream::Identity{"cluster-1", {{1}}, 12, {{{2}}, {{3}}}};
    marker.owner = "account-1";
    marker.build = "1.0.0+abcdef";
    marker.logic.version = 1;
    marker.previous_epoch = 42;
    add(name, encode(marker));
  }
  Bytes body;
  ByteWriter out(body);
  stream::put_row(out, 0, bytes_of("alice"), ByteView(bytes_of("row")));
  stream::put_row(out, 1, bytes_of("bob"), std::nullopt);
  add("rows", encode(stream::RowFrame{false, 42, 7, 2, body}));
  add("base-rows", encode(stream::RowFrame{true, 42, 7, 2, body}));
  stream::Marker marker;
  marker.epoch = 42;
  marker.number = 7;
  marker.rows = 2;
  add("marker-small", encode(marker));
  marker.clean = true;
  marker.registers = some_registers();
  add("marker", encode(marker));
  add("base-marker", encode(stream::BaseMarker{42, 7, 2, {1, 2}, {3, 4}}));
}

// Programs of restore_target.cc: 0 genesis, 1 takeover, 2 renewal, 3 rows, 4 rows of a base,
// 5 marker, 6 base marker; 0x80 alters by the bits of the next byte.
void add_logs(Seeds& seeds) {
  const std::map<std::string, std::string> logs = {
      {"one-checkpoint", "00 01 0302020a040b 05"},
      {"deletions", "00 01 0303020a040b060c 05 0302020a0300 05"},
      {"base", "00 01 0302020a040b 05 02 0302010801ff 05 04 06 0301020f 05"},
      {"two-owners", "00 01 0302020a040b 05 030106ff 01 030106fe 05 8310010611 05"},
      {"zombie", "00 01 0301020a 05 01 830101020a 8501 0301020b 05"},
      {"broken-chain", "00 01 0301020a 05 8510 0301020b 05 01 0301020b 05"},
      {"clean", "00 01 0301020a 8520 05 01 05"},
      {"late-renewal", "00 01 0301020a 05 8202 0301020c 05 02 05 04 06"},
      {"bad-base", "00 01 0301020a 05 02 05 04 8608 05 01 05"},
  };
  for (const auto& [name, hex] : logs) {
    std::string digits = hex;
    std::erase(digits, ' ');
    seeds["restore/" + name] = from_hex(digits);
  }
}

void add_operators(Seeds& seeds) {
  std::istringstream lines(golden("operator_records.txt"));
  std::string name;
  std::string hex;
  for (int number = 1; lines >> name >> hex; ++number) {
    const Bytes record = from_hex(hex);
    const bool is_answer = name == "answer";
    seeds["operator/" + std::to_string(number) + "-" + name] =
        with_head(is_answer ? std::byte{0} : kSealed, record);
    if (is_answer) {
      seeds["dead_letter/" + std::to_string(number) + "-answer"] = record;
    }
  }
  const Bytes payload = bytes_of("no event");
  seeds["dead_letter/letter"] = encode(
      stream::DeadLetter{{{{7}}, 3, 128, 1}, 100, payload.size(), hash128(payload), payload});
  seeds["dead_letter/letter-cut"] =
      encode(stream::DeadLetter{{{{7}}, 3, 128, 1}, 4, 1'000'000, {1, 2}, payload});
}

// --- rows

void put_load(Bytes& program, std::size_t table, ByteView key, ByteView value) {
  ByteWriter out(program);
  out.put(static_cast<std::uint8_t>(table));
  out.put(static_cast<std::uint8_t>(key.size()));
  out.put(static_cast<std::uint16_t>(value.size()));
  out.raw(key);
  out.raw(value);
}

// Of each table the golden rows together, and the last one as the daemons answer with it.
void add_rows(Seeds& seeds) {
  const StageTables tables;
  std::istringstream lines(golden("rows.txt"));
  std::string name;
  std::string key;
  std::string value;
  while (lines >> name >> key >> value) {
    for (std::size_t i = 0; i < tables.names().size(); ++i) {
      if (tables.names()[i] != name) {
        continue;
      }
      const stream::TableBase& table = *tables.all()[i];
      put_load(seeds["rows/" + name], i, from_hex(key), from_hex(value));
      seeds["table_json/" + name] = bytes_of(table.key_text(from_hex(key)) + "\t" +
                                             daemons::fields_json(table.fields(from_hex(value))));
      seeds["cursor/" + name] = bytes_of(kafka::cursor_text({3, from_hex(key)}));
    }
  }
  const auto add = [&](const std::string& table, std::size_t place, auto put_row) {
    Bytes key_bytes;
    Bytes row;
    ByteWriter key_out(key_bytes);
    ByteWriter row_out(row);
    put_row(key_out, row_out);
    put_load(seeds["rows/" + table], place, key_bytes, row);
  };
  add("dead_letters", tables.names().size() - 2, [](ByteWriter& key_out, ByteWriter& row) {
    stream::LetterCodec::encode_key({128, 1}, key_out);
    stream::LetterCodec::encode({100, {1, 2}, {3}, {{4}}}, row);
  });
  add("operator_keys", tables.names().size() - 1, [](ByteWriter& key_out, ByteWriter& row) {
    stream::OperatorKeyCodec::encode_key({}, key_out);
    stream::OperatorKeyCodec::encode({"ann", {3}}, row);
  });
}

void add_state_files(Seeds& seeds) {
  const ScratchFolder folder("seeds");
  {
    auto file = store::StateFile::open({folder.file("state.db"), bytes_of("settle/0")});
    const Bytes value = bytes_of("value");
    std::vector<store::StoredRow> rows{{0, value, ByteView(value)}, {1, value, ByteView(value)}};
    check((*file)->commit(rows, value, false).has_value(), "a new state file can be written");
  }
  std::ifstream in(folder.file("state.db"), std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(in), {});
  Bytes& seed = seeds["state_file/whole"];
  ByteWriter out(seed);
  out.put(static_cast<std::uint32_t>(bytes.size()));
  out.raw(as_bytes(bytes));
}

void add_snapshots(Seeds& seeds) {
  const ScratchFolder folder("snapshot-seeds");
  stream::SnapshotManifest manifest{
      "settle", 0, {"cluster", {{1}}, 1, {{{2}}}}, {5}, "inflight-1", "1.0.0", {}, {}};
  Bytes rows;
  {
    auto file = store::StateFile::open(
        {folder.file("settle.db"), stream::file_identity("settle", 0, manifest.identity)});
    const Bytes value = bytes_of("value");
    std::vector<store::StoredRow> row{{1, value, ByteView(value)}};
    stream::Marker& marker = manifest.marker;
    marker.number = 1;
    marker.state_hash = stream::state_hash(stream::row_hash(1, value, value), marker.registers);
    check((*file)->commit(row, stream::encode(marker), false).has_value(), "it can be written");
    check((*file)->begin_copy(folder.file("state.db")).has_value(), "it can be copied");
    check(*(*file)->copy_more(1000), "it is small");
  }
  manifest.file = *sum_file(folder.file("state.db"));
  std::ifstream in(folder.file("state.db"), std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(in), {});
  const std::string text = stream::encode(manifest);
  Bytes& seed = seeds["snapshot/whole"];
  ByteWriter out(seed);
  out.sized(text);
  out.raw(as_bytes(bytes));
  seeds["snapshot/manifest"] = to_bytes(ByteView(seed).first(4 + text.size()));
}

// --- texts

constexpr const char* kStatus =
    R"({"instance":"account-1","daemon":"kpay-account","phase":"running","state":"",)"
    R"("paused":false,"address":"127.0.0.1:9001","build":"1.0.0","config_hash":"00",)"
    R"("at_ms":1795366434000,"tasks":[{"stage":"account","partition":0,"phase":"running",)"
    R"("reason":"","position":100,"end":105,"lag":5,"lag_seconds":0.5,)"
    R"("checkpoint_position":99,"state_hash":"0f","events":500,"dead_letters":2,)"
    R"("paused":false},{"stage":"intake","partition":1,"phase":"held","reason":"why",)"
    R"("position":1,"end":1}]})";

void add_control(Seeds& seeds) {
  const std::string load =
      "tload-1\t{\"instance\":\"load-1\",\"daemon\":\"kpay-load\",\"phase\":\"running\","
      "\"at_ms\":1795366434000,\"load\":{\"allowed\":true,\"generating\":true,\"rate\":500}}\n"
      "sload\t{\"desired\":\"running\",\"rate\":500,\"accounts\":200,\"account_prefix\":\"acc-\","
      "\"currency\":\"EUR\",\"amount_max\":\"50.00\",\"distribution\":\"zipf\",\"zipf_s\":\"1.1\","
      "\"bad_share\":0.01,\"seed\":1,\"until_ms\":1795366999000,\"reason\":\"r\",\"owner\":\"o\","
      "\"at_ms\":1}\n";
  const std::string status = std::string("taccount-1\t") + kStatus + "\n";
  const std::string pipeline =
      "spipeline\t{\"desired\":\"paused\",\"reason\":\"r\",\"owner\":\"o\",\"at_ms\":1}\n";
  const std::string metadata =
      "maccount-1\t{\"daemon\":\"kpay-account\",\"address\":\"127.0.0.1:9001\",\"build\":\"1\","
      "\"config_hash\":\"00\",\"at_ms\":5,\"stages\":{\"account\":[0,2],\"intake\":[1]}}\n";
  const std::string request =
      "srequest/01936c5e-7b7e-7c3a-9c53-3f2a1b0c4d5e\t{\"what\":\"replay\",\"ids\":[\"intake/3@"
      "128.0\"],\"reason\":\"r\",\"maker\":\"ann\",\"at_ms\":1,\"expires_ms\":2,"
      "\"approver\":\"ben\",\"approve_reason\":\"a\",\"approved_at_ms\":1}\n";
  seeds["control/request"] = bytes_of(request);
  seeds["control/load"] = bytes_of(load);
  seeds["control/status"] = bytes_of(status + status);
  seeds["control/pipeline"] = bytes_of(pipeline + status);
  seeds["control/metadata"] = bytes_of(metadata);
  seeds["control/all"] = bytes_of(load + status + pipeline + metadata);
}

void add_http(Seeds& seeds) {
  add_texts(seeds, "target",
            {"/tables/account.accounts/acc-1", "/a%2Fb/c?limit=5&cursor=3%3A00ff", "/a//b/",
             "/?x=a+b&y=&z", "/%41%zz", "nothing"});
  const auto get = [](const std::string& path) {
    return "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAccept: */*\r\n\r\n";
  };
  int number = 0;
  for (const char* path :
       {"/healthz", "/readyz", "/metrics", "/status", "/tables", "/tables/account.accounts?limit=5",
        "/tables/account.accounts/acc-1", "/tables/confirmed.days/2026-11-22%2FEUR",
        "/tables/throughput.windows?from=2026-11-22T16:53Z&cursor=0:00",
        "/tables/settle.payments/019e7044-8807-0080-0000-0000000003e9", "/nothing"}) {
    seeds["tables/seed-" + std::to_string(++number)] = bytes_of(get(path));
  }
  seeds["tables/chunked"] = bytes_of("POST /tables HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
  seeds["tables/length"] =
      bytes_of("HEAD /tables HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello");
  number = 0;
  for (const char* path : {"/", "/app.js", "/api/v1/payments?limit=5", "/api/v1/system",
                           "/api/v1/accounts/acc-1", "/api/v1/pipeline/drain"}) {
    seeds["api/seed-" + std::to_string(++number)] = bytes_of(get(path));
  }
  seeds["api/submit"] = bytes_of(
      "POST /api/v1/payments?wait=5 HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n"
      "Content-Type: application/json\r\nContent-Length: 2\r\n"
      "Idempotency-Key: 01936c5e-7b7e-7c3a-9c53-3f2a1b0c4d5e\r\n\r\n{}");
  seeds["api/batch"] = bytes_of(
      "POST /api/v1/payments:batch HTTP/1.1\r\nHost: [::1]:80\r\n"
      "Content-Type: application/x-ndjson\r\nContent-Length: 3\r\n\r\n{}\n");
}

void add_forms(Seeds& seeds) {
  const std::string jpy = R"(p{"from":"alice","to":"bob","amount_minor":1234,"currency":"JPY",)"
                          R"("reference":"r","value_date":"2026-11-22"})";
  const std::string batch = R"(b{"id":"01936c5e-7b7e-7c3a-9c53-3f2a1b0c4d5e","from":"a",)"
                            R"("to":"b","amount":"1","currency":"EUR"})";
  add_texts(seeds, "form",
            {R"(p{"from":"alice","to":"bob","amount":"12.34","currency":"EUR"})", jpy.c_str(),
             R"(p{"from":"alice","to":"bob","amount_minor":"1234","currency":"KWD"})",
             batch.c_str(), R"(a{"account":"alice","currency":"EUR","opening":"5.00"})",
             R"(a{"account":"alice","currency":"EUR"})",
             R"(l{"rate":500.5,"bad_share":0.1,"duration_s":60,"reason":"a try"})",
             R"(r{"what":"discard","ids":["intake/3@128.0","settle/0@1.2"]})",
             R"(p{"from":[[[[[[[[[1]]]]]]]]]})"});
}

void add_files(Seeds& seeds) {
  add_texts(seeds, "account_file",
            {"id,currency,opening\nacc-1,EUR,5.00\nacc-2,JPY,5\n", "# none\n\nalice,EUR,1.5\r\n",
             "alice,EUR\nbob,XXX,1\nbob,EUR,1.234\n"});
  const std::string csv = "id,from,to,amount,currency,reference,time\n";
  const std::string line = "1,alice,bob,12.34,EUR,\"rent, \"\"may\"\"\",2026-11-22T16:53:55Z\n";
  const std::string json =
      R"({"id":"1","from":"alice","to":"bob","amount":"12.34","currency":"EUR","reference":"r"})";
  seeds["payment_file/csv"] = with_head(std::byte{0}, bytes_of(csv + line + line));
  seeds["payment_file/csv-bad"] =
      with_head(std::byte{0}, bytes_of(csv + "1,alice\n\"open\n\r\n2,a,b,x,EUR,,\n"));
  seeds["payment_file/csv-bom"] = with_head(std::byte{2}, bytes_of("\xef\xbb\xbf" + csv + line));
  seeds["payment_file/ndjson"] =
      with_head(std::byte{1},
                bytes_of(json + "\n" + R"({"id":2,"from":"a","to":"b","amount":1.50,)" +
                         R"("currency":"EUR","time":"2026-11-22"})" + "\n[]\n{}\n{\"a\":{}}\n"));
  const ScratchFolder folder("manifests");
  load::Manifest manifest{{1'795'366'435'000}, 42, "may.csv", 1000, {1, 2}, {{7}}, {1, 2}, {3, 4}};
  check(load::write_manifest(folder.file("m"), manifest).has_value(), "a manifest can be written");
  std::ifstream in(folder.file("m"), std::ios::binary);
  seeds["manifest/whole"] = bytes_of(std::string(std::istreambuf_iterator<char>(in), {}));
  seeds["proposal/discard"] = bytes_of(
      R"({"kpay_proposal":1,"topic":"kpay.payments.incoming","records":[{"partition":3,)"
      R"("key":"00ff","value":"4b41","headers":[{"name":"h","value":"00"},{"name":"n"}]}]})");
  seeds["manifest/name"] = with_head(std::byte{0}, bytes_of("may.csv"));
}

void add_config(Seeds& seeds) {
  seeds["config/daemon"] = bytes_of(config::example(config::daemon_schema()));
  seeds["config/gateway"] = bytes_of(config::example(config::gateway_schema()));
  add_texts(seeds, "config",
            {"instance: {id: account-1}\nkafka: {bootstrap_servers: [a:1, \"[::1]:2\"]}\n"
             "state: {directory: /var/lib/kpay}\n",
             "instance:\n  id: a\n  id: b\nkafka.partitions: 5\nkafcka: 1\n--- more\n",
             "instance: &a\n  id: gw-1\nkafka:\n  bootstrap_servers: [b:9092]\n"
             "  ssl_ca_file: ${CREDENTIALS_DIRECTORY}/ca\n  linger: 5ms\nlog:\n  level: debug\n"});
}

void add_typed(Seeds& seeds) {
  add_texts(seeds, "text",
            {"60s", "500ms", "7d", "90", "2026-11-22T16:53:55Z", "2026-11-22T16:53:55.123Z",
             "2026-11-22", "2026-11-22T16:53Z", "12.34", "-12.34", "9223372036854775.807", "1.1",
             "019e7044-8807-0080-0000-0000000003e9", "intake/3@128.0", "acc-1", "suspense:EUR",
             "5 2047 5:1 2047:3", "0 0"});
}

}  // namespace

Seeds all_seeds() {
  Seeds seeds;
  add_events(seeds);
  add_frames(seeds);
  add_changelog(seeds);
  add_logs(seeds);
  add_operators(seeds);
  add_rows(seeds);
  add_state_files(seeds);
  add_snapshots(seeds);
  add_control(seeds);
  add_http(seeds);
  add_forms(seeds);
  add_files(seeds);
  add_config(seeds);
  add_typed(seeds);
  return seeds;
}

}  // namespace kpay::fuzz
