"""The gateway against a real broker and real daemons: its API, its stream, and what it says when parts are gone."""

import http.client
import json
import os
import pathlib
import secrets
import socket
import subprocess
import threading
import time
import unittest
import urllib.error
import urllib.request

from suite import ROOT, RigCase, wait_for


def new_id():
    """A UUID of version 7: its time, then random bits."""
    number = (int(time.time() * 1000) << 80) | secrets.randbits(80)
    number = (number & ~(0xF << 76)) | (0x7 << 76)
    number = (number & ~(0x3 << 62)) | (0x2 << 62)
    text = f"{number:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


class GatewayCase(RigCase):
    @classmethod
    def prepare(cls, rig):
        cls.gateway = rig.add_gateway()

    def ask(self, path, body=None, key=None, method=None, headers=None, timeout=20):
        """(status, document) of a request; a text body is sent as it is."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(f"http://{self.gateway.address()}/api/v1{path}", data=data, method=method)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        if key:
            request.add_header("Idempotency-Key", key)
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def open_account(self, account, opening="100.00", currency="EUR"):
        status, done = self.ask("/accounts?wait=10", {"account": account, "currency": currency, "opening": opening},
                                new_id())
        self.assertEqual((status, done["status"]), (200, "done"), done)

    def balance(self, account):
        status, found = self.ask(f"/accounts/{account}")
        self.assertEqual(status, 200, found)
        return int(found["balance_minor"])


class Gateway(GatewayCase):
    PORT = 19700
    ACCOUNTS = 120

    def pay(self, payment, key=None, wait=10):
        return self.ask(f"/payments?wait={wait}", payment, key or new_id())

    def test_a_payment_ends_and_a_repeat_has_no_second_effect(self):
        self.open_account("gw-a")
        self.open_account("gw-b", "0.00")
        key, payment = new_id(), {"from": "gw-a", "to": "gw-b", "amount": "12.34", "currency": "EUR",
                                  "reference": "rent"}
        status, done = self.pay(payment, key)
        self.assertEqual((status, done["status"], done["refusal"]), (200, "completed", None), done)
        self.assertEqual((self.balance("gw-a"), self.balance("gw-b")), (8766, 1234))
        status, again = self.pay(payment, key)
        self.assertEqual((status, again["status"]), (200, "completed"), again)
        status, minor = self.pay({"from": "gw-a", "to": "gw-b", "amount_minor": 1234, "currency": "EUR",
                                  "reference": "rent"}, key)
        self.assertEqual((status, minor["status"]), (200, "completed"), "the same content, written otherwise")
        self.assertEqual((self.balance("gw-a"), self.balance("gw-b")), (8766, 1234))
        status, conflict = self.pay({**payment, "amount": "99.00"}, key)
        self.assertEqual((status, conflict["code"]), (409, "idempotency_conflict"), conflict)
        self.assertEqual(self.balance("gw-b"), 1234)
        status, found = self.ask(f"/payments/{key}")
        self.assertEqual((status, found["status"], found["amount"]), (200, "completed", "12.34"))
        self.assertAlmostEqual(found["as_of_ms"], time.time() * 1000, delta=60_000)
        newest = self.ask("/payments?account=gw-b")[1]["payments"]
        self.assertIn(key, [each["payment_id"] for each in newest])
        self.assertEqual(self.json("payments", "get", key)["status"], "completed", "kpayctl says the same")

    def test_without_wait_it_is_accepted_with_a_place_to_ask(self):
        self.open_account("gw-c")
        self.open_account("gw-d")
        key = new_id()
        status, taken = self.ask("/payments", {"from": "gw-c", "to": "gw-d", "amount": "1.00", "currency": "EUR"}, key)
        self.assertEqual((status, taken["status"]), (202, "accepted"))
        path = taken["status_url"].removeprefix("/api/v1")
        wait_for("the payment ends", lambda: self.ask(path)[1].get("status") == "completed", 20)

    def test_a_refused_payment_says_why_and_the_payer_has_the_money(self):
        self.open_account("gw-e", "5.00")
        status, done = self.pay({"from": "gw-e", "to": "gw-nobody", "amount": "1.00", "currency": "EUR"})
        self.assertEqual((status, done["status"], done["refusal"]), (200, "failed", "account_not_found"))
        status, done = self.pay({"from": "gw-e", "to": "gw-e", "amount": "1.00", "currency": "EUR"})
        self.assertEqual((status, done["refusal"]), (200, "accounts_must_differ"), done)
        self.assertEqual(self.balance("gw-e"), 500)

    def test_what_is_wrong_is_named_with_what_would_be_right(self):
        right = {"from": "gw-a", "to": "gw-b", "amount": "1.00", "currency": "EUR"}
        for change, status, code, field in (
                ({"amount": 1.5}, 422, "field_invalid", "amount"),
                ({"amount": "1.001"}, 422, "field_invalid", "amount"),
                ({"currency": "EURO"}, 422, "field_invalid", "currency"),
                ({"from": "no such id!"}, 422, "field_invalid", "from"),
                ({"note": "x"}, 422, "field_unknown", "note"),
                ({"to": None}, 422, "field_missing", "to")):
            got, problem = self.pay({**right, **change})
            self.assertEqual((got, problem["code"], problem["field"]), (status, code, field), problem)
            self.assertTrue(problem["expected"])
        self.assertEqual(self.ask("/payments", right)[1]["code"], "idempotency_key_missing")
        self.assertEqual(self.ask("/payments", right, "abc")[1]["code"], "idempotency_key_invalid")
        self.assertEqual(self.ask("/payments?wait=11", right, new_id())[1]["code"], "parameter_invalid")
        self.assertEqual(self.ask("/payments", b"[" * 60_000, new_id())[1]["code"], "body_invalid")
        self.assertEqual(self.ask("/payments", b" " * 70_000, new_id())[0], 413)
        self.assertEqual(self.ask("/payments/" + new_id())[0], 404)
        self.assertEqual(self.ask("/payments", right, new_id(), headers={"Origin": "http://evil.example"})[1]["code"],
                         "origin_refused")
        self.assertEqual(self.ask("/pipeline", headers={"Host": "evil.example"})[0], 403)
        old = "0190" + new_id()[4:]  # of the year 2024
        status, problem = self.pay(right, old)
        self.assertIn("id_expired", json.dumps(problem), (status, problem))

    def test_a_batch_answers_line_by_line(self):
        self.open_account("gw-f")
        self.open_account("gw-g", "0.00")
        ids = [new_id() for _ in range(50)]
        lines = [json.dumps({"id": each, "from": "gw-f", "to": "gw-g", "amount_minor": 1, "currency": "EUR"})
                 for each in ids]
        lines.insert(10, '{"id": "x"}')
        lines.insert(20, "")
        request = urllib.request.Request(f"http://{self.gateway.address()}/api/v1/payments:batch",
                                         data="\n".join(lines).encode(), headers={"Content-Type": "application/x-ndjson"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            answers = [json.loads(line) for line in answer.read().decode().splitlines()]
        self.assertEqual(len(answers), 51)
        self.assertEqual([a["payment_id"] for a in answers if a["status"] == "accepted"], ids)
        refused = [a for a in answers if a["status"] == "refused"]
        self.assertEqual([(a["line"], a["problem"]["field"]) for a in refused], [(11, "id")])
        wait_for("all of them end", lambda: self.balance("gw-g") == 50, 20)

    def test_pages_of_accounts_have_every_account_once(self):
        seen, cursor = [], ""
        while True:
            status, page = self.ask(f"/accounts?limit=17{cursor}")
            self.assertEqual((status, page["missing_partitions"]), (200, []))
            seen += [a["account"] for a in page["accounts"]]
            if page["next"] is None:
                break
            cursor = "&cursor=" + page["next"]
        self.assertEqual(len(seen), len(set(seen)))
        for number in range(1, self.ACCOUNTS + 1):
            self.assertIn(f"acc-{number}", seen)

    def test_the_pipeline_is_drained_with_proof_and_resumed(self):
        self.open_account("gw-h")
        self.open_account("gw-i", "0.00")
        self.assertEqual(self.ask("/pipeline:drain", {})[1]["code"], "field_missing")
        try:
            status, drained = self.ask("/pipeline:drain?wait=10", {"reason": "a test"})
            self.assertEqual((status, drained["drained"]), (200, True), drained)
            self.assertEqual(len(drained["intake"]), self.PARTITIONS)
            self.assertTrue(all(len(each["hash"]) == 32 for each in drained["intake"] + drained["settle"]))
            self.assertEqual(self.json("pipeline", "status")["desired"], "paused")
            key = new_id()
            status, taken = self.pay({"from": "gw-h", "to": "gw-i", "amount": "1.00", "currency": "EUR"}, key, wait=1)
            self.assertEqual((status, taken["status"]), (202, "accepted"), "it waits in the log")
            self.assertFalse(self.ask("/pipeline:drain", {"reason": "again"})[1]["changed"])
        finally:
            status, running = self.ask("/pipeline:resume?wait=10", {"reason": "done"})
        self.assertEqual((status, running["reached"]), (200, True), running)
        wait_for("it goes on", lambda: self.balance("gw-i") == 100, 20)

    def test_the_load_generator_starts_and_stops(self):
        status, problem = self.ask("/load:start", {"rate": 0, "accounts": 10, "reason": "x"})
        self.assertEqual((status, problem["field"]), (422, "rate"))
        status, load = self.ask("/load:start", {"rate": 200, "accounts": self.ACCOUNTS, "reason": "a test"})
        self.assertEqual((status, load["wanted"]["desired"]), (202, "running"), load)
        wait_for("payments complete at a rate", lambda: self.ask("/pipeline")[1]["rates"]["completed_per_s"] > 50, 30)
        wait_for("the generator says so", lambda: self.ask("/load")[1]["instances"][0]["load"]["generating"], 20)
        self.ask("/load:stop", {"reason": "done"})
        wait_for("it stops", lambda: self.ask("/load")[1]["reached"], 20)
        wait_for("the books are proven", lambda: self.ask("/books")[1]["state"] == "balanced", 60, 0.5)
        books = self.ask("/books")[1]["currencies"]["EUR"]
        self.assertEqual((books["conserved"], books["difference"]["value_minor"]), (True, "0"))
        total = int(books["opening"]["value_minor"]) + int(books["deposits"]["value_minor"])
        self.assertEqual(int(books["balances"]["value_minor"]) + int(books["in_transit"]["value_minor"]), total)

    def test_the_numbers_are_those_of_the_tables(self):
        def confirmed():
            return self.ask("/pipeline")[1]["totals"]["currencies"].get("EUR", {}).get("completed", {}).get("count", 0)
        wait_for("the snapshot has what settle has",
                 lambda: confirmed() == self.sum_of("settle", "totals", "EUR", "completed_count"), 20)
        snapshot = self.ask("/pipeline")[1]
        self.assertEqual([stage["stage"] for stage in snapshot["stages"]],
                         ["intake", "account", "settle", "confirmed", "throughput"])
        for stage in snapshot["stages"]:
            self.assertEqual([p["partition"] for p in stage["partitions"]], list(range(self.PARTITIONS)))
        self.assertGreater(len(snapshot["series"]), 0)

    def test_dead_letters_are_shown_with_their_bytes(self):
        self.rig._tool("send_record", (f"127.0.0.1:{self.PORT}", "kpay.payments.incoming", 1, "raw", "-", "00ff47"),
                       True, 30)
        found = wait_for("the letter", lambda: [l for l in self.ask("/dead-letters")[1]["letters"]
                                                if l["bytes_total"] == 3], 20)[0]
        self.assertEqual((found["topic"], found["partition"], found["bytes_total"]), ("kpay.payments.incoming", 1, 3))
        status, shown = self.ask(f"/dead-letters/{found['id'].replace('/', '%2F')}/reveal", {"reason": "a test"})
        self.assertEqual((status, shown["bytes_hex"]), (200, "00ff47"), shown)
        self.assertEqual(self.ask("/dead-letters?reason=nonsense")[1]["letters"], [])

    def test_many_listeners_take_few_threads(self):
        host, port = self.gateway.address().split(":")
        sockets = []
        try:
            for _ in range(500):
                sockets.append(socket.create_connection((host, int(port)), timeout=20))
                sockets[-1].sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
                text = b""
                while b"event: snapshot\ndata: {" not in text:
                    got = sockets[-1].recv(65536)
                    self.assertNotEqual(got, b"", text[:200])
                    text += got
            status = pathlib.Path(f"/proc/{self.gateway.process.pid}/status").read_text()
            threads = int(status.split("Threads:")[1].split()[0])
            self.assertLessEqual(threads, 64, "32 for HTTP, a few of its own, and those of the Kafka clients")
            self.assertEqual(self.ask("/system")[1]["streams"], 500)
        finally:
            for each in sockets:
                each.close()
        wait_for("they are forgotten", lambda: self.ask("/system")[1]["streams"] == 0, 20)

    def test_every_answer_is_one_that_the_description_has(self):
        document = self.ask("/openapi.json")[1]
        for path, verbs in document["paths"].items():
            if path == "/events":
                continue
            for verb, operation in verbs.items():
                real = path.replace("{id}", "x").replace("{code}", "not_found")
                status, answer = self.ask(real, {} if verb == "post" else None)
                self.assertIn(str(status), operation["responses"], (verb, path, answer))
                if status >= 400:
                    self.assertIn(answer["code"], [p["code"] for p in self.ask("/problems")[1]["problems"]])


class Killed(GatewayCase):
    """kill -9 of the gateway while many wait for its answer: whoever got none sends the same again (R2)."""
    PORT = 19715
    CLIENTS, ROUNDS = 24, 3

    @classmethod
    def prepare(cls, rig):
        super().prepare(rig)
        rig.add_journal()

    def payer(self, stop, answered, unanswered, path):
        """One payment after the other, until the gateway is gone; whose answer didn't come is unanswered."""
        host, port = self.gateway.address().split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=20)
        while not stop.is_set():
            key = new_id()
            try:
                connection.request("POST", path, json.dumps(self.payment), {"Content-Type": "application/json",
                                                                            "Idempotency-Key": key})
                answer = connection.getresponse()
                answer.read()
                answered[key] = answer.status
            except (OSError, http.client.HTTPException):
                unanswered.append(key)
                stop.set()
        connection.close()

    def kill_under_load(self):
        """{id: status} of those answered; the ids of those who waited for an answer when it died."""
        stop, answered, unanswered = threading.Event(), {}, []
        # Half of them are answered when the command is in the log, half when the payment has ended.
        clients = [threading.Thread(target=self.payer, args=(stop, answered, unanswered,
                                                             "/api/v1/payments" + ("?wait=10" if number % 2 else "")))
                   for number in range(self.CLIENTS)]
        for client in clients:
            client.start()
        wait_for("answers", lambda: len(answered) > 4 * self.CLIENTS)
        self.gateway.kill()
        for client in clients:
            client.join(30)
        self.gateway.start()
        wait_for("it is back", lambda: self.gateway.get("/readyz")[0] == 200, 30)
        return answered, unanswered

    def test_r2_whoever_got_no_answer_repeats_its_id_and_it_is_one_payment(self):
        self.open_account("gw-payer", "5000.00")
        self.open_account("gw-payee", "0.00")
        self.payment = {"from": "gw-payer", "to": "gw-payee", "amount_minor": 1, "currency": "EUR"}
        ids, there = [], 0
        for _ in range(self.ROUNDS):
            answered, unanswered = self.kill_under_load()
            self.assertLessEqual(set(answered.values()), {200, 202})
            self.assertTrue(unanswered, "somebody waited when it died")
            ids += [*answered, *unanswered]
            # What had reached the log by itself ends without its client; the rest never came.
            self.assertEqual(self.rig.ctl("books", "verify", "--wait-idle", 60, check=False).returncode, 0)
            ended = {each for each in unanswered if self.ask(f"/payments/{each}")[0] == 200}
            there += len(ended)
            for each in unanswered:
                status, done = self.ask("/payments?wait=10", self.payment, each)
                self.assertEqual((status, done["status"]), (200, "completed"), done)
            print(f"    {len(answered)} answered, {len(unanswered)} not; of these {len(ended)} were in the log", flush=True)
        self.assertGreater(there, 0, "nobody was cut off between produce and answer: this has tried nothing")
        self.assertEqual(len(ids), len(set(ids)))
        self.assertEqual({self.ask(f"/payments/{each}")[1].get("status") for each in ids}, {"completed"})
        self.assertEqual(self.balance("gw-payee"), len(ids), "one cent for each id, however often it was sent")
        self.assert_books_balance()
        self.assert_audited()
        self.assert_oracle_agrees()


class PartsGone(GatewayCase):
    PORT = 19710

    def test_a_killed_processor_is_named_the_rest_is_shown_and_it_heals(self):
        victim = self.rig.daemons["account-1"]
        had = [t["partition"] for t in victim.status()["tasks"] if t["stage"] == "account"]
        # Pages show what the checkpoints have written: the last account may still be on its way.
        wait_for("all accounts are there", lambda: len(self.ask("/accounts?limit=500")[1]["accounts"]) == self.ACCOUNTS)
        self.rig.daemons["account-2"].kill()
        victim.kill()
        page = wait_for("every partition is named", lambda: (lambda p: p if len(p["missing_partitions"]) ==
                        self.PARTITIONS else None)(self.ask("/accounts?limit=500")[1]), 20)
        self.assertEqual(page["accounts"], [])
        status, problem = self.ask("/accounts/acc-1")
        self.assertEqual((status, problem["code"]), (503, "partition_unavailable"), problem)
        self.assertEqual(len(problem["missing_partitions"]), 1)
        wait_for("the snapshot names them", lambda: {f"account/{p}" for p in had} <=
                 set(self.ask("/pipeline")[1]["missing_partitions"]), 30)
        self.rig.daemons["account-2"].start()
        victim.start()
        self.rig.wait_ready()
        wait_for("all accounts are there again",
                 lambda: len(self.ask("/accounts?limit=500")[1]["accounts"]) == self.ACCOUNTS, 30)
        wait_for("nothing is missing", lambda: not self.ask("/pipeline")[1]["missing_partitions"], 30)

    def test_it_stops_cleanly_with_listeners_and_waits_for_a_cluster(self):
        gateway = self.gateway
        host, port = gateway.address().split(":")
        with socket.create_connection((host, int(port)), timeout=10) as listener:
            listener.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
            listener.recv(100)
            began = time.monotonic()
            self.assertEqual(gateway.stop(), 0)
            self.assertLess(time.monotonic() - began, 15)
        gateway.log.unlink()
        gateway.config.write_text(gateway.config.read_text().replace(f":{self.PORT}]", ":19719]"))
        gateway.start()
        wait_for("it serves while no broker answers", lambda: gateway.get("/readyz")[0] == 503, 20)
        self.assertEqual(self.ask("/pipeline")[1]["code"], "cluster_unavailable")
        self.assertEqual(gateway.stop(), 0)
        gateway.log.unlink()
        gateway.write_config()
        gateway.start()
        wait_for("it is ready again", lambda: gateway.get("/readyz")[0] == 200, 30)

    def test_its_command_line_checks_the_file(self):
        binary = str(self.rig.bin / "kpay-gateway")
        bad = self.rig.folder / "bad.yaml"
        bad.write_text(self.gateway.config.read_text().replace("127.0.0.1:0", "0.0.0.0:8080"))
        done = subprocess.run([binary, "config", "check", str(bad)], capture_output=True, text=True, env=os.environ)
        self.assertEqual(done.returncode, 78)
        self.assertIn("is not loopback", done.stderr)
        done = subprocess.run([binary, "selfcheck", "--config", str(self.gateway.config)], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("cluster: ok, 4 partitions", done.stdout)


if __name__ == "__main__":
    assert (ROOT / "build/release/bin/kpay-gateway").exists(), "scripts/build release binaries"
    unittest.main()
