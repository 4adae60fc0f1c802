"""The query side on a real broker: journeys, lists, postings and statements agree with the daemons' tables, follow the
log through kill -9, and are built again with the same rows when their file is deleted."""

import json
import shutil
import sqlite3
import subprocess
import threading
import time
import unittest
import uuid

from suite import ROOT, RigCase, wait_for

TABLES = {
    "journeys": "id, kind, status, refusal, payer, payee, minor, currency, reference, accepted_ms, finished_ms, hops",
    "touches": "account, accepted_ms, id, status",
    "postings": "account, posted_ms, offset, idx, kind, delta, balance, currency, id"}


class Query(RigCase):
    PORT = 19780
    PARTITIONS = 3
    ACCOUNTS = 60
    BROKER = "producer.id.expiration.ms=2000\n"

    @classmethod
    def prepare(cls, rig):
        cls.journal = rig.add_journal()
        cls.journal.write_config(changes="true")

    def ask(self, path):
        status, body = self.journal.query(path)
        self.assertEqual(status, 200, body)
        return body

    def wait_for_now(self):
        """Everything that stands in the log now can be asked; postings need one more checkpoint."""
        asked = time.time() * 1000

        def is_new():
            status, page = self.journal.query("/payments?limit=1")
            return status == 200 and page["as_of_ms"] > asked + 2500
        wait_for("the query side to be as new as now", is_new, timeout=60)

    def rows(self):
        with sqlite3.connect(f"file:{self.journal.folder}/query/query.db?mode=ro", uri=True) as database:
            return {table: sorted(database.execute(f"SELECT {columns} FROM {table}").fetchall(), key=repr)
                    for table, columns in TABLES.items()}

    def pages(self, path, member, **parameters):
        found, cursor = [], None
        while True:
            page = self.ask(path + "?" + "&".join(
                f"{k}={v}" for k, v in {**parameters, **({"cursor": cursor} if cursor else {})}.items()))
            found += page[member]
            cursor = page["next"]
            if cursor is None:
                return found

    def accounts(self):
        """All, as the daemons have them."""
        accounts, cursor = [], []
        while cursor is not None:
            page = self.json("accounts", "list", "--limit", 1000, *cursor)
            accounts += page["accounts"]
            cursor = page["next"] and ["--cursor", page["next"]]
        return accounts

    def test_1_a_payments_journey_is_told_hop_by_hop(self):
        for account, opening in (("q-a", "100.00"), ("q-b", "0.00")):
            self.json("accounts", "open", account, "--currency", "EUR", "--opening", opening, "--wait")
        sent = self.json("payments", "send", "--from", "q-a", "--to", "q-b", "--amount", "12.34", "--currency", "EUR",
                         "--reference", "rent", "--wait")
        self.assertEqual(sent["status"], "completed", sent)
        self.wait_for_now()
        told = self.json("payments", "journey", sent["payment_id"])
        self.assertEqual([hop["what"] for hop in told["hops"]], ["command", "debit", "credit", "outcome", "result"])
        self.assertEqual((told["payment"]["reference"], told["payment"]["amount"], told["payment"]["status"]),
                         ("rent", "12.34", "completed"))
        for before, hop in zip(told["hops"], told["hops"][1:4]):
            self.assertEqual(hop["cause"], before["place"])
            self.assertEqual(hop["passed_ms"], hop["appended_at_ms"] - before["appended_at_ms"])
            self.assertIn(hop["sender"]["instance"], self.rig.daemons)
        debit, credit = told["hops"][1]["posting"], told["hops"][2]["posting"]
        self.assertEqual((debit["account"], debit["before"], debit["after"]), ("q-a", "100.00", "87.66"))
        self.assertEqual((credit["account"], credit["before"], credit["after"]), ("q-b", "0.00", "12.34"))
        listed = self.json("payments", "list", "--account", "q-b")["payments"]
        self.assertEqual([each["payment_id"] for each in listed], [sent["payment_id"]])
        lines = self.json("accounts", "statement", "q-b")
        self.assertEqual((lines["opening"], [(each["kind"], each["amount"], each["balance"]) for each in lines["lines"]],
                          lines["closing"]),
                         ("0.00", [("opening", "0.00", "0.00"), ("credit", "12.34", "12.34")], "12.34"))
        self.assertIn("debit", self.rig.ctl("accounts", "postings", "q-a").stdout)

    def test_2_statements_agree_with_the_tables_after_load_and_kills(self):
        load = threading.Thread(target=self.rig.load, args=(
            "run", "--rate", 200, "--duration", "10s", "--accounts", self.ACCOUNTS, "--currency", "EUR",
            "--bad-share", "0.05", "--amount-max", "400.00"), kwargs={"capture_output": True, "check": False})
        load.start()
        for instance in ("journal-1", "account-1", "journal-1"):
            time.sleep(2)
            self.rig.daemons[instance].kill()
            self.rig.daemons[instance].start()
        load.join()
        self.rig.wait_ready()
        self.assert_books_balance()
        self.wait_for_now()
        accounts = self.accounts()
        self.assertGreaterEqual(len(accounts), self.ACCOUNTS)
        for account in accounts:
            name = account["account"]
            statement = self.ask(f"/accounts/{name}/statement?limit=5000")
            balance = int(statement["opening_minor"])
            for line in statement["lines"]:
                balance += int(line["amount_minor"])
                self.assertEqual(balance, int(line["balance_minor"]), name)
            self.assertEqual((balance, statement["next"]), (int(statement["closing_minor"]), None), name)
            self.assertEqual(balance, int(account["balance_minor"]), account)
            self.assertEqual(int(self.ask(f"/accounts/{name}/balance")["balance_minor"]), balance)
        completed, failed = ([each for each in self.pages("/payments", "payments", limit=500, status=status)
                              if each["currency"] == "EUR"] for status in ("completed", "failed"))
        self.assertEqual(len({each["payment_id"] for each in completed}), len(completed))
        self.assertEqual((len(completed), len(failed)),
                         (self.sum_of("settle", "totals", "EUR", "completed_count"),
                          self.sum_of("settle", "totals", "EUR", "failed_count") +
                          self.sum_of("settle", "totals", "EUR", "failed_at_intake_count")))
        self.assertEqual(self.pages("/payments", "payments", status="in_flight"), [])

    def assert_same_rows(self, before):
        self.wait_for_now()
        after = self.rows()
        for table in TABLES:
            self.assertEqual(before[table], after[table], table)

    def set_aside(self):
        return sorted(path.name.rsplit("-", 2)[-2:] for path in (self.journal.folder / "state").glob("*.aside-*"))

    def query_status(self):
        return json.loads(self.journal.get("/status")[1])["query"]

    def test_3_after_kill_9_it_goes_on_where_the_auditor_goes_on(self):
        self.wait_for_now()
        before = self.rows()
        self.journal.kill()
        self.journal.start()
        self.assert_same_rows(before)
        self.assertEqual(self.set_aside(), [])
        self.assertLess(self.query_status()["known_events"], len(before["postings"]), "the log was not read again")

    def test_4_a_deleted_or_older_file_is_built_again_with_the_same_rows(self):
        self.wait_for_now()
        self.assertEqual(self.journal.stop(), 0)
        older = self.journal.folder / "older"
        shutil.copytree(self.journal.folder / "query", older)
        self.journal.start()
        self.rig.load("run", "--rate", 100, "--duration", "2s", "--accounts", self.ACCOUNTS, "--currency", "EUR",
                      capture_output=True)
        self.wait_for_now()
        before = self.rows()
        self.assertGreater(len(before["journeys"]), 1000)
        for step, place in enumerate((None, older)):
            self.assertEqual(self.journal.stop(), 0)
            shutil.rmtree(self.journal.folder / "query")
            if place:
                shutil.copytree(place, self.journal.folder / "query")
            self.journal.start()
            self.assert_same_rows(before)
            self.assertEqual(self.set_aside(), [["read", "again"]] * (step + 1))
            self.assert_conserved()

    def changes(self):
        """Every record of accounts.changes, by Kafka's own consumer: lines of JSON."""
        consumer = ('. scripts/lib.sh; exec java -cp "$cache/kafka/libs/*" org.apache.kafka.tools.consumer.ConsoleConsumer '
                    f"--bootstrap-server 127.0.0.1:{self.PORT} --topic kpay.accounts.changes --from-beginning "
                    "--timeout-ms 8000")
        done = subprocess.run(["bash", "-c", consumer], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
        self.assertIn("Processed a total of", done.stdout + done.stderr)
        return [line for line in done.stdout.splitlines() if line.startswith("{")]

    def test_5_the_change_stream_is_whole_in_order_and_makes_an_equal_table(self):
        """After kills, and after the file that it is told from was deleted and put back (2 to 4)."""
        self.wait_for_now()
        lines = self.changes()
        newest = {}
        for change in map(json.loads, lines):
            key = change["partition"]
            self.assertGreater(change["version"], newest.get(key, -1), f"again, or out of order: {change}")
            newest[key] = change["version"]
        postings = [(row[0], row[2], row[3]) for row in self.rows()["postings"]]
        self.assertEqual(sorted((c["account"], c["offset"], c["index"]) for c in map(json.loads, lines)), sorted(postings))

        view = self.rig.folder / "accounts.db"
        told = subprocess.run([str(ROOT / "docs/samples/accounts_view.py"), str(view)], input="\n".join(lines), text=True,
                              capture_output=True, check=True).stdout
        with sqlite3.connect(view) as database:
            rows = {account: (currency, int(minor)) for account, currency, minor in database.execute(
                "SELECT account, currency, balance_minor FROM accounts")}
        self.assertEqual(rows, {each["account"]: (each["currency"], int(each["balance_minor"])) for each in self.accounts()},
                         told)
        # From any place again, it changes nothing.
        again = subprocess.run([str(ROOT / "docs/samples/accounts_view.py"), str(view)], text=True, check=True,
                               input="\n".join(lines[len(lines) // 2:]), capture_output=True).stdout
        self.assertIn(" 0 changes taken", again)

    def test_6_where_the_log_is_trimmed_the_auditor_stays_and_the_file_begins_with_balances(self):
        self.wait_for_now()
        wait_for("a kept state", lambda: self.journal.audit()["kept"], timeout=40)
        self.rig.load("run", "--rate", 100, "--duration", "2s", "--accounts", self.ACCOUNTS, "--currency", "EUR",
                      capture_output=True)
        self.wait_for_now()
        self.assertEqual(self.journal.stop(), 0)
        kept = len(self.set_aside())
        wait_for("something to trim", lambda: self.json("topics", "trim", "--keep", "2s", "--yes")["changed"], timeout=60)
        shutil.rmtree(self.journal.folder / "query")
        self.journal.start()
        self.wait_for_now()
        self.assert_conserved()
        self.assertEqual(len(self.set_aside()), kept, "the auditor went on")
        self.rig.load("run", "--rate", 100, "--duration", "2s", "--accounts", self.ACCOUNTS, "--currency", "EUR",
                      capture_output=True)
        self.wait_for_now()
        for account in self.accounts():
            statement = self.ask(f"/accounts/{account['account']}/statement?limit=5000")
            self.assertEqual(statement["from_ms"], statement["kept_from_ms"])
            self.assertEqual(int(statement["closing_minor"]), int(account["balance_minor"]), account)
            self.assertEqual(int(statement["opening_minor"]) + sum(int(line["amount_minor"]) for line in statement["lines"]),
                             int(statement["closing_minor"]))
        self.assertEqual(self.journal.query(f"/accounts/{account['account']}/statement?from_ms=1")[0], 410)
        self.assertEqual({row[5] for row in self.rows()["postings"] if row[4] == 8}, {0}, "lines `carried` move nothing")

    def assert_conserved(self):
        wait_for("conserved", lambda: (self.journal.audit() or {}).get("state") == "conserved", timeout=60)

    def test_7_what_is_wrong_is_said(self):
        for path, status in (("/payments?status=lost", 400), ("/payments?limit=0", 400), ("/payments?cursor=x", 400),
                             ("/accounts/nobody/statement", 404), (f"/payments/{uuid.uuid4()}", 404)):
            got, problem = self.journal.query(path)
            self.assertEqual(got, status, problem)
            self.assertTrue(problem["detail"])
        done = self.rig.ctl("payments", "list", "--from", "yesterday", check=False)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn("is no time", done.stderr)

    def test_8_without_a_journal_it_is_said(self):
        self.assertEqual(self.journal.stop(), 0)
        done = self.rig.ctl("payments", "list", "--json", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("no kpay-journal is there", json.loads(done.stdout)["error"]["message"])


if __name__ == "__main__":
    unittest.main()
