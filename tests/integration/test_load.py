"""The load generator as a service: driven by control.state, seen on control.status, locked where it must be."""

import json
import os
import subprocess
import time
import unittest

from suite import RigCase, wait_for


class Served:
    """One `kpay-load serve` process."""

    def __init__(self, rig, instance, *arguments):
        self.instance, self.log = instance, rig.folder / f"{instance}.log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(rig.bin / "kpay-load"), "serve", "--instance", instance, *arguments], stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=log,
                env={**os.environ, "KPAY_BOOTSTRAP_SERVERS": f"127.0.0.1:{rig.port}"})

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def terminate(self):
        self.process.terminate()
        return self.process.wait(30)


class Load(RigCase):
    PORT = 19545
    PARTITIONS = 2

    def start(self, rate, *more, check=True):
        return self.rig.ctl("load", "start", "--rate", rate, "--accounts", self.ACCOUNTS, "--bad-share", "0.01",
                            "--reason", "test", "--wait", *more, check=check)

    def stop(self):
        self.rig.ctl("load", "stop", "--reason", "test", "--wait")

    def serve(self, instance, *arguments):
        served = Served(self.rig, instance, *arguments)
        self.addCleanup(served.kill)
        self.seen(instance)
        return served

    def seen(self, instance="load-1"):
        """What the instance says. Waits for it: on a busy machine a word of it may come late."""
        def alive():
            for each in self.json("load", "status")["instances"]:
                if each["instance"] == instance and not each["stale"] and each["phase"] != "stopped":
                    return each["load"]
            return None
        return wait_for(f"{instance} tells its status", alive)

    def accepted(self):
        return self.sum_of("intake", "totals", "EUR", "accepted_count")

    def test_a_load_is_started_changed_and_stopped(self):
        served = self.serve("load-1", "--allow-load")
        self.assertFalse(self.seen()["generating"], "nothing is wanted yet")
        before = self.accepted()
        self.start(200, "--yes")
        wait_for("payments are confirmed at that rate",
                 lambda: self.seen()["confirmed"] > 400 and 150 < self.seen()["sent_per_s"] < 250)
        self.start(800, "--yes")
        self.assertEqual(self.seen()["rate"], 800)
        wait_for("the rate has changed", lambda: 700 < self.seen()["sent_per_s"] < 900)
        # Its own restart changes nothing: what is wanted is in the topic.
        run = self.seen()["run_since_ms"]
        served.kill()
        served = self.serve("load-1", "--allow-load")
        wait_for("it goes on after kill -9",
                 lambda: self.seen()["run_since_ms"] > run and self.seen()["confirmed"] > 400)
        self.stop()
        wait_for("everything that was sent has a result", lambda: self.seen()["unanswered"] == 0)
        last = self.seen()
        self.assertEqual(last["sent"], last["confirmed"] + last["failed_count"], last)
        self.assertEqual(last["rejected"], 0, last)
        self.assertGreater(last["failed_count"], 0, "1 % of them are bad")
        self.assertGreater(last["latency_ms"]["p50"], 0)
        after = self.accepted()
        self.assertGreater(after, before + 800)
        self.assertEqual(served.terminate(), 0)
        phases = [i["phase"] for i in self.json("load", "status")["instances"] if i["instance"] == "load-1"]
        self.assertEqual(phases, ["stopped"])
        self.assertEqual(self.accepted(), after, "a stopped load sends nothing")
        self.assert_books_balance()

    def test_where_load_is_not_allowed_nothing_is_generated(self):
        refusing = self.serve("load-locked")
        done = self.rig.ctl("load", "start", "--rate", 100, "--accounts", self.ACCOUNTS, "--reason", "test", "--yes",
                            check=False)
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("load-locked is locked", done.stderr)
        # Even with the record there, written when nobody was asked, it sends nothing and says why.
        self.rig.ctl("load", "stop", "--reason", "test")
        allowed = self.serve("load-2", "--allow-load")
        self.rig.ctl("load", "start", "--rate", 100, "--accounts", self.ACCOUNTS, "--reason", "test", "--yes")
        wait_for("the other one generates", lambda: self.seen("load-2")["sent"] > 50)
        locked = self.seen("load-locked")
        self.assertEqual((locked["allowed"], locked["generating"], locked["sent"]), (False, False, 0), locked)
        self.assertIn("--allow-load", locked["problem"])
        self.stop()
        self.assertEqual(allowed.terminate(), 0)
        self.assertEqual(refusing.terminate(), 0)

    def test_a_load_ends_by_itself_when_its_time_is_over(self):
        served = self.serve("load-3", "--allow-load")
        self.start(100, "--duration", "4s", "--yes")
        wait_for("it is over", lambda: not self.seen("load-3")["generating"], timeout=15)
        self.assertLess(self.seen("load-3")["sent"], 420)
        self.assertGreater(self.seen("load-3")["sent"], 50, "a busy machine sees the order late, its end in time")
        self.assertTrue(self.json("load", "status")["reached"])
        self.stop()
        served.terminate()

    def test_a_run_ends_after_a_standstill_longer_than_it_looks_for_rejections(self):
        self.rig.daemons["confirmed-1"].kill()
        run = subprocess.Popen(
            [str(self.rig.bin / "kpay-load"), "run", "--rate", "200", "--duration", "1s", "--accounts",
             str(self.ACCOUNTS), "--currency", "EUR", "--timeout", "60", "--json"], text=True, stdout=subprocess.PIPE,
            env={**os.environ, "KPAY_BOOTSTRAP_SERVERS": f"127.0.0.1:{self.PORT}"})
        self.addCleanup(run.kill)
        time.sleep(9)  # it has looked at least once; ticks keep coming on payments.complete (R4)
        self.assertIsNone(run.poll(), "none of its payments has a result yet")
        self.rig.daemons["confirmed-1"].start()
        report = json.loads(run.communicate(timeout=60)[0])
        self.assertEqual((run.returncode, report["sent"], report["unanswered"], report["rejected"]), (0, 200, 0, 0),
                         report)
        self.rig.wait_ready()

    def test_without_a_terminal_a_start_has_to_be_confirmed(self):
        done = self.start(100, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--yes", done.stderr)
        planned = self.json("load", "start", "--rate", 100, "--accounts", 10, "--reason", "test", "--dry-run")
        self.assertEqual((planned["changed"], planned["after"]["rate"]), (True, 100), planned)
        self.assertEqual(self.json("load", "status")["desired"], "stopped")


if __name__ == "__main__":
    unittest.main()
