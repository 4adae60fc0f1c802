"""The conservation auditor on a real broker: conserved under load and through crashes; what is forged, altered or
dropped on an internal topic is named within five seconds."""

import pathlib
import re
import struct
import threading
import time
import unittest

from suite import ROOT, RigCase, wait_for

NAMED_WITHIN = 5  # seconds, of the crash table's last line


class AuditCase(RigCase):
    PARTITIONS = 3

    @classmethod
    def prepare(cls, rig):
        cls.journal = rig.add_journal()

    def audit(self):
        statement = self.journal.audit()
        self.assertIsNotNone(statement, "the journal doesn't answer")
        return statement

    def assert_nothing_found(self):
        self.assertEqual(self.journal.findings(), [])

    def assert_conserved(self, within=30):
        """Everything that stands in the log now is audited, and nothing is wrong."""
        asked = time.time() * 1000
        statement = wait_for("a statement about now", lambda: next(
            (s for s in [self.journal.audit()] if s and s["as_of_ms"] > asked), None), timeout=within)
        self.assertEqual((statement["state"], self.journal.findings()), ("conserved", []), statement["reason"])
        for currency, books in statement["currencies"].items():
            self.assertTrue(books["conserved"], currency)
        return statement

    def pay(self, seconds, rate=400, **kwargs):
        return self.rig.load("run", "--rate", rate, "--duration", f"{seconds}s", "--accounts", self.ACCOUNTS,
                             "--currency", "EUR", "--bad-share", "0.02", "--amount-max", "400.00",
                             capture_output=True, **kwargs)

    def forge(self, topic, partition, stage, how):
        """Writes it; gives the payment of its pattern, the offset, and when."""
        began = time.monotonic()
        done = self.rig._tool("forge_record", (f"127.0.0.1:{self.PORT}", f"kpay.{topic}", partition, stage, how),
                              True, 30)
        subject, offset = done.stdout.split()
        return subject, int(offset), began

    def assert_named(self, kind, topic, partition, offset, began):
        """A finding of that kind and place, in time; returns it. Ticks may have come before the record."""
        def named():
            return next((f for f in self.journal.findings() or [] if f["kind"] == kind and f["topic"] == topic
                         and f["partition"] == partition and 0 <= f["offset"] - offset < 30), None)
        finding = wait_for(f"finding {kind} at {topic}/{partition} offset {offset}", named, timeout=20, every=0.05)
        took = time.monotonic() - began
        print(f"    {kind} at {topic}/{partition}: named after {took:.1f} s", flush=True)
        self.assertLess(took, NAMED_WITHIN)
        return finding


class Conserved(AuditCase):
    PORT = 19730

    def test_1_under_load_the_books_are_proven_all_the_time(self):
        self.assert_conserved()
        load = threading.Thread(target=self.pay, args=(8,))
        load.start()
        ages, states = [], set()
        while load.is_alive():
            statement = self.audit()
            ages.append(time.time() * 1000 - statement["as_of_ms"])
            states.add(statement["state"])
            time.sleep(0.2)
        load.join()
        print(f"    age of the statement under load: {sorted(ages)[len(ages) // 2]:.0f} ms at the median, "
              f"{max(ages):.0f} ms at most", flush=True)
        # "behind" is said of what is older than five seconds: a busy machine's, and never wrong.
        self.assertLessEqual(states, {"conserved", "behind"})
        self.assertLess(sorted(ages)[len(ages) // 2], 3000)
        eur = self.assert_conserved()["currencies"]["EUR"]
        self.assertGreater(eur["completed_count"], 2000)
        self.assertEqual(eur["in_flight_count"], 0)
        # The same as the tool's that reads everything from its beginning.
        verified = self.json("books", "verify", "--wait-idle", 30)["currencies"]["EUR"]
        self.assertEqual(int(eur["balances_minor"]), int(verified["balances_minor"]), verified)
        told = self.json("audit", "show", "--wait", 30)
        self.assertEqual((told["conserved"], told["statement"]["currencies"]["EUR"]["balances_minor"]),
                         (True, eur["balances_minor"]), told)

    def test_2_replays_after_kill_9_are_no_findings(self):
        load = threading.Thread(target=self.pay, args=(16,), kwargs={"check": False})
        load.start()
        for instance in ("account-1", "inflight-1", "confirmed-1", "journal-1", "throughput-1", "account-2"):
            time.sleep(1.5)
            self.rig.daemons[instance].kill()
            self.rig.daemons[instance].start()
        load.join()
        self.rig.wait_ready()
        statement = self.assert_conserved(within=60)
        self.assertGreater(statement["counts"]["replayed"], 0)
        print(f"    {statement['counts']}", flush=True)
        self.assert_books_balance()

    def test_3_an_open_dead_letter_is_counted_and_no_finding(self):
        self.rig._tool("send_record", (f"127.0.0.1:{self.PORT}", "kpay.payments.incoming", 0, "raw", "-", "ffff"),
                       True, 30)
        wait_for("the dead letter", lambda: self.audit()["open_dead_letters"] == 1)
        self.assert_conserved()
        code, metrics = self.journal.get("/metrics")
        self.assertEqual(code, 200)
        self.assertIn('kpay_audit_conserved{currency="EUR"} 1', metrics)
        self.assertIn('kpay_audit_dead_letters{instance="journal-1"} 1', metrics)
        documented = set(re.findall(r"^\| `(kpay_audit_\w+)` ", (ROOT / "docs/telemetry.md").read_text(), re.M))
        self.assertEqual(set(re.findall(r"^(kpay_audit_\w+)\{", metrics, re.M)), documented)

    def test_4_a_frame_written_twice_is_a_replay(self):
        before = self.audit()["counts"]["replayed"]
        for partition in range(self.PARTITIONS):
            self.forge("payments.inflight", partition, 2, "again")
            self.forge("payments.complete", partition, 2, "again")
        wait_for("the repeats", lambda: self.audit()["counts"]["replayed"] >= before + 2 * self.PARTITIONS)
        self.assert_conserved()

    def test_5_a_broker_that_is_away_is_waited_for(self):
        pid = self.journal.process.pid
        self.rig.kill_kafka()
        wait_for("it says that it is behind", lambda: self.audit()["state"] == "behind", timeout=20)
        self.rig.kafka("start")
        self.rig.wait_ready()
        self.pay(2)
        self.assert_conserved(within=60)
        self.assertTrue(self.journal.running() and self.journal.process.pid == pid, "it did not outlive the broker")


class Kept(AuditCase):
    """What it knows survives it: kill -9, trimmed inputs, a damaged file."""
    PORT = 19750
    BROKER = "producer.id.expiration.ms=2000\n"

    def state_file(self):
        return self.journal.folder / "state" / "auditor.state"

    def kept(self):
        statement = self.journal.audit()
        return statement and statement["kept"]

    def restart(self):
        self.journal.kill()
        self.journal.start()
        began = time.monotonic()
        wait_for("the journal", lambda: self.journal.get("/readyz")[0] == 200, timeout=60)
        return time.monotonic() - began

    def trim(self):
        time.sleep(4)
        return self.json("topics", "trim", "--keep", "2s", "--yes")

    def test_1_r20_it_goes_on_after_kill_9_and_a_trim_and_keeps_its_inputs(self):
        self.pay(3)
        before = self.assert_conserved()
        counted = before["counts"]["records"]
        wait_for("it is kept", lambda: self.kept() and all(
            kept >= cut for kept, cut in zip(self.kept()["payments.inflight"], before["cut"]["payments.inflight"])),
            timeout=40)
        self.journal.kill()
        self.pay(2)
        trimmed = self.trim()
        self.assertTrue(trimmed["changed"])
        kept_for = {p["kept_for"] for p in trimmed["partitions"]}
        self.assertIn("journal-1", kept_for, "what it has not read stays")
        self.journal.start()
        after = self.assert_conserved(within=60)
        self.assertGreater(after["counts"]["records"], counted, "it goes on counting")
        self.assertGreater(after["currencies"]["EUR"]["completed_count"], before["currencies"]["EUR"]["completed_count"])
        # Its balances are still the tasks' own: postings before and after the trim, one sum.
        shown = self.json("books", "show")["currencies"]["EUR"]
        self.assertEqual(int(after["currencies"]["EUR"]["balances_minor"]), int(shown["balances_minor"]))
        self.assertEqual(self.journal.events("StoreSetAside"), [])

    def test_2_killed_at_any_time_under_load_it_finds_nothing(self):
        load = threading.Thread(target=self.pay, args=(12,), kwargs={"check": False})
        load.start()
        for pause in (0.3, 1.1, 2.7, 0.7, 3.1):
            time.sleep(pause)
            self.restart()
        load.join()
        self.assert_conserved(within=60)

    def test_3_a_journal_that_is_gone_for_good_is_forgotten(self):
        self.journal.kill()
        self.pay(2)
        time.sleep(4)
        dry = self.json("topics", "trim", "--keep", "2s", "--dry-run")
        self.assertIn("journal-1", {p["kept_for"] for p in dry["partitions"]})
        dry = self.json("topics", "trim", "--keep", "2s", "--dry-run", "--forget-journal", "journal-1")
        self.assertNotIn("journal-1", {p["kept_for"] for p in dry["partitions"]})
        self.journal.start()
        self.assert_conserved(within=60)

    def test_4_a_damaged_file_is_set_aside_and_what_is_trimmed_is_unproven(self):
        self.journal.stop()
        data = bytearray(self.state_file().read_bytes())
        data[len(data) // 2] ^= 0x10
        self.state_file().write_bytes(bytes(data))
        self.journal.start()
        statement = wait_for("it says so", lambda: next(
            (s for s in [self.journal.audit()] if s and s["state"] == "unproven"), None), timeout=60)
        self.assertIn("the kept state was set aside: it is damaged", statement["reason"])
        aside = self.journal.events("StoreSetAside")[-1]
        self.assertEqual(aside["stage"], "auditor")
        self.assertTrue(list(self.state_file().parent.glob("auditor.state.aside-*-damaged")))
        self.assertFalse(self.state_file().exists(), "what proves nothing is not kept")


class Forged(AuditCase):
    PORT = 19735

    def test_what_is_forged_is_named_in_time(self):
        self.pay(3)
        self.assert_conserved()
        for topic, partition, stage, how, kind in (
                ("payments.inflight", 0, 1, "altered", "altered"),
                ("payments.complete", 1, 2, "ahead", "forged"),
                ("payments.inflight", 1, 2, "wild", "diverged"),
                ("payments.inflight", 2, 2, "next", "second")):
            with self.subTest(how):
                subject, offset, began = self.forge(topic, partition, stage, how)
                finding = self.assert_named(kind, topic, partition, offset, began)
                self.assertEqual(finding["subject"], subject)
        statement = self.audit()
        self.assertEqual(statement["state"], "broken")
        # The last one was applied: its receiver can't know better. Money was made, and the sum says so.
        wait_for("the sum", lambda: not self.audit()["currencies"]["EUR"]["conserved"])
        wait_for("the finding", lambda: any(f["kind"] == "sum" for f in self.journal.findings()))
        self.assertTrue(self.journal.events("AuditFinding"))
        told = self.rig.ctl("audit", "show", "--wait", 30, check=False)
        self.assertEqual(told.returncode, 8, told.stdout + told.stderr)
        self.assertIn("broken: ", told.stdout)


class LostCredit(AuditCase):
    """An account processor with a defect: it says that it credits, and keeps nothing."""
    PORT = 19740

    @classmethod
    def prepare(cls, rig):
        super().prepare(rig)
        rig.add("account", "account-1", binary=rig.bin / "kpay-account-planted", env={"KPAY_PLANTED_BUG": "lost-credit"})

    def test_the_account_is_named(self):
        load = threading.Thread(target=self.pay, args=(10,), kwargs={"rate": 600, "check": False})
        load.start()
        finding = wait_for("a finding", lambda: next(iter(self.journal.findings() or []), None), timeout=40)
        load.join()
        self.assertEqual((finding["kind"], finding["topic"]), ("balance", "state.account.changelog"))
        self.assertRegex(finding["expected"], r"account acc-\d+")


class Dropped(AuditCase):
    """A broker that loses the last record of a partition, which it had acknowledged."""
    PORT = 19745

    @staticmethod
    def cut_last_batch(log):
        """Cuts the last record batch of a log segment off; gives its first offset."""
        data, at, last = log.read_bytes(), 0, 0
        while at < len(data):
            last = at
            at += 12 + struct.unpack(">i", data[at + 8:at + 12])[0]
        log.write_bytes(data[:last])
        return struct.unpack(">q", data[last:last + 8])[0]

    def test_the_last_record_dropped_is_named(self):
        self.pay(2)
        self.assert_conserved()
        for daemon in self.rig.daemons.values():
            daemon.stop()
        self.rig.kafka("stop")
        # The newest result of a partition: the last thing that its sender wrote there.
        segments = sorted(pathlib.Path(self.folder).rglob("kpay.payments.confirmed-1/*.log"))
        offset = self.cut_last_batch(segments[-1])
        for left in segments[-1].parent.glob("*.*index"):
            left.unlink()
        self.rig.kafka("start")
        began = time.monotonic()
        self.journal.start()
        wait_for("the journal", lambda: self.journal.get("/readyz")[0] == 200, timeout=30)
        finding = self.assert_named("dropped", "payments.confirmed", 1, offset, began)
        self.assertRegex(finding["expected"], r"events up to number \d+, which confirmed/1 has sent")
        self.assertTrue(any(f["kind"] == "lost" and re.fullmatch(r"[0-9a-f-]{36}", f["subject"])
                            for f in self.journal.findings()), "the payments are named")


if __name__ == "__main__":
    unittest.main()
