"""The logic changes at switch records (R21, R22): old, next and the one after it, under load, with kills.

The daemons of the next two versions are those of tests/logic: one ahead takes references of half
the length, two ahead decides as the source does.
"""

import json
import os
import signal
import subprocess
import time
import unittest

from suite import ROOT, RigCase, wait_for
from victims import BIN as FAULTS

STAGES = {"intake": "inflight", "settle": "inflight", "account": "account", "confirmed": "confirmed",
          "throughput": "throughput"}
LONG_REFERENCE = "r" * 100  # the source takes 140, one ahead 70


class Switch(RigCase):
    PORT = 19760
    PARTITIONS = 3

    @classmethod
    def prepare(cls, rig):
        """account-1 dies right at its first switch record."""
        rig.add("account", "account-1", binary=FAULTS / "kpay-account", env={"KPAY_FAILPOINT": "at_switch:1:kill:40"})

    @staticmethod
    def folder_of(ahead):
        return ROOT / "build/release" / (f"tests/logic-ahead-{ahead}" if ahead else "bin")

    def ctl_of(self, ahead, *arguments, check=0, timeout=180):
        """kpayctl of that version, as JSON; its exit code has to be `check`."""
        done = subprocess.run([str(self.folder_of(ahead) / "kpayctl"), *map(str, arguments), "--json"], text=True,
                              env={**os.environ, "KPAY_BOOTSTRAP_SERVERS": f"127.0.0.1:{self.PORT}"},
                              capture_output=True, timeout=timeout, check=False)
        self.assertEqual(done.returncode, check, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def switch(self, ahead, *arguments, **kwargs):
        return self.ctl_of(ahead, "logic", "switch", "--to", self.version(ahead), "--reason", "a test", "--yes",
                           *arguments, **kwargs)

    def version(self, ahead):
        return self.ctl_of(ahead, "logic", "show")["this_build"]["version"]

    def tails(self):
        return {tail["task"]: tail for tail in self.ctl_of(0, "logic", "show")["tasks"]}

    def command(self, daemon, ahead, *arguments):
        """One of the daemon's subcommands, by the build of that version; the running process."""
        with open(daemon.log, "ab") as log:
            return subprocess.Popen([str(self.folder_of(ahead) / f"kpay-{daemon.kind}"), *arguments, "--config",
                                     str(daemon.config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def install(self, ahead):
        for daemon in self.rig.daemons.values():
            daemon.binary, daemon.env = self.folder_of(ahead) / f"kpay-{daemon.kind}", {}

    def stop_all(self):
        for daemon in self.rig.daemons.values():
            if daemon.running():
                daemon.process.send_signal(signal.SIGTERM)
        return {name: daemon.stop() for name, daemon in self.rig.daemons.items()}

    def load(self, seconds):
        return subprocess.Popen(
            [str(self.rig.bin / "kpay-load"), "run", "--rate", "300", "--duration", f"{seconds}s", "--accounts",
             str(self.ACCOUNTS), "--currency", "EUR", "--bad-share", "0.01", "--timeout", "180", "--json"],
            env={**os.environ, "KPAY_BOOTSTRAP_SERVERS": f"127.0.0.1:{self.PORT}"}, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL)

    def assert_all_answered(self, load):
        report = json.loads(load.communicate(timeout=240)[0])
        self.assertEqual((load.returncode, report["unanswered"]), (0, 0), report)
        self.assertGreater(report["confirmed"], 1000)
        print(f"{report['sent']} payments across the switch, slowest {report['latency_ms']['max']} ms", flush=True)

    def pay_with_a_long_reference(self, wanted):
        done = self.rig.ctl("payments", "send", "--from", "acc-1", "--to", "acc-2", "--amount", "0.01", "--currency",
                            "EUR", "--reference", LONG_REFERENCE, "--wait", "--json", check=False)
        self.assertEqual(done.returncode, 0 if wanted == "completed" else 4, done.stdout + done.stderr)
        self.assertIn(wanted, done.stdout)

    def phases(self, instance):
        status = self.rig.daemons[instance].status()
        return {f"{t['stage']}/{t['partition']}": (t["phase"], t["reason"]) for t in status["tasks"]} if status else {}

    def assert_proven(self, answer, version):
        """What the command says of each task is what the last marker of its changelog says."""
        self.assertEqual(len(answer["tasks"]), len(STAGES) * self.PARTITIONS)
        for tail in answer["tasks"]:
            self.assertEqual((tail["logic_version"], tail["switched"], tail["clean"]), (version, True, True), tail)
            stage, partition = tail["task"].split("/")
            done = self.rig._tool("last_marker", (f"127.0.0.1:{self.PORT}", f"kpay.state.{stage}.changelog",
                                                  partition), True, 60)
            marker = json.loads(done.stdout)
            self.assertEqual((marker["position"], marker["hash"], marker["clean"]),
                             (tail["position"], tail["hash"], True), tail)

    def test_1_r21_the_next_version_goes_on_where_the_old_one_stood_under_load(self):
        self.pay_with_a_long_reference("completed")
        load = self.load(14)
        # An owner that is frozen with input in hand; its successor reaches the switch record.
        zombie = self.rig.daemons.pop("account-2")
        os.kill(zombie.process.pid, signal.SIGSTOP)
        self.addCleanup(zombie.kill)
        wait_for("the other one has its partitions", lambda: sorted(
            phase for phase, _ in self.phases("account-1").values()) == ["running"] * self.PARTITIONS)

        first, following = self.version(0), self.version(1)
        self.assertEqual(following, first + 1)
        done = self.rig.ctl("logic", "switch", "--to", following, "--reason", "r", "--yes", check=False)
        self.assertEqual(done.returncode, 2, "a tool of the old release doesn't know the next rules")
        self.assertIn("is next", self.switch(2, check=4)["error"]["message"])
        dry = self.switch(1, "--dry-run")
        self.assertEqual((dry["changed"], len(dry["records"])), (True, len(STAGES) * self.PARTITIONS))
        self.assertEqual([r["task"].split("/")[0] for r in dry["records"][::self.PARTITIONS]],
                         ["throughput", "confirmed", "settle", "account", "intake"], "from the end to the beginning")

        switching = subprocess.Popen(
            [str(self.folder_of(1) / "kpayctl"), "logic", "switch", "--to", str(following), "--reason", "a test",
             "--yes", "--json", "--timeout", "120", "--bootstrap", f"127.0.0.1:{self.PORT}"], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        victim = self.rig.daemons["account-1"]
        wait_for("it dies at its switch record", lambda: not victim.running())
        victim.env = {}
        victim.start()
        out, error = switching.communicate(timeout=180)
        self.assertEqual(switching.returncode, 0, out + error)
        self.assertTrue(json.loads(out)["changed"])
        self.assert_proven(json.loads(out), following)
        self.assertFalse(self.switch(1)["changed"], "a repeat changes nothing")
        for instance, daemon in self.rig.daemons.items():
            self.assertTrue(daemon.running(), instance)
            phases = wait_for(f"{instance} says so", lambda: (p := self.phases(instance)) and all(
                phase in ("switched", "held") for phase, _ in p.values()) and p)
            for task, (_, reason) in phases.items():
                self.assertIn(f"switched to logic version {following} at input position", reason, task)

        # The old build, started again, holds its tasks, and is not at its end.
        before = self.tails()
        old = self.rig.daemons["inflight-1"]
        self.assertEqual(old.stop(), 0)
        old.start()
        held = wait_for("the old build holds its tasks", lambda: (p := self.phases("inflight-1")) and len(p) == (
            2 * self.PARTITIONS) and all(phase == "held" for phase, _ in p.values()) and p)
        self.assertIn("refused by version", held["intake/0"][1])
        self.assertTrue(old.running())
        self.assertEqual(self.tails(), before, "nothing of it is in the log")
        self.assertEqual(set(self.stop_all().values()), {0}, "all of them stand at clean markers")

        self.rig.add("account", "account-3")
        self.install(1)
        for daemon in self.rig.daemons.values():
            daemon.start()
        self.assert_all_answered(load)
        # The zombie wakes, with the old logic and a place in the group.
        os.kill(zombie.process.pid, signal.SIGCONT)
        self.rig.daemons["account-2"] = zombie
        wait_for("the zombie lets go", lambda: not zombie.running() or all(
            phase != "running" for phase, _ in self.phases("account-2").values()))
        zombie.kill()
        self.install(1)
        zombie.start()
        self.rig.wait_ready(timeout=90)
        self.pay_with_a_long_reference("reference_too_long")
        self.assert_books_balance(wait=90)

    def test_2_r22_finish_brings_the_old_build_to_the_switch_after_kills(self):
        load = self.load(10)
        following = self.version(2)
        time.sleep(2)
        accounts = [daemon for daemon in self.rig.daemons.values() if daemon.kind == "account"]
        for daemon in accounts:
            daemon.kill()
        switching = subprocess.Popen(
            [str(self.folder_of(2) / "kpayctl"), "logic", "switch", "--to", str(following), "--reason", "a test",
             "--yes", "--timeout", "100", "--bootstrap", f"127.0.0.1:{self.PORT}"], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        wait_for("all the others stand at theirs", lambda: all(
            tail["switched"] != tail["task"].startswith("account/") for tail in self.tails().values()))
        switching.kill()
        switching.wait()
        for name in ("inflight-1", "confirmed-1", "throughput-1"):
            self.rig.daemons[name].kill()

        late = self.switch(2, "--timeout", 3, check=9)
        self.assertIn("account/", late["error"]["message"])
        # The next build doesn't start where no switch record has led.
        early = self.command(accounts[0], 2)
        wait_for("the next build holds its tasks", lambda: any(
            "no switch record has led there" in reason for _, reason in self.phases("account-1").values()))
        early.terminate()
        self.assertEqual(early.wait(60), 75, "held, and not at a switch record")

        # finish, killed on its way, and once more: each takes the other's part when that has ended.
        dying = self.command(accounts[0], 1, "finish")
        time.sleep(0.7)
        dying.kill()
        dying.wait()
        finishing = [self.command(daemon, 1, "finish", "--timeout", "120") for daemon in accounts]
        self.assertEqual({process.wait(150) for process in finishing}, {0})
        answer = self.switch(2)
        self.assertFalse(answer["changed"], "they had come to the records that were sent before")
        self.assert_proven(answer, following)
        found = self.command(self.rig.daemons["confirmed-1"], 1, "finish")
        self.assertEqual(found.wait(60), 0, "its tasks stand there already")

        self.install(2)
        self.rig.start_daemons()
        self.assert_all_answered(load)
        self.pay_with_a_long_reference("completed")
        self.assert_books_balance(wait=90)
        # There is no further switch record to come to.
        self.assertEqual(self.rig.daemons["throughput-1"].stop(), 0)
        nowhere = self.command(self.rig.daemons["throughput-1"], 2, "finish", "--timeout", "4")
        self.assertEqual(nowhere.wait(60), 82)
        self.assertIn("has come to no switch record", self.rig.daemons["throughput-1"].log.read_text())
        self.rig.start_daemons()

    def test_3_the_oracle_agrees_across_both_switches(self):
        self.assert_oracle_agrees("--reference-max", f"{self.version(1)}:70")


if __name__ == "__main__":
    unittest.main()
