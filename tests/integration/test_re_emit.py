"""A broker loses a record that it had acknowledged, on an internal topic; it is named, and the task that sent it tells it
again, from a snapshot, while payments go on (R26)."""

import json
import pathlib
import shutil
import subprocess
import threading
import time
import unittest

import test_audit  # its classes stay there: they are suites of their own
from suite import RigCase, wait_for


class ReEmit(RigCase):
    PORT = 19775
    PARTITIONS = 2

    @classmethod
    def prepare(cls, rig):
        cls.journal = rig.add_journal()
        cls.intake = rig.add("inflight", "inflight-1")
        cls.intake.write_config(extra=f"admin: {{socket: {cls.intake.folder}/admin.sock}}\n")
        cls.processors = [rig.add("account", name) for name in ("account-1", "account-2")]

    def admin(self, *words):
        done = subprocess.run([str(self.intake.binary), "admin", *map(str, words), "--config", str(self.intake.config)],
                              capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, json.loads(done.stdout or done.stderr)

    def pay(self, seconds, rate=300):
        self.rig.load("run", "--rate", rate, "--duration", f"{seconds}s", "--accounts", self.ACCOUNTS, "--currency",
                      "EUR", "--timeout", 120, capture_output=True, check=False)

    def send(self, count):
        for n in range(count):
            self.rig.ctl("payments", "send", "--from", f"acc-{n % 50}", "--to", f"acc-{n % 50 + 50}", "--amount", "0.01",
                         "--currency", "EUR")

    def tasks(self, stage):
        return {task["partition"]: task for daemon in (self.intake, *self.processors)
                for task in (daemon.status() or {"tasks": []})["tasks"] if task["stage"] == stage}

    def gaps(self):
        return {partition: task["gap"] for partition, task in self.tasks("account").items() if "gap" in task}

    def lose_the_last_leg(self):
        """Of a partition of payments.inflight, while nobody has read it yet."""
        for daemon in (*self.processors, self.journal):
            daemon.stop()
        self.send(12)
        time.sleep(3)  # intake's markers tell what it has sent
        for daemon in self.rig.daemons.values():
            daemon.stop()
        self.rig.kafka("stop")
        segment = sorted(pathlib.Path(self.folder).rglob("kpay.payments.inflight-1/*.log"))[-1]
        offset = test_audit.Dropped.cut_last_batch(segment)
        for left in segment.parent.glob("*.*index"):
            left.unlink()
        self.rig.kafka("start")
        return offset

    def test_r26_what_the_log_lost_is_told_again_under_load_and_the_books_balance(self):
        self.pay(2)
        code, taken = self.admin("snapshot")
        self.assertEqual(code, 0, taken)
        self.pay(3)
        self.assert_books_balance()
        lost = self.lose_the_last_leg()
        for daemon in self.rig.daemons.values():
            daemon.start()
        self.rig.wait_ready()
        wait_for("the auditor names it", lambda: any(
            f["kind"] == "dropped" and (f["topic"], f["partition"]) == ("payments.inflight", 1)
            for f in self.journal.findings() or []))
        self.send(12)  # what comes behind it is early
        gaps = wait_for("its reader names it", self.gaps)
        self.assertEqual(set(gaps), {1}, "the others have all that was sent to them")
        stage, sender = map(int, gaps[1]["sender"].split("/"))
        self.assertEqual(stage, 1, "intake")
        print(f"    lost: numbers {gaps[1]['from']} to {gaps[1]['to']} of intake/{sender}, from offset {lost}", flush=True)
        self.assertFalse(self.json("books", "verify", check=False)["equal"])

        kept = next(s for s in taken["snapshots"] if (s["stage"], s["partition"]) == ("intake", sender))
        code, refused = self.admin("re-emit", "intake", sender, "--from", max(kept["position"] - 1, 0))
        self.assertEqual(code, 1, refused)
        self.assertIn("no snapshot of intake/", refused["detail"])
        before = self.tasks("intake")[sender]
        load = threading.Thread(target=self.pay, args=(8,))
        load.start()
        time.sleep(1)
        began = time.monotonic()
        request = ("tasks", "re-emit", f"intake/{sender}", "--from", kept["position"] + 1, "--socket",
                   f"{self.intake.folder}/admin.sock")
        self.assertTrue(self.json(*request, "--dry-run")["dry_run"])
        self.assertEqual(self.tasks("intake")[sender]["epoch"], before["epoch"], "a dry run asks for nothing")
        answer = self.json(*request, "--timeout", 30)
        self.assertEqual(answer["from"]["position"], kept["position"], answer)
        wait_for("the reader has all", lambda: not self.gaps(), timeout=30)
        print(f"    told again after {time.monotonic() - began:.1f} s, under load", flush=True)
        load.join()
        told = [e["what"] for e in self.intake.events("OperatorActed") if e["what"].startswith("re-emit: told again")]
        self.assertEqual(len(told), 1, told)
        self.assertIn("with the hash of marker", told[0])
        after = self.tasks("intake")[sender]
        self.assertEqual((after["phase"], after["reason"], after["re_emitting"]), ("running", "", False))
        self.assertGreater(after["checkpoint"], before["checkpoint"])
        self.assertEqual([task["refused"] for task in self.tasks("account").values()], [[], []], "the same hashes")
        self.assert_books_balance()
        time.sleep(2)
        self.assertTrue(self.json("books", "recompute")["equal"])
        # The auditor has told what it saw; one that reads it all anew finds nothing missing.
        self.journal.stop()
        shutil.rmtree(self.journal.folder / "state")
        self.journal.start()
        asked = time.time() * 1000
        statement = wait_for("a statement about now", lambda: next(
            (s for s in [self.journal.audit()] if s and s["as_of_ms"] > asked), None), timeout=60)
        self.assertEqual((statement["state"], self.journal.findings()), ("conserved", []), statement["reason"])


if __name__ == "__main__":
    unittest.main()
