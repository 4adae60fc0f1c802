"""Payments flow end to end through real processes and a real broker."""

import http.client
import json
import re
import signal
import subprocess
import unittest

from suite import RigCase, wait_for


class Flow(RigCase):
    PORT = 19500

    def test_a_payment_moves_money_and_says_so(self):
        self.rig.ctl("accounts", "open", "alice", "--currency", "EUR", "--opening", "100.00", "--wait")
        self.rig.ctl("accounts", "open", "bob", "--currency", "EUR", "--opening", "0.00", "--wait")
        sent = self.json("payments", "send", "--from", "alice", "--to", "bob", "--amount", "12.34",
                         "--currency", "EUR", "--wait")
        self.assertEqual(sent["status"], "completed", sent)
        self.assertEqual(self.json("accounts", "get", "alice")["balance_minor"], 8766)
        self.assertEqual(self.json("accounts", "get", "bob")["balance_minor"], 1234)

    def test_a_refused_credit_comes_back_to_the_payer(self):
        self.rig.ctl("accounts", "open", "carol", "--currency", "EUR", "--opening", "50.00", "--wait")
        done = self.rig.ctl("payments", "send", "--from", "carol", "--to", "nobody", "--amount", "20.00",
                            "--currency", "EUR", "--wait", "--json", check=False)
        self.assertIn("account_not_found", done.stdout + done.stderr)
        self.assertEqual(self.json("accounts", "get", "carol")["balance_minor"], 5000)

    def test_an_interrupted_payment_says_how_to_go_on(self):
        self.rig.ctl("accounts", "open", "dora", "--currency", "EUR", "--opening", "100.00", "--wait")
        self.rig.ctl("accounts", "open", "emil", "--currency", "EUR", "--opening", "0.00", "--wait")
        self.rig.ctl("pipeline", "pause", "--reason", "test")
        payment = ("payments", "send", "--from", "dora", "--to", "emil", "--amount", "1.00", "--currency", "EUR",
                   "--wait", "--json")
        waiting = self.rig.ctl_begun(*payment)
        with self.assertRaises(subprocess.TimeoutExpired):
            waiting.wait(timeout=3)  # intake is paused: it waits for its outcome
        waiting.send_signal(signal.SIGINT)
        said = waiting.communicate(timeout=10)
        self.assertEqual((waiting.returncode, said[0]), (130, ""), said)
        repeat = re.search(r"interrupted; .*--id ([0-9a-f-]{36})", said[1])
        self.assertTrue(repeat, said[1])
        self.rig.ctl("pipeline", "resume", "--reason", "test")
        done = self.json(*payment, "--id", repeat.group(1))
        self.assertEqual((done["payment_id"], done["status"]), (repeat.group(1), "completed"), done)
        self.assertEqual(self.json("accounts", "get", "emil")["balance_minor"], 100)

    def test_a_load_of_payments_ends_with_balanced_books(self):
        self.rig.load("run", "--rate", 2000, "--duration", "5s", "--accounts", self.ACCOUNTS,
                      "--currency", "EUR", "--bad-share", "0.02", "--seed", 7, capture_output=True)
        self.assert_books_balance()

    def test_a_file_loaded_twice_has_one_effect(self):
        sample = self.rig.folder / "twice.csv"
        with open(sample, "wb") as out:
            self.rig.load("generate", "--count", 2000, "--bad", 40, "--accounts", self.ACCOUNTS,
                          "--seed", 3, stdout=out)
        manifest = self.rig.folder / "twice.manifest"
        self.rig.load("file", sample, "--manifest", manifest, check=False, capture_output=True)
        self.assert_books_balance()
        before = self.sum_of("intake", "totals", "EUR", "accepted_count")
        self.rig.load("file", sample, "--manifest", manifest, check=False, capture_output=True)
        self.assert_books_balance()
        self.assertEqual(self.sum_of("intake", "totals", "EUR", "accepted_count"), before)
        self.assertGreater(self.sum_of("intake", "totals", "EUR", "duplicates"), 1900)

    def test_every_daemon_serves_health_metrics_and_tables(self):
        for daemon in self.rig.daemons.values():
            for path in ("/healthz", "/readyz", "/metrics", "/status", "/tables"):
                code, body = daemon.get(path)
                self.assertEqual(code, 200, f"{daemon.instance} {path}: {body}")
            for table in json.loads(daemon.get("/tables")[1])["tables"]:
                self.assertEqual(daemon.get(f"/tables/{table}?limit=5")[0], 200, table)
        code, body = self.rig.daemons["account-1"].get("/tables/nothing")
        self.assertEqual(code, 404, body)

    def test_nobody_can_change_anything_through_a_daemons_own_port(self):
        """Any method that writes, on each path of docs/http-tables.md: 405 with the methods there are."""
        for daemon in self.rig.daemons.values():
            for path in ("/healthz", "/readyz", "/metrics", "/status", "/tables", "/tables/account.accounts",
                         "/tables/account.accounts/acc-0"):
                for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
                    code, headers = self.ask(daemon, method, path)
                    self.assertEqual((code, headers.get("Allow")), (405, "GET, HEAD"), f"{daemon.instance} {method} {path}")
                self.assertNotEqual(self.ask(daemon, "HEAD", path)[0], 405, path)
            for path in ("/pause", "/drain", "/admin", "/query/payments", "/audit", "/../status"):
                for method in ("GET", "POST"):
                    self.assertEqual(self.ask(daemon, method, path)[0], 404, f"{daemon.instance} {method} {path}")

    @staticmethod
    def ask(daemon, method, path):
        connection = http.client.HTTPConnection(daemon.address(), timeout=5)
        try:
            connection.request(method, path, body=b"{}" if method in ("POST", "PUT", "PATCH") else None)
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.headers
        finally:
            connection.close()

    def accounts_by_pages(self):
        keys = []
        for daemon in (d for d in self.rig.daemons.values() if d.kind == "account"):
            cursor = ""
            while True:
                page = json.loads(daemon.get(f"/tables/account.accounts?limit=7{cursor}")[1])
                keys += [row["key"] for row in page["rows"]]
                if page["next"] is None:
                    break
                cursor = "&cursor=" + page["next"]
        self.assertEqual(len(keys), len(set(keys)))
        return len([key for key in keys if not key.startswith("suspense")])

    def test_pages_of_a_table_have_every_row_once(self):
        # Pages show what the checkpoints have written: the last account opened may still be on its way.
        wait_for("the pages have as many accounts as were opened",
                 lambda: self.accounts_by_pages() == self.sum_of("account", "totals", "EUR", "opened_count"))


class Pause(RigCase):
    PORT = 19510

    def test_a_drain_completes_what_is_in_flight_and_outlives_a_restart(self):
        self.rig.load("run", "--rate", 1000, "--duration", "2s", "--accounts", self.ACCOUNTS,
                      "--currency", "EUR", "--bad-share", "0.05", capture_output=True)
        drained = self.json("pipeline", "drain", "--reason", "test", "--yes")
        self.assertTrue(drained["drained"], drained)
        before = self.sum_of("intake", "totals", "EUR", "accepted_count")
        self.rig.daemons["inflight-1"].stop()
        self.rig.daemons["inflight-1"].start()
        self.rig.wait_ready()
        self.rig.ctl("payments", "send", "--from", "acc-1", "--to", "acc-2", "--amount", "1.00",
                     "--currency", "EUR")
        with self.assertRaises(AssertionError):
            wait_for("nothing", lambda: self.sum_of("intake", "totals", "EUR", "accepted_count") > before,
                     timeout=3)
        self.rig.ctl("pipeline", "resume", "--reason", "test")
        wait_for("the payment after the pause",
                 lambda: self.sum_of("intake", "totals", "EUR", "accepted_count") == before + 1)
        self.assert_books_balance()
        self.assert_oracle_agrees()


if __name__ == "__main__":
    unittest.main()
