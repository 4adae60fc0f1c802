"""Operations on the lab rack, as an operator runs them, and every gate with its fault injected.

`make rack-test` runs all of it, in this order; the first tests leave the rack that the later ones need.
Names of tests or parts of them may be given. At the end: a table with the seconds of each test."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import rack as lab  # noqa: E402
from budgets import Budgets  # noqa: E402
from gates import Gates  # noqa: E402
from operations import Operations  # noqa: E402
from recovery import Recovery  # noqa: E402
from rack import CONTROLLER, ROOT, Play  # noqa: E402
from releases import RELEASE, made_release, never_seen, other_build, sick_account  # noqa: E402

PARTITIONS = lab.PARTITIONS
ONE = ("-e", "kpay_only=throughput-1")  # where a gate is planted to say ok, no more than this is touched


def processes(nodes=lab.NODES):
    """{unit: pid} of every daemon on the rack."""
    found = {}
    for node in nodes:
        text = lab.on(node, "for u in $(systemctl list-units --plain --no-legend 'kpay-*@*.service' | cut -d' ' -f1);"
                            " do echo $u $(systemctl show -P MainPID $u); done")
        found.update(line.split() for line in text.splitlines())
    return found


class Rack(Operations, Recovery, Gates, Budgets, unittest.TestCase):
    maxDiff = None
    processes = staticmethod(processes)

    def processes_but(self, node):
        return processes([each for each in lab.NODES if each != node])

    def setUp(self):
        """01 makes the rack, 02 needs its hosts only; all others need a system that is whole, whoever left it. A lock that is
        still there is that of a run that failed, or was ended."""
        number = self._testMethodName[5:7]
        if number != "01":
            lab.rack("status")
            lab.unlock()
        if number not in ("01", "02"):
            lab.insist_that_it_is_whole()

    def fails(self, play, message):
        lab.unlock()
        self.assertNotEqual(play.code, 0, "the run was not stopped")
        self.assertIn(message, play.said())

    def books_are_equal(self):
        code, answer = lab.kpayctl("books", "verify", "--wait-idle", "120")
        self.assertEqual(code, 0, answer)

    def untouched(self, before):
        self.assertEqual(processes(), before)

    # ---- the way of a rack

    def test_01_check_of_a_fresh_rack_ends_well_and_changes_nothing(self):
        lab.rack("down")
        lab.rack("up")
        Play("site", "--check", "--diff").ok()
        self.assertEqual(lab.on("node1", "ls /opt/kpay /etc/kpay /opt/kafka 2>/dev/null || true").strip(), "")

    def test_02_site_brings_everything_up_from_nothing(self):
        Play("site").ok()
        lab.open_accounts()
        self.books_are_equal()

    def test_03_a_second_site_changes_nothing(self):
        before = processes()
        self.assertEqual(Play("site").ok().changed(), {})
        self.untouched(before)

    def test_04_check_of_a_deployed_rack_sees_nothing_to_change(self):
        self.assertEqual(Play("site", "--check", "--diff").ok().changed(), {})

    def test_05_hosts_have_no_way_out_and_units_run_hardened(self):
        for node in lab.NODES:
            self.assertNotIn("default", lab.on(node, "ip route"))
        text = lab.on("node4", "systemd-analyze security --no-pager kpay-account@account-3.service --threshold=15 | tail -1")
        self.assertIn("OK", text)
        self.assertEqual(lab.on("node4", "ps -o user= -C kpay-account").split(), ["kpay"])

    def test_06_a_principal_may_do_what_it_needs_and_no_more(self):
        code, unused = lab.run([lab.LOAD.parent / "kpayctl", "--config", CONTROLLER / "client.yaml", "topics", "apply",
                                "--partitions", PARTITIONS])
        self.assertEqual(code, 6, "topics apply by the client")
        code, text = lab.run([lab.LOAD.parent / "kpayctl", "--config", CONTROLLER / "client.yaml", "pipeline", "pause",
                              "--reason", "a test"])
        self.assertEqual((code, "authorization failed" in text), (6, True), text)

    def test_07_rolling_restart_under_load(self):
        steps = self.under_load("rolling_restart").steps("restart ")
        pauses = sorted(line["seconds"] for line in steps)
        print("%d instances, pause %.1f to %.1f s" % (len(steps), pauses[0], pauses[-1]))
        self.assertEqual(len(steps), lab.INSTANCES)
        for line in steps:
            self.assertTrue(line["drain"]["clean"], line)

    def test_08_a_killed_operation_is_taken_up_where_it_was(self):
        before, known = processes(), lab.operations()
        runner = subprocess.Popen([ROOT / "scripts/rack/play", "rolling_restart"], cwd=ROOT, start_new_session=True,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline, new = time.time() + 600, []
        while time.time() < deadline and runner.poll() is None:
            new = [path for path in lab.operations() if path not in known]
            if new and sum(str(line.get("step", "")).startswith("restart ") for line in lab.journal(new[-1])) >= 2:
                break
            time.sleep(0.2)
        self.assertIsNone(runner.poll(), "the run ended by itself before two instances were restarted")
        os.killpg(runner.pid, signal.SIGKILL)
        runner.wait()
        half = processes()  # what was in hand when the controller died may be stopped just now
        done = [unit for unit in before if half.get(unit) != before[unit]]
        self.assertGreaterEqual(len(done), 2)
        self.assertLess(len(done), len(before))
        # Another operation is kept out, this one goes on; what was done is not done again.
        self.assertIn("LOCK: operation %s" % new[-1].name, Play("rolling_restart").said())
        Play("rolling_restart", "-e", "resume=" + new[-1].name).ok()
        after = processes()
        still = [unit for unit in done if after[unit] == half.get(unit)]
        self.assertGreaterEqual(len(still), len(done) - 1, "the one in hand may be done again, no other")
        self.assertTrue(all(after[unit] != before[unit] for unit in before))
        self.books_are_equal()

    def test_09_deploy_of_another_build_and_rollback(self):
        other = made_release("other", other_build)
        play = Play("deploy", release=other).ok()
        self.assertEqual(len(play.steps("restart ")), lab.INSTANCES)
        back = Play("rollback", release=RELEASE).ok()
        self.assertEqual(len(back.steps("restart ")), lab.INSTANCES)
        self.assertEqual(Play("deploy").ok().changed(), {})
        self.books_are_equal()

    def test_10_drain_of_a_host_and_resume(self):
        play = Play("drain", "-e", "host=node1").ok()
        self.assertEqual(lab.on("node1", "systemctl is-active kpay-account@account-1 || true").strip(), "inactive")
        self.assertTrue(play.steps("stop account-1")[0]["drain"]["clean"])
        Play("resume", "-e", "host=node1").ok()
        self.books_are_equal()

    def test_11_rolling_restart_of_brokers(self):
        self.assertEqual(len(self.under_load("broker_rolling_restart").steps("restart kafka")), 3)

    # ---- every gate, with its fault

    def test_20_a_wrong_inventory_touches_no_host(self):
        with tempfile.TemporaryDirectory(dir=ROOT / "build/rack", prefix="broken-") as folder:
            shutil.copytree(ROOT / "inventories/lab", folder, dirs_exist_ok=True)
            hosts = pathlib.Path(folder) / "hosts.yml"
            hosts.write_text(hosts.read_text().replace("id: account-2", "id: account-1"))
            play = Play("verify", inventory=folder)
        self.fails(play, "INV-INSTANCE node2: instance 'account-1' is on node1, too")
        self.assertEqual(play.operation, "")

    def test_21_a_wrong_checksum_is_unpacked_nowhere(self):
        bad = made_release("bad", never_seen)
        with open(bad, "ab") as file:
            file.write(b"x")
        before = processes()
        self.fails(Play("deploy", *ONE, release=bad), "nothing was unpacked")
        self.untouched(before)

    def test_22_a_second_operator_waits(self):
        before = processes()
        lab.on("node5", "python3 - <<'E'\nimport json,time\np='/var/lib/kpay-ops/lease.json'\nd=json.load(open(p))\n"
                        "d.update(operation='other-op',owner='bob',token=d['token']+1,until=time.time()+600)\n"
                        "json.dump(d,open(p,'w'))\nE")
        self.fails(Play("rolling_restart", *ONE), "LOCK: operation other-op of bob holds this host")
        self.untouched(before)

    def test_23_a_failed_selfcheck_stops_before_anything_is_touched(self):
        before = processes()
        self.fails(Play("deploy", *ONE, "-e", '{"kpay_settings": {"kafka": {"partitions": 9}}}'),
                   "has 8 partitions, kafka.partitions says 9")
        self.untouched(before)

    def test_24_a_sick_canary_is_taken_back_and_no_other_is_touched(self):
        before = processes()
        play = Play("deploy", "-e", "kpay_only=account", release=made_release("sick", sick_account))
        self.fails(play, "account-1 was taken back to release")
        after = processes()
        self.assertEqual([unit for unit in before if after[unit] != before[unit]], ["kpay-account@account-1.service"])
        Play("verify").ok()

    def test_25_no_daemon_stops_while_another_is_sick(self):
        before = processes()
        with lab.frozen("node1", "kpay-confirmed@confirmed-1"):
            play = Play("rolling_restart", "-e", "kpay_only=account-1", "-e", "kpay_gate_timeout_s=8")
        self.fails(play, "GATE before account-1 is shut: confirmed-1 is silent")
        self.untouched(before)
        Play("verify").ok()

    def test_26_no_broker_stops_while_replicas_are_missing(self):
        lab.on("node3", "systemctl stop kafka")
        try:
            play = Play("broker_rolling_restart", "-e", "kafka_gate_timeout_s=8")
        finally:
            lab.on("node3", "systemctl start kafka")
        self.fails(play, "GATE kafka stop is shut: broker 3 is not there")
        self.assertEqual(lab.on("node1", "systemctl is-active kafka").strip(), "active")
        Play("verify").ok()

    def test_27_a_dead_host_stops_the_run_before_anything_is_touched(self):
        before = processes()
        lab.rack("kill", "node5")
        try:
            play = Play("rolling_restart")
        finally:
            lab.rack("start", "node5")
        self.fails(play, "UNREACHABLE")
        self.assertFalse([line for line in play.journal if "Take the lock" in str(line.get("task"))])
        after = processes()
        for unit, pid in before.items():
            if unit not in ("kpay-account@account-4.service", "kpay-confirmed@confirmed-2.service"):
                self.assertEqual(after[unit], pid)
        Play("resume", "-e", "host=node5").ok()
        self.books_are_equal()

    def test_28_no_host_is_drained_whose_tasks_nobody_could_take(self):
        before = processes()
        self.fails(Play("drain", "-e", "host=node4"), "GATE peers is shut: no other host has kpay-inflight")
        self.untouched(before)


class Timed(unittest.TextTestResult):
    seconds = {}

    def startTest(self, test):
        self.begun = time.time()
        super().startTest(test)

    def stopTest(self, test):
        self.seconds[test._testMethodName] = time.time() - self.begun
        super().stopTest(test)


def main():
    names = [name for name in unittest.TestLoader().getTestCaseNames(Rack)
             if len(sys.argv) == 1 or any(word in name for word in sys.argv[1:])]
    result = unittest.TextTestRunner(verbosity=2, resultclass=Timed, failfast=True).run(
        unittest.TestSuite(Rack(name) for name in names))
    for name, seconds in Timed.seconds.items():
        print("%6.0f s  %s" % (seconds, name[5:].replace("_", " ")))
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
