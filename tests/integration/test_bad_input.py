"""Whatever a client or an attacker writes: a refusal or a dead letter with its name, and the flow goes on."""

import json
import time
import unittest
import uuid

from suite import RigCase, wait_for


def uuid7(at_ms):
    """A version 7 id of that time, in hexadecimal."""
    tail = uuid.uuid4().hex
    return f"{at_ms:012x}7{tail[1:4]}8{tail[5:8]}{tail[8:20]}"


class BadInput(RigCase):
    PORT = 19530
    PARTITIONS = 2

    def send(self, topic, partition, *arguments):
        return self.rig._tool("send_record",
                              (f"127.0.0.1:{self.PORT}", topic, partition, *arguments), True, 30)

    def pay(self, *arguments, check=False):
        return self.rig.ctl("payments", "send", *arguments, "--wait", "--json", check=check)

    def letters(self):
        return self.json("dlq", "list", "--limit", 1000)["letters"]

    def assert_letter(self, reason, before):
        def came():
            return any(letter["reason"] == reason for letter in self.letters()[before:])
        wait_for(f"a dead letter '{reason}'", came, timeout=20)

    def tearDown(self):
        # The flow goes on: a good payment still comes through.
        done = self.pay("--from", "acc-1", "--to", "acc-2", "--amount", "0.01", "--currency", "EUR")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_refusals_have_their_names(self):
        self.rig.ctl("accounts", "open", "usd", "--currency", "USD", "--opening", "5.00", "--wait")
        for arguments, name in (
                (("--from", "acc-1", "--to", "acc-1", "--amount", "1.00"), "accounts_must_differ"),
                (("--from", "acc-1", "--to", "acc-2", "--amount=-1.00"), "amount_must_be_positive"),
                (("--from", "acc-1", "--to", "acc-2", "--amount", "99999999999999.00"), "amount_exceeds_limit"),
                (("--from", "ghost", "--to", "acc-2", "--amount", "1.00"), "account_not_found"),
                (("--from", "acc-1", "--to", "ghost", "--amount", "1.00"), "account_not_found"),
                (("--from", "acc-1", "--to", "usd", "--amount", "1.00"), "currency_must_match_account"),
                (("--from", "acc-1", "--to", "acc-2", "--amount", "99999.00"), "exceeds_balance")):
            done = self.pay(*arguments, "--currency", "EUR")
            self.assertIn(name, done.stdout + done.stderr, arguments)
            self.assertNotEqual(done.returncode, 0, arguments)

    def test_the_same_id_with_other_content_is_a_conflict(self):
        first = ("--id", str(uuid.UUID(uuid7(int(time.time() * 1000)))), "--from", "acc-3", "--to", "acc-4",
                 "--currency", "EUR")
        self.assertEqual(self.pay(*first, "--amount", "1.00").returncode, 0)
        self.assertEqual(self.pay(*first, "--amount", "1.00").returncode, 0, "the same again: the first answer")
        before = self.sum_of("intake", "totals", "EUR", "rejected")
        self.rig.ctl("payments", "send", *first, "--amount", "2.00", check=False)
        wait_for("the conflict", lambda: self.sum_of("intake", "totals", "EUR", "rejected") == before + 1)

    def test_a_deposit_sent_twice_is_made_once(self):
        ident = str(uuid.UUID(uuid7(int(time.time() * 1000))))
        balance = self.json("accounts", "get", "acc-5")["balance_minor"]
        for _ in range(2):
            self.rig.ctl("accounts", "deposit", "acc-5", "--amount", "7.00", "--currency", "EUR", "--id", ident,
                         "--wait", check=False)
        time.sleep(1)
        self.assertEqual(self.json("accounts", "get", "acc-5")["balance_minor"], balance + 700)

    def test_ids_ten_years_off_are_rejected_both_ways(self):
        decade = 10 * 365 * 86400 * 1000
        for offset in (-decade, decade):
            before = self.sum_of("intake", "totals", "EUR", "rejected")
            ident = str(uuid.UUID(uuid7(int(time.time() * 1000) + offset)))
            self.rig.ctl("payments", "send", "--id", ident, "--from", "acc-1", "--to", "acc-2", "--amount",
                         "1.00", "--currency", "EUR", check=False)
            wait_for("the rejection", lambda: self.sum_of("intake", "totals", "EUR", "rejected") == before + 1)

    def test_malformed_events_are_dead_letters(self):
        for arguments, reason in (((("raw", "-", "ffffffff"),), "undecodable"),
                                  ((("raw", "-", "-"),), "empty_record"),
                                  ((("raw", "-", "fa3f03010203"),), "unknown_kind"),
                                  ((("zeros", 2 * 1024 * 1024),), "too_large")):
            before = len(self.letters())
            self.send("kpay.payments.incoming", 0, *arguments[0])
            self.assert_letter(reason, before)

    def test_a_record_on_the_wrong_partition_is_a_dead_letter(self):
        payments = [d for d in self.rig.daemons.values() if d.kind == "inflight"]
        self.assertTrue(payments)
        before = len(self.letters())
        # An OpenAccount for "acc-1" belongs to one partition: sent to both, one is wrong.
        ident = uuid7(int(time.time() * 1000))
        done = self.rig.ctl("accounts", "open", "wrong-place", "--currency", "EUR", "--opening", "1.00", "--id",
                            str(uuid.UUID(ident)), "--dump-record", "--json", check=False)
        record = json.loads(done.stdout)
        self.send("kpay.payments.incoming", 1 - record["partition"], "raw", record["key"], record["value"])
        self.assert_letter("wrong_partition", before)

    def test_forged_frames_are_dead_letters(self):
        before = len(self.letters())
        self.send("kpay.payments.inflight", 0, "frame", str(uuid.uuid4()), 1, 0, 1, "00")
        self.assert_letter("foreign_lineage", before)


class Garbage(RigCase):
    """An internal record whose header can't be read holds its task, and only that one (R9)."""
    PORT = 19540
    PARTITIONS = 2

    def test_one_task_is_held_and_the_others_run(self):
        self.rig._tool("send_record", (f"127.0.0.1:{self.PORT}", "kpay.payments.inflight", 1, "raw", "-", "4b4600"),
                       True, 30)

        def phases():
            return {t["partition"]: (t["phase"], t["reason"]) for d in self.rig.daemons.values()
                    for t in (d.status() or {"tasks": []})["tasks"] if t["stage"] == "account"}
        wait_for("account/1 is held", lambda: phases().get(1, ("",))[0] == "held")
        self.assertIn("header", phases()[1][1])
        self.assertEqual(phases()[0][0], "running")


if __name__ == "__main__":
    unittest.main()
