"""What the suites share: a rig per class on a port of its own, and a few waits."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "rig"))
from rig import Daemon, Rig, RigError  # noqa: E402,F401

# LONG=1 (make test-all): the full lengths; otherwise what fits into CI.
LONG = os.environ.get("LONG") == "1"


def wait_for(what, condition, timeout=60, every=0.1):
    """Polls until `condition` gives something true; returns it. Fails naming `what`."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(every)
    raise AssertionError(f"not within {timeout} s: {what}")


class RigCase(unittest.TestCase):
    """A test class with a running rig in self.rig; subclasses set PORT."""

    PORT = 0
    PARTITIONS = 4
    ACCOUNTS = 200
    RIG = Rig
    BROKER = ""  # more lines for the broker's settings
    kept = False  # its folder, with the logs: when a test has failed

    @classmethod
    def prepare(cls, rig):
        """Adds daemons with other configurations than the usual one, before any starts."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix=f"kpay-{cls.__name__}-")
        cls.rig = cls.RIG(pathlib.Path(cls.folder) / "rig", port=cls.PORT, partitions=cls.PARTITIONS)
        try:
            if cls.BROKER:
                kafka = cls.rig.folder / "kafka"
                kafka.mkdir()
                (kafka / "extra.properties").write_text(cls.BROKER)
            cls.rig.start_broker_and_topics()
            cls.prepare(cls.rig)
            cls.rig.start_daemons()
            cls.rig.load("accounts", "--count", cls.ACCOUNTS, "--currency", "EUR", "--opening", "1000.00",
                         "--wait", capture_output=True)
        except BaseException:
            cls.rig.__exit__()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.rig.__exit__()
        if not cls.kept:
            shutil.rmtree(cls.folder, ignore_errors=True)

    def run(self, result=None):
        done = super().run(result)
        if result is not None and not result.wasSuccessful():
            type(self).kept = True
        return done

    @classmethod
    def enrol_two(cls):
        """Two people whose signatures count from now on; cls.keys: what makes kpayctl sign as one of them."""
        folder = cls.rig.folder / "keys"
        folder.mkdir()
        cls.keys, signed = {}, ()
        for name in ("ann", "ben"):
            key = json.loads(cls.rig.ctl("keys", "generate", folder / f"{name}.pem", "--json").stdout)["public_key"]
            cls.rig.ctl("keys", "enrol", key, "--owner", name, "--reason", "a test", "--yes", *signed)
            cls.keys[name] = signed = ("--key", folder / f"{name}.pem")

    def json(self, *arguments, check=True, timeout=120):
        done = self.rig.ctl(*arguments, "--json", check=check, timeout=timeout)
        return json.loads(done.stdout)

    def assert_books_balance(self, wait=60):
        for command in (["books", "verify", "--wait-idle", wait], ["books", "show"]):
            done = self.rig.ctl(*command, check=False, timeout=wait + 120)
            self.assertEqual(done.returncode, 0, f"{command}: {done.stdout}{done.stderr}")

    def assert_audited(self, wait=60):
        """A kpay-journal that ran beside (Rig.add_journal) says of all that is in the log now: conserved, no findings."""
        told = self.rig.ctl("audit", "show", "--wait", wait, "--json", check=False, timeout=wait + 60)
        self.assertEqual(told.returncode, 0, told.stdout + told.stderr)
        statement = json.loads(told.stdout)["statement"]
        self.assertEqual((statement["state"], statement["findings"]["total"]), ("conserved", 0), statement)
        self.assertGreater(statement["counts"]["records"], 0, "it has read nothing")
        for currency, books in statement["currencies"].items():
            self.assertTrue(books["conserved"], f"{currency}: {books}")

    def assert_oracle_agrees(self, *options, timeout=120):
        """Stops the daemons, and compares all that stands on the topics with tests/oracle."""
        for daemon in self.rig.daemons.values():
            daemon.stop()
        dump = pathlib.Path(self.folder) / "dump"
        for command in ([self.rig.bin / "dump_topics", f"127.0.0.1:{self.rig.port}", "kpay.",
                         self.PARTITIONS, dump],
                        [sys.executable, "-B", ROOT / "tests" / "oracle" / "oracle.py", *options, dump]):
            done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                                  timeout=timeout, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r" [1-9]\d\d+ events, ")

    def sum_of(self, stage, table, key, field):
        """A total's field, summed over all partitions of all instances."""
        total = 0
        for daemon in self.rig.daemons.values():
            code, body = daemon.get(f"/tables/{stage}.{table}?limit=1000")
            if code == 200:
                for row in json.loads(body)["rows"]:
                    total += int(row["row"].get(field, 0)) if row["key"] == key else 0
        return total
