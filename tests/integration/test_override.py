"""What two people decide of one record: put aside, so that its task runs on and nothing of it is lost; refused when
others have acted on it already (R23). Beside it: a record that kills, the books, the auditor and the oracle."""

import json
import pathlib
import shutil
import subprocess
import sys
import time
import unittest

from suite import ROOT, RigCase, wait_for

sys.path.insert(0, str(ROOT / "tests" / "oracle"))
import wire  # noqa: E402

PLANTED = {"KPAY_PLANTED_BUG": "crash"}


class Override(RigCase):
    PORT = 19790
    PARTITIONS = 3
    ACCOUNTS = 100

    @classmethod
    def prepare(cls, rig):
        cls.journal = rig.add_journal()
        cls.processors = [rig.add("account", name, binary=rig.bin / "kpay-account-planted", env=PLANTED)
                          for name in ("account-1", "account-2")]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.enrol_two()

    # ---- small questions

    def partition_of(self, account):
        return self.json("accounts", "open", account, "--currency", "EUR", "--dump-record")["partition"]

    def account_of(self, partition):
        return next(name for name in (f"acc-{n}" for n in range(1, 100)) if self.partition_of(name) == partition)

    def tasks(self):
        return {task["partition"]: task for daemon in self.processors
                for task in (daemon.status() or {"tasks": []})["tasks"] if task["stage"] == "account"}

    def wait_running(self):
        wait_for("all of them run", lambda: len(self.tasks()) == self.PARTITIONS and all(
            each["phase"] == "running" for each in self.tasks().values()))

    def override(self, partition, offset, *signed):
        done = self.rig.ctl("tasks", "override", f"account/{partition}", "--at", offset, "--skip", "--reason",
                            "kills every build", "--yes", "--json", *signed, check=False)
        return done.returncode, json.loads(done.stdout)

    def told(self):
        return [e["what"] for d in self.processors for e in d.events("OperatorActed") if "override" in e["what"]]

    def assert_conserved(self, dead_letters):
        asked = time.time() * 1000
        statement = wait_for("a statement about now", lambda: next(
            (s for s in [self.journal.audit()] if s and s["as_of_ms"] > asked), None), timeout=60)
        self.assertEqual((statement["state"], self.journal.findings()), ("conserved", []), statement["reason"])
        eur = statement["currencies"]["EUR"]
        self.assertTrue(eur["conserved"])
        self.assertEqual((eur["dead_letters_count"], int(eur["dead_letters_minor"])), dead_letters)

    def restart(self, binary=None):
        for daemon in self.processors:
            daemon.stop()
            daemon.binary = binary or daemon.binary
            daemon.start()

    def held_by_poison(self):
        """A payment to "poison", of 3.00, kills who takes its credit leg; the task's partition, and the record's offset."""
        poisoned = self.partition_of("poison")
        payer = self.account_of((poisoned + 1) % self.PARTITIONS)
        self.rig.ctl("payments", "send", "--from", payer, "--to", "poison", "--amount", "3.00", "--currency", "EUR")
        deaths = 0

        def held():
            nonlocal deaths
            for daemon in self.processors:
                if not daemon.running():
                    deaths += 1
                    daemon.start()  # as systemd would
            task = self.tasks().get(poisoned)
            return task if task and task["phase"] == "held" else None

        task = wait_for("the task is held", held, timeout=90)
        self.assertEqual(deaths, 3)
        return poisoned, task["position"]

    # ---- the story, in order

    def test_1_r23_a_record_that_kills_is_put_aside_by_two_people_and_its_task_runs_on(self):
        self.rig.load("run", "--rate", 200, "--duration", "2s", "--accounts", self.ACCOUNTS, "--currency", "EUR",
                      capture_output=True)
        poisoned, offset = self.held_by_poison()
        payer = self.account_of((poisoned + 1) % self.PARTITIONS)
        # More payments come for it meanwhile: they wait behind the record.
        neighbour = self.account_of(poisoned)
        self.rig.ctl("payments", "send", "--from", payer, "--to", neighbour, "--amount", "1.00", "--currency", "EUR")

        for signed in ((), self.keys["ann"]):
            code, answer = self.override(poisoned, offset, *signed)
            self.assertEqual((code, answer["not_signed"]), (4, 1), answer)
        self.assertEqual(self.tasks()[poisoned]["phase"], "held")
        proposal = self.rig.folder / "skip.json"
        self.override(poisoned, offset, *self.keys["ann"], "--propose", proposal)
        asked = self.json("proposals", "show", proposal)["records"][0]["asks"]
        self.assertIn(f"override (skip) of input offset {offset} at account/{poisoned}", asked)
        self.rig.ctl("proposals", "sign", proposal, *self.keys["ben"])
        self.rig.ctl("proposals", "send", proposal, "--yes")
        self.wait_running()
        wait_for("what came behind it", lambda: self.tasks()[poisoned]["position"] > offset + 1)
        self.assertTrue(all(daemon.running() for daemon in self.processors), "nobody dies any more")

        letters = self.json("dlq", "list", "--cause", "skipped")["letters"]
        self.assertEqual([(letter["state"], letter["id"]) for letter in letters],
                         [("open", f"account/{poisoned}@{offset}.0")])
        self.assert_conserved(dead_letters=(1, 300))

    def test_2_books_recomputation_and_oracle_say_the_same_of_it(self):
        verified = self.json("books", "verify", "--wait-idle", 60)
        self.assertEqual((verified["equal"], verified["idle"], verified["put_aside"]), (True, True, 1))
        self.assertEqual(int(verified["currencies"]["EUR"]["in_transit_minor"]), 300)
        time.sleep(2)  # the last checkpoints
        self.assertTrue(self.json("books", "recompute")["equal"])
        self.assert_oracle_agrees()
        for daemon in self.rig.daemons.values():
            daemon.start()
        self.rig.wait_ready()

    def test_3_it_is_state_of_whoever_takes_over_with_and_without_the_file(self):
        for daemon in self.processors:
            daemon.kill()
            shutil.rmtree(daemon.folder / "state")  # nothing left but the log
            daemon.start()
        self.wait_running()
        self.restart()
        self.wait_running()
        self.assertEqual(len(self.json("dlq", "list", "--cause", "skipped")["letters"]), 1, "it was skipped once")
        self.assert_conserved(dead_letters=(1, 300))

    def test_4_it_is_replayed_as_soon_as_a_build_can(self):
        self.restart(self.rig.bin / "kpay-account")
        self.wait_running()
        [letter] = self.json("dlq", "list", "--cause", "skipped")["letters"]
        self.rig.ctl("dlq", "replay", letter["id"], "--reason", "1.0.1 can", "--yes", *self.keys["ann"],
                     *self.keys["ben"])
        # There is no such account, so the money goes back to the payer.
        verified = wait_for("it is refunded", lambda: next(
            (v for v in [self.json("books", "verify")] if v["idle"] and v["put_aside"] == 0), None), timeout=60)
        self.assertEqual(int(verified["currencies"]["EUR"]["in_transit_minor"]), 0)
        self.assert_conserved(dead_letters=(0, 0))
        self.assert_books_balance()

    def place_of_leg(self, subject, partition):
        """The input offset of the record that brings the payment to account/partition."""
        dump = pathlib.Path(self.folder) / "looked"
        shutil.rmtree(dump, ignore_errors=True)
        subprocess.run([str(word) for word in (self.rig.bin / "dump_topics", f"127.0.0.1:{self.rig.port}", "kpay.",
                                               self.PARTITIONS, dump)], check=True, capture_output=True, timeout=60)
        for record in wire.read_dump(dump)["payments.inflight", partition]:
            if not record.is_tick and any(e["subject"].hex() == subject for e in wire.Frame(record.value).events):
                return record.offset
        raise AssertionError("no leg of the payment")

    def test_5_r23_a_record_whose_outputs_stand_downstream_is_not_put_aside(self):
        for daemon in self.processors:
            daemon.stop()
            daemon.write_config(checkpoint="{interval: 60s}")
            daemon.start()
        self.wait_running()
        payer = self.account_of(0)
        sent = self.json("payments", "send", "--from", payer, "--to", self.account_of(1), "--amount", "2.00",
                         "--currency", "EUR", "--wait")
        for daemon in self.processors:
            daemon.kill()  # told, and in no checkpoint
        offset = self.place_of_leg(sent["payment_id"].replace("-", ""), 0)
        code, answer = self.override(0, offset, *self.keys["ann"], *self.keys["ben"])
        self.assertEqual(code, 0, answer)
        for daemon in self.processors:
            daemon.start()
        self.wait_running()
        wait_for("it is refused", lambda: any("is refused" in text and "processed once, and told" in text
                                              for text in self.told()))
        self.assertEqual(self.json("dlq", "list", "--cause", "skipped", "--state", "open")["letters"], [])
        for daemon in self.processors:
            daemon.stop()
            daemon.write_config()
            daemon.start()
        self.wait_running()
        self.assert_conserved(dead_letters=(0, 0))
        self.assert_books_balance()

    def test_6_r22_the_next_version_takes_a_record_that_the_old_one_cant_take(self):
        ahead = self.rig.bin.parent / "tests/logic-ahead-1"

        def ctl(*arguments):
            done = subprocess.run([str(ahead / "kpayctl"), *map(str, arguments), "--reason", "a test", "--yes", "--json",
                                   "--bootstrap", f"127.0.0.1:{self.PORT}", *map(str, self.keys["ann"] + self.keys["ben"])],
                                  capture_output=True, text=True, timeout=180, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            return json.loads(done.stdout)

        self.restart(self.rig.bin / "kpay-account-planted")
        poisoned, offset = self.held_by_poison()
        following = self.json("logic", "show")["this_build"]["version"] + 1
        refused = self.rig.ctl("logic", "switch", "--to", following, "--rules", "0" * 32, "--reason", "r", "--yes",
                               check=False)
        self.assertEqual(refused.returncode, 4, "a held task comes to no switch record: " + refused.stderr)
        ctl("tasks", "override", f"account/{poisoned}", "--at", offset, "--switch-to", following)
        task = wait_for("it ends there", lambda: next((t for t in [self.tasks()[poisoned]] if t["phase"] == "switched"), 0))
        self.assertEqual(task["reason"], f"switched to logic version {following} at input position {offset}")
        self.assertTrue(all(tail["switched"] for tail in ctl("logic", "switch", "--to", following)["tasks"]))
        for daemon in self.rig.daemons.values():
            if daemon.kind != "journal":
                self.assertEqual(daemon.stop(), 0, daemon.instance)
                daemon.binary, daemon.env = ahead / f"kpay-{daemon.kind}", {}
                daemon.start()
        self.rig.wait_ready(timeout=90)
        wait_for("the record is taken", lambda: self.tasks()[poisoned]["position"] > offset)
        self.assert_books_balance()
        self.assertEqual(int(self.json("books", "verify")["currencies"]["EUR"]["in_transit_minor"]), 0, "it was refunded")
        self.assert_conserved(dead_letters=(0, 0))


if __name__ == "__main__":
    unittest.main()
