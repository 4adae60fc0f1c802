"""The admin socket of real daemons on a real broker: drain, drain records, resume; and systemd's notices."""

import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

from suite import ROOT, Rig, RigCase, wait_for


def admin(daemon, *arguments):
    """(exit code, the answer's object) of `kpay-X admin …`."""
    done = subprocess.run([str(daemon.binary), "admin", *map(str, arguments), "--config", str(daemon.config)],
                          capture_output=True, text=True, timeout=120)
    return done.returncode, json.loads(done.stdout or done.stderr)


class Drain(RigCase):
    PORT = 19570

    @classmethod
    def prepare(cls, rig):
        # A session so long that only a group that is told can move on within the test's time.
        for kind, instance in (("account", "account-1"), ("account", "account-2"), ("inflight", "inflight-1")):
            daemon = rig.add(kind, instance)
            daemon.write_config(session_timeout="24s", extra=f"admin: {{socket: {daemon.folder}/admin.sock}}\n")

    def owned(self, daemon, stage="account"):
        return {t["partition"] for t in daemon.status()["tasks"] if t["stage"] == stage and t["phase"] == "running"}

    def test_a_drained_instance_gives_its_tasks_away_with_proof_and_takes_them_back(self):
        first, second = self.rig.daemons["account-1"], self.rig.daemons["account-2"]
        wait_for("both have tasks", lambda: self.owned(first) and self.owned(second), timeout=90)
        mine = self.owned(first)
        self.rig.load("run", "--rate", 1000, "--duration", "2s", "--accounts", self.ACCOUNTS, "--currency", "EUR",
                      "--seed", 5, capture_output=True)
        code, report = admin(first, "drain", "--deadline-ms", 20000)
        self.assertEqual((code, report["clean"]), (0, True), report)
        self.assertEqual({r["partition"] for r in report["records"]}, mine)
        wait_for("the other has all", lambda: self.owned(second) == set(range(self.PARTITIONS)), timeout=10)
        status = first.status()
        self.assertEqual((status["phase"], status["tasks"]), ("drained", []))
        for record in report["records"]:
            self.assertIn(record, status["drain_records"])
        self.assertEqual(first.get("/readyz")[0], 503)
        self.assertTrue(first.running())
        self.assertEqual(admin(first, "drain")[1]["records"], report["records"], "drained already: the same answer")
        told = [e for e in first.events("TaskRevoked") if e["clean"]]
        for record in report["records"]:
            self.assertIn((record["partition"], record["position"], record["hash"]),
                          [(e["partition"], e["position"], e["state_hash"]) for e in told])

        self.rig.load("run", "--rate", 1000, "--duration", "2s", "--accounts", self.ACCOUNTS, "--currency", "EUR",
                      "--seed", 6, capture_output=True)
        self.assertEqual(admin(first, "resume"), (0, {"ok": True}))
        wait_for("it has tasks again", lambda: self.owned(first), timeout=60)
        wait_for("it is ready again", lambda: first.get("/readyz")[0] == 200)
        self.rig.load("run", "--rate", 1000, "--duration", "2s", "--accounts", self.ACCOUNTS, "--currency", "EUR",
                      "--seed", 7, capture_output=True)
        self.assert_books_balance()

    def test_kpayctl_drains_and_resumes_an_instance_by_its_socket(self):
        first, second = self.rig.daemons["account-1"], self.rig.daemons["account-2"]
        wait_for("both have tasks", lambda: self.owned(first) and self.owned(second), timeout=90)
        at = ("--socket", f"{first.folder}/admin.sock")
        mine = sorted(f"account/{p}" for p in self.owned(first))
        planned = self.json("tasks", "drain", "account-1", *at, "--dry-run")
        self.assertEqual((planned["changed"], sorted(planned["tasks"])), (True, mine))
        self.assertEqual(sorted(f"account/{p}" for p in self.owned(first)), mine, "a dry run drains nothing")
        told = self.json("tasks", "drain", "account-1", *at, "--deadline", 20)
        self.assertEqual((told["changed"], told["clean"], sorted(f"account/{r['partition']}" for r in told["records"])),
                         (True, True, mine))
        self.assertFalse(self.json("tasks", "drain", "account-1", *at)["changed"], "a repeat changes nothing")
        self.assertTrue(self.json("tasks", "resume", "account-1", *at)["changed"])
        self.assertFalse(self.json("tasks", "resume", "account-1", *at)["changed"])
        wait_for("it has tasks again", lambda: self.owned(first), timeout=60)
        self.rig.wait_ready()
        nowhere = self.rig.ctl("tasks", "drain", "account-9", check=False)
        self.assertEqual(nowhere.returncode, 5)
        self.assertIn("/run/kpay/account-9/admin.sock", nowhere.stderr)
        wrong = self.rig.ctl("tasks", "re-emit", "account/77", "--from", 0, *at, check=False)
        self.assertEqual(wrong.returncode, 3, wrong.stderr)
        self.assertIn("account/77 doesn't run on account-1", wrong.stderr)

    def test_a_drain_record_is_the_changelogs_clean_marker(self):
        daemon = self.rig.daemons["inflight-1"]
        code, report = admin(daemon, "drain")
        self.assertEqual((code, report["clean"]), (0, True), report)
        self.assertEqual(len(report["records"]), 2 * self.PARTITIONS)
        for record in report["records"]:
            done = self.rig._tool("last_marker", (f"127.0.0.1:{self.PORT}", f"kpay.state.{record['stage']}.changelog",
                                                  record["partition"]), True, 60)
            self.assertEqual(json.loads(done.stdout), {"number": record["marker"], "position": record["position"],
                                                       "hash": record["hash"], "clean": True}, record)
        self.assertEqual(admin(daemon, "resume")[0], 0)
        wait_for("it runs again", lambda: daemon.get("/readyz")[0] == 200, timeout=90)
        self.rig.wait_ready()
        self.assert_books_balance()

    def test_status_and_metadata_name_build_and_configuration(self):
        daemon = self.rig.daemons["inflight-1"]
        code, status = admin(daemon, "status")
        self.assertEqual(code, 0)
        checked = subprocess.run([str(daemon.binary), "config", "check", str(daemon.config)],
                                 capture_output=True, text=True, check=True)
        self.assertIn(status["config_hash"], checked.stdout)
        version = subprocess.run([str(daemon.binary), "version"], capture_output=True, text=True, check=True).stdout
        number, commit = status["build"].split("+")
        self.assertIn(f"{number} ({commit})", version)

    def test_the_metrics_served_are_those_documented_and_each_is_set(self):
        page = (ROOT / "docs/telemetry.md").read_text()
        documented = set(re.findall(r"^\| `(kpay_\w+)` \| (\w+) \|", page, re.M))
        self.assertGreater(len(documented), 8)
        for daemon in self.rig.daemons.values():
            daemon.get("/metrics")
            served = daemon.get("/metrics")[1]
            self.assertEqual(set(re.findall(r"^# TYPE (kpay_\w+) (\w+)$", served, re.M)), documented, daemon.instance)
            set_ones = {re.sub(r"_(bucket|sum|count)$", "", name)
                        for name in re.findall(r"^(kpay_\w+)[ {]", served, re.M)}
            # The auditor's own are set by kpay-journal: test_audit.py.
            self.assertEqual(set_ones, {name for name, _ in documented if not name.startswith("kpay_audit_")},
                             daemon.instance)

    def test_who_may_not_or_asks_nobody_is_told_so(self):
        daemon = self.rig.daemons["account-2"]
        command = [str(daemon.binary), "admin", "status", "--socket"]
        nobody = subprocess.run([*command, str(daemon.folder / "none.sock")], capture_output=True, text=True)
        self.assertEqual(nobody.returncode, 69, nobody.stderr)
        if os.geteuid() == 0:
            os.chmod(self.folder, 0o755)
            os.chmod(daemon.folder, 0o755)
            os.chmod(daemon.folder.parent, 0o755)
            # A clone in /root can't be entered by others: they get a copy.
            command[0] = shutil.copy(daemon.binary, self.folder)
            other = subprocess.run([*command, str(daemon.folder / "admin.sock")], capture_output=True, text=True,
                                   user=65534, group=65534, extra_groups=[])
            self.assertEqual(other.returncode, 77, other.stderr)
        self.assertEqual(admin(daemon, "acknowledge-time")[0], 1)
        self.assertEqual(admin(daemon, "log-level", "debug"), (0, {"level": "debug"}))


class Systemd(unittest.TestCase):
    """A service manager's end of the notify socket."""
    PORT = 19580

    def setUp(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="kpay-systemd-"))
        self.rig = Rig(folder / "rig", port=self.PORT, partitions=2)
        self.addCleanup(self.rig.__exit__)
        self.path = folder / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.socket.setblocking(False)
        self.addCleanup(self.socket.close)
        self.told = []

    def start(self, kind, instance):
        runtime = self.rig.folder / f"run-{instance}"
        runtime.mkdir()
        return self.rig.add(kind, instance, env={"NOTIFY_SOCKET": str(self.path), "WATCHDOG_USEC": "2000000",
                                                 "RUNTIME_DIRECTORY": str(runtime)}).start()

    def listen(self):
        while True:
            try:
                self.told.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return self.told

    def test_ready_status_watchdog_and_more_time(self):
        daemon = self.start("account", "account-1")
        wait_for("it says what it waits for",
                 lambda: any(t.startswith("STATUS=waiting for 127.0.0.1") for t in self.listen()))
        self.assertNotIn("READY=1", self.told)
        self.assertTrue(any(t.startswith("EXTEND_TIMEOUT_USEC=") for t in self.told), self.told)
        self.rig.start_broker_and_topics()
        wait_for("READY", lambda: "READY=1" in self.listen())
        self.assertEqual(daemon.get("/readyz")[0], 200)
        self.assertEqual({t["phase"] for t in daemon.status()["tasks"]}, {"running"})
        self.told.clear()
        time.sleep(2)  # nothing flows: turns alone feed the watchdog
        self.assertGreaterEqual(self.listen().count("WATCHDOG=1"), 4)
        self.assertTrue(any(t.startswith("STATUS=running: 2 tasks") for t in self.told), self.told)

        # A second instance that the group has nothing for is ready without any task.
        self.told.clear()
        third = [self.start("account", f"account-{n}") for n in (2, 3)]
        for extra in third:  # the socket holds ten messages: it is read all the while, as systemd does
            wait_for(f"{extra.instance} is ready",
                     lambda extra=extra: self.listen() is not None and extra.get("/readyz")[0] == 200, timeout=30)
        wait_for("both have said so", lambda: self.listen().count("READY=1") >= 2, timeout=15)

        self.told.clear()
        self.assertEqual(daemon.stop(), 0)
        self.assertIn("STOPPING=1", self.listen())
        self.assertTrue(any(t.startswith("EXTEND_TIMEOUT_USEC=") for t in self.told), self.told)
        self.assertFalse((self.rig.folder / "run-account-1" / "admin.sock").exists(), "its socket is gone with it")


if __name__ == "__main__":
    unittest.main()
