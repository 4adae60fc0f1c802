"""Every task run again over its recorded input, on a real broker: equal through crashes, from the first input and from a
checkpoint, trimmed or not; what a defect has kept wrong is named, and a right build says what it would change."""

import json
import threading
import time
import unittest

from suite import RigCase


class RecomputeCase(RigCase):
    PARTITIONS = 3

    def pay(self, seconds, rate=300, **kwargs):
        return self.rig.load("run", "--rate", rate, "--duration", f"{seconds}s", "--accounts", self.ACCOUNTS,
                             "--currency", "EUR", "--bad-share", "0.02", "--amount-max", "400.00",
                             capture_output=True, **kwargs)

    def recompute(self, *arguments, code=0):
        done = self.rig.ctl("books", "recompute", *arguments, "--json", check=False)
        self.assertEqual(done.returncode, code, done.stdout[-3000:] + done.stderr)
        return json.loads(done.stdout)


class Recompute(RecomputeCase):
    PORT = 19760
    BROKER = "producer.id.expiration.ms=2000\n"

    def test_1_r2_every_task_is_equal_through_crashes_and_under_load(self):
        load = threading.Thread(target=self.pay, args=(8,), kwargs={"check": False})
        load.start()
        for instance in ("account-1", "inflight-1", "confirmed-1"):
            time.sleep(1.5)
            self.rig.daemons[instance].kill()
            self.rig.daemons[instance].start()
        moving = self.recompute()
        self.assertTrue(moving["equal"])
        load.join()
        self.rig.wait_ready()
        verified = self.json("books", "verify", "--wait-idle", 30)["currencies"]["EUR"]
        time.sleep(2)  # the last checkpoints
        done = self.recompute()
        self.assertGreater(done["events"], 5000)
        self.assertGreater(done["markers"], 50)
        # Three computations, one result.
        self.assertEqual(int(done["balances_minor"]["EUR"]), int(verified["balances_minor"]))
        self.assertEqual(done["accounts"], verified["accounts"])
        self.assertEqual(set(done["from"].values()), {0})
        shadow = self.recompute("--shadow")
        self.assertTrue(shadow["equal"], shadow["kinds"])

    def test_2_it_begins_at_a_checkpoint_and_ends_at_one(self):
        self.pay(2)
        time.sleep(3)
        part = self.recompute("--since", "2s", "--task", "account/1")
        self.assertEqual(list(part["from"]), ["account/1"])
        self.assertGreater(part["from"]["account/1"], 0)
        whole = self.recompute("--task", "account/1")
        self.assertLess(part["events"], whole["events"])
        early = self.recompute("--until", "4s", "--task", "account/1")
        self.assertLessEqual(early["offsets"]["payments.inflight"][1], whole["offsets"]["payments.inflight"][1])
        wrong = self.rig.ctl("books", "recompute", "--task", "account/9", check=False)
        self.assertEqual(wrong.returncode, 2, wrong.stderr)

    def test_3_r20_after_a_trim_it_begins_at_the_nearest_checkpoint(self):
        self.pay(1)
        time.sleep(4)
        self.assertTrue(self.json("topics", "trim", "--keep", "2s", "--yes")["changed"])
        self.pay(1)
        time.sleep(2)
        done = self.recompute()
        self.assertTrue(all(at > 0 for task, at in done["from"].items() if task.startswith("account/")), done["from"])
        told = self.rig.ctl("books", "recompute", check=False)
        self.assertIn("from its checkpoint of", told.stdout)
        self.assertIn("equal up to offsets", told.stdout)


class LostCredit(RecomputeCase):
    """An account processor with a defect: it says that it credits, and keeps nothing."""
    PORT = 19765

    @classmethod
    def prepare(cls, rig):
        rig.add("account", "account-1", binary=rig.bin / "kpay-account-planted", env={"KPAY_PLANTED_BUG": "lost-credit"})

    def test_the_row_is_named_and_the_shadow_of_a_right_build_says_what_would_change(self):
        self.pay(10, rate=600)
        time.sleep(2)
        done = self.recompute(code=8)
        rows = [d for d in done["differences"] if d["kind"] == "row"]
        self.assertTrue(rows, done["differences"])
        self.assertRegex(rows[0]["text"], r"^table accounts, acc-\d+: balance_minor \d+, stands \d+")
        shadow = self.recompute("--shadow", code=8)
        self.assertGreaterEqual(shadow["kinds"]["rows of account.accounts"], 1)
        text = self.rig.ctl("books", "recompute", "--shadow", check=False).stdout
        self.assertIn("this build would change:", text)


if __name__ == "__main__":
    unittest.main()
