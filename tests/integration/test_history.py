"""The gateway asks kpay-journal: lists, journeys, postings, statements; and says so when no journal answers."""

import signal
import time
import unittest
import urllib.parse

from suite import wait_for
from test_gateway import GatewayCase, new_id


class History(GatewayCase):
    PORT = 19790
    PARTITIONS = 3
    ACCOUNTS = 60

    @classmethod
    def prepare(cls, rig):
        super().prepare(rig)
        cls.journal = rig.add_journal()

    def get(self, path, expected=200, **parameters):
        query = "?" + urllib.parse.urlencode(parameters) if parameters else ""
        status, body = self.ask(path + query)
        self.assertEqual(status, expected, body)
        return body

    def pay(self, source, target, amount, reference="rent"):
        status, done = self.ask("/payments?wait=10", {"from": source, "to": target, "amount": amount, "currency": "EUR",
                                                      "reference": reference}, new_id())
        self.assertEqual((status, done["status"]), (200, "completed"), done)
        return done["payment_id"]

    def wait_for_now(self):
        """Everything that stands in the log now can be asked; postings need one more checkpoint."""
        asked = time.time() * 1000

        def is_new():
            page = self.ask("/payments?limit=1")[1]
            return page.get("journal") and page["as_of_ms"] > asked + 2500
        wait_for("the journal to be as new as now", is_new, timeout=60)

    def all_pages(self, path, member, **parameters):
        found, cursor = [], {}
        while True:
            page = self.get(path, **parameters, **cursor)
            found += page[member]
            if page["next"] is None:
                return found
            cursor = {"cursor": page["next"]}

    def test_1_a_journey_postings_and_a_statement_say_what_the_tables_say(self):
        self.open_account("h-a")
        self.open_account("h-b", "0.00")
        payments = [self.pay("h-a", "h-b", f"{number}.34") for number in range(1, 6)]
        self.wait_for_now()
        told = self.get(f"/payments/{payments[0]}/journey")
        self.assertEqual([hop["what"] for hop in told["hops"]], ["command", "debit", "credit", "outcome", "result"])
        self.assertEqual((told["payment"]["status"], told["payment"]["amount"], told["payment"]["reference"]),
                         ("completed", "1.34", "rent"))
        self.assertEqual((told["hops"][1]["posting"]["before"], told["hops"][1]["posting"]["after"]), ("100.00", "98.66"))
        self.assertEqual(told["journal"], "journal-1")
        for account in ("h-a", "h-b"):
            balance = self.balance(account)
            lines = self.all_pages(f"/accounts/{account}/postings", "postings", limit=2)
            self.assertEqual(len(lines), 6, "the opening and five payments")
            self.assertEqual(int(lines[0]["balance_minor"]), balance, "newest first")
            statement = self.get(f"/accounts/{account}/statement")
            self.assertEqual((statement["opening_minor"], int(statement["closing_minor"])), ("0", balance))
            self.assertEqual([line["id"] for line in statement["lines"]], [line["id"] for line in reversed(lines)])
            self.assertEqual(int(self.get(f"/accounts/{account}/balance")["balance_minor"]), balance)
            at = lines[2]["posted_at_ms"]
            self.assertEqual(self.get(f"/accounts/{account}/balance", at=at)["balance"], lines[2]["balance"])

    def test_2_lists_are_by_account_status_and_time_and_page_through_all(self):
        refused = self.ask("/payments?wait=10", {"from": "h-a", "to": "nobody", "amount": "1.00", "currency": "EUR"},
                           new_id())[1]
        self.assertEqual(refused["status"], "failed", refused)
        self.rig.load("run", "--rate", 200, "--duration", "2s", "--accounts", self.ACCOUNTS, "--currency", "EUR",
                      capture_output=True)
        self.wait_for_now()
        everything = self.all_pages("/payments", "payments", limit=100)
        ids = [each["payment_id"] for each in everything]
        self.assertGreater(len(ids), 300)
        self.assertEqual(len(ids), len(set(ids)))
        times = [each["accepted_at_ms"] for each in everything]
        self.assertEqual(times, sorted(times, reverse=True))
        failed = self.all_pages("/payments", "payments", status="failed", limit=50)
        self.assertEqual([each["payment_id"] for each in failed],
                         [each["payment_id"] for each in everything if each["status"] == "failed"])
        self.assertIn(refused["payment_id"], [each["payment_id"] for each in failed])
        mine = self.all_pages("/payments", "payments", account="h-a", limit=3)
        self.assertEqual([each["payment_id"] for each in mine],
                         [each["payment_id"] for each in everything if "h-a" in (each["from"], each["to"])])
        middle = times[len(times) // 2]
        newer = self.all_pages("/payments", "payments", limit=500, **{"from": middle})
        older = self.all_pages("/payments", "payments", limit=500, to=middle)
        self.assertEqual([each["payment_id"] for each in newer + older], ids)
        self.assertEqual(self.get("/payments", to="2020-01-01")["payments"], [])

    def test_3_what_is_wrong_is_named_with_what_would_be_right(self):
        for path, field in (("/payments?status=lost", "status"), ("/payments?limit=501", "limit"),
                            ("/payments?from=yesterday", "from"), ("/accounts/h-a/statement?to=2026-13-01", "to"),
                            ("/accounts/h-a/balance?at=now", "at"), ("/payments?account=no%20id", "account"),
                            ("/payments?cursor=" + 90 * "x", "cursor")):
            status, problem = self.ask(path)
            self.assertEqual((status, problem["code"], problem["field"]), (400, "parameter_invalid", field), problem)
            self.assertTrue(problem["expected"])
        self.assertEqual(self.get("/payments?cursor=x", 400)["code"], "parameter_invalid")
        for path in ("/payments/x/journey", f"/payments/{new_id()}/journey", "/accounts/nobody/statement",
                     "/accounts/no%20id/postings", "/accounts/nobody/balance"):
            self.assertEqual(self.get(path, 404)["code"], "not_found")
        self.assertEqual(self.get("/accounts/nobody/postings")["postings"], [])

    def assert_nobody_answers(self):
        page = self.get("/payments", account="h-a", limit=3)
        self.assertEqual((page["journal"], page["next"], len(page["payments"])), (None, None, 3), "what it has seen end")
        for path in ("/payments?from=2026-01-01", f"/payments/{page['payments'][0]['payment_id']}/journey",
                     "/accounts/h-a/postings", "/accounts/h-a/statement", "/accounts/h-a/balance"):
            problem = self.get(path, 503)
            self.assertEqual(problem["code"], "journal_unavailable")
            self.assertTrue(problem["detail"])

    def test_4_without_a_journal_it_is_said_and_the_newest_are_still_listed(self):
        for _ in range(3):
            self.pay("h-a", "h-b", "0.01")
        self.journal.process.send_signal(signal.SIGSTOP)
        try:
            began = time.monotonic()
            self.assert_nobody_answers()
            self.assertLess(time.monotonic() - began, 15, "what doesn't answer isn't waited for each time")
        finally:
            self.journal.process.send_signal(signal.SIGCONT)
        wait_for("it answers again", lambda: self.ask("/payments")[1]["journal"] == "journal-1", timeout=30)
        self.journal.kill()
        self.assert_nobody_answers()
        self.journal.start()
        self.wait_for_now()
        self.assertEqual(self.journal.stop(), 0)
        self.assert_nobody_answers()
        wait_for("why", lambda: "no kpay-journal is there" in self.get("/accounts/h-a/postings", 503)["detail"], timeout=10)


if __name__ == "__main__":
    unittest.main()
