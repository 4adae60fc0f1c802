"""Somebody writes behind a task's own frames: its reader refuses that sender, two people take it up again, it flows
(R8). The oracle is not asked: it takes no log in which others write."""

import json
import shutil
import subprocess
import sys
import time
import unittest
import uuid

from suite import ROOT, RigCase, wait_for
from test_gateway import new_id

sys.path.insert(0, str(ROOT / "tests" / "oracle"))
import wire  # noqa: E402

INTAKE = 1  # the stage, as a sender


class Accept(RigCase):
    PORT = 19795
    PARTITIONS = 3
    ACCOUNTS = 100
    PLACE, SENDER = 1, 0  # account/1 refuses intake/0

    @classmethod
    def prepare(cls, rig):
        cls.journal = rig.add_journal()
        cls.intake = rig.add("inflight", "inflight-1")
        cls.socket = cls.intake.folder / "admin.sock"
        cls.intake.write_config(extra=f"admin: {{socket: {cls.socket}}}\n")
        cls.processors = [rig.add("account", name) for name in ("account-1", "account-2")]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.enrol_two()

    # ---- small questions

    def account_of(self, partition):
        return next(name for name in (f"acc-{n}" for n in range(1, 100)) if self.json(
            "accounts", "open", name, "--currency", "EUR", "--dump-record")["partition"] == partition)

    def tasks(self):
        return {task["partition"]: task for daemon in self.processors
                for task in (daemon.status() or {"tasks": []})["tasks"] if task["stage"] == "account"}

    def refused(self):
        return {partition: task["refused"] for partition, task in self.tasks().items() if task["refused"]}

    def kept(self):
        """What account/PLACE keeps of intake/SENDER, by its last checkpoint."""
        return next(each for each in self.json("tasks", "show", f"account/{self.PLACE}")["senders"]
                    if each["sender"] == f"intake/{self.SENDER}")

    def send(self, intake, *more):
        """A payment from an account of PLACE, that intake/`intake` takes: its id says by whom."""
        order = ("payments", "send", "--from", self.payer, "--to", self.payee, "--amount", "1.00", "--currency", "EUR")
        key = next(key for key in iter(new_id, None)
                   if wire.partition_of(uuid.UUID(key).bytes, self.PARTITIONS) == intake)
        self.rig.ctl(*order, "--id", key, *more)
        return key

    def status_of(self, payment):
        done = self.rig.ctl("payments", "get", payment, "--json", check=False)
        return json.loads(done.stdout)["status"] if done.returncode == 0 else ""

    def accept(self, *signed):
        done = self.rig.ctl("tasks", "accept", f"account/{self.PLACE}", f"intake/{self.SENDER}", "--at", "kept",
                            "--reason", "a forged frame", "--yes", "--json", *signed, check=False)
        return done.returncode, json.loads(done.stdout)

    def snapshot(self):
        """A snapshot of intake; where SENDER stood."""
        done = subprocess.run([str(self.intake.binary), "admin", "snapshot", "--config", str(self.intake.config)],
                              capture_output=True, text=True, timeout=60, check=True)
        return next(s["position"] for s in json.loads(done.stdout)["snapshots"]
                    if (s["stage"], s["partition"]) == ("intake", self.SENDER))

    def forge(self):
        """A frame under the next number of intake/SENDER, whose hash doesn't follow; its offset."""
        done = self.rig._tool("forge_record", (f"127.0.0.1:{self.PORT}", "kpay.payments.inflight", self.PLACE, INTAKE,
                                               "wild"), True, 30)
        return int(done.stdout.split()[1])

    def assert_named_and_money_whole(self):
        """The auditor tells of the forged frame, and of nothing else; no cent is missing."""
        asked = time.time() * 1000
        statement = wait_for("a statement about now", lambda: next(
            (s for s in [self.journal.audit()] if s and s["as_of_ms"] > asked), None), timeout=60)
        findings = [(f["kind"], f["topic"], f["partition"]) for f in self.journal.findings()]
        self.assertEqual(findings, [("diverged", "payments.inflight", self.PLACE)], self.journal.findings())
        self.assertEqual((statement["state"], statement["currencies"]["EUR"]["conserved"]), ("broken", True))

    # ---- the story

    def test_r8_a_forged_frame_has_its_sender_refused_until_two_people_accept_it(self):
        self.payer, self.payee = self.account_of(self.PLACE), self.account_of(2)
        self.rig.load("run", "--rate", 200, "--duration", "2s", "--accounts", self.ACCOUNTS, "--currency", "EUR",
                      capture_output=True)
        self.assert_books_balance()
        self.assert_audited()
        position = self.snapshot()
        self.send(self.SENDER, "--wait")  # forge_record takes the last frame there as its pattern
        before = wait_for("it is at rest", lambda: next(
            (each["kept"] for each in [self.kept()] if each["kept"] == each["sent"]), None))
        offset = self.forge()
        wait_for("the sender is refused", lambda: self.refused() == {self.PLACE: [f"{INTAKE}/{self.SENDER}"]})
        told = [event for daemon in self.processors for event in daemon.events("SenderDiverged")]
        self.assertEqual([event["partition"] for event in told], [self.PLACE], told)
        self.assertIn(f"intake/{self.SENDER}", self.rig.ctl("tasks", "list").stdout)
        wait_for("a checkpoint knows it", lambda: self.kept()["refused"])
        self.assertEqual(self.kept()["kept"], before, "nothing of it is applied")

        stuck = [self.send(self.SENDER) for _ in range(3)]
        wait_for("they are discarded, and counted", lambda: self.tasks()[self.PLACE]["discarded"] >= len(stuck))
        self.send(2, "--wait")  # all others go on, to the same task as well
        self.assertEqual(set(map(self.status_of, stuck)) & {"completed", "failed"}, set())
        self.assert_named_and_money_whole()
        self.two_people_accept()

        # It sends what comes next, which is early; what was discarded has to be told again (R26).
        early = self.send(self.SENDER)
        wait_for("it is early", lambda: "gap" in self.tasks()[self.PLACE])
        self.rig.ctl("tasks", "re-emit", f"intake/{self.SENDER}", "--from", position + 1, "--socket", self.socket,
                     "--timeout", 30)
        for payment in (*stuck, early):
            wait_for("it flows again", lambda each=payment: self.status_of(each) == "completed", timeout=30)
        self.assertEqual(self.refused(), {})
        # The auditor has told what was missing meanwhile; one that reads it all anew names the forged frame alone.
        self.journal.stop()
        shutil.rmtree(self.journal.folder / "state")
        self.journal.start()
        self.assert_named_and_money_whole()
        self.assert_books_name_only(offset)

    def two_people_accept(self):
        for signed in ((), self.keys["ann"]):
            code, answer = self.accept(*signed)
            self.assertEqual((code, answer["not_signed"]), (4, 1), answer)
        self.assertTrue(self.kept()["refused"])
        proposal = self.rig.folder / "accept.json"
        self.accept(*self.keys["ann"], "--propose", proposal)
        self.assertIn(f"intake/{self.SENDER} at account/{self.PLACE} after number {self.kept()['kept']['last']}",
                      self.json("proposals", "show", proposal)["records"][0]["asks"])
        self.rig.ctl("proposals", "sign", proposal, *self.keys["ben"])
        self.rig.ctl("proposals", "send", proposal, "--yes")
        wait_for("it is accepted", lambda: self.refused() == {})
        wait_for("a checkpoint knows it", lambda: not self.kept()["refused"])
        code, answer = self.accept(*self.keys["ann"], *self.keys["ben"])
        self.assertEqual((code, answer["error"]["code"]), (4, "not_refused"), "once is enough")

    def assert_books_name_only(self, offset):
        """The forged frame stands in the log, so it is named; nothing else differs, and the money is all there."""
        def settled():
            done = self.rig.ctl("books", "verify", "--json", check=False)
            found = json.loads(done.stdout)
            return found if found["idle"] else None
        found = wait_for("the books are idle", settled, timeout=60, every=1)
        print(f"    forged at offset {offset}: {found['first_differences']}", flush=True)
        self.assertEqual((found["equal"], found["differences"]), (False, 1), found)
        self.assertIn(f"payments.inflight/{self.PLACE}", found["first_differences"][0])
        eur = found["currencies"]["EUR"]
        self.assertEqual((eur["conserved"], int(eur["in_transit_minor"])), (True, 0))


if __name__ == "__main__":
    unittest.main()
