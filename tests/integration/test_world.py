"""The world around a daemon is wrong: a clear message, a documented exit code or a visible wait."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from suite import ROOT, Rig, RigCase, wait_for


class NoCluster(unittest.TestCase):
    PORT = 19550

    def setUp(self):
        self.rig = Rig(pathlib.Path(tempfile.mkdtemp(prefix="kpay-world-")) / "rig", port=self.PORT, partitions=2)
        self.addCleanup(self.rig.__exit__)

    def test_a_start_before_broker_and_topics_waits_and_says_for_what(self):
        daemon = self.rig.add("account", "account-1").start()
        wait_for("it says that it waits for a broker",
                 lambda: any("waiting for 127.0.0.1" in e.get("error", "") for e in daemon.events()))
        self.assertTrue(daemon.running())
        self.assertEqual(daemon.get("/healthz")[0], 200)
        self.assertEqual(daemon.get("/readyz")[0], 503)
        self.rig.start_broker_and_topics()
        wait_for("it is ready", lambda: daemon.get("/readyz")[0] == 200)
        self.assertEqual(daemon.stop(), 0, daemon.log.read_text()[-3000:])

    def test_a_wrong_count_of_partitions_is_refused(self):
        self.rig.start_broker_and_topics()
        daemon = self.rig.add("account", "account-1")
        self.rig.partitions = 5
        daemon.write_config()
        daemon.start()
        self.assertEqual(daemon.process.wait(30), 78)
        self.assertIn("2 partitions", daemon.log.read_text())

    def test_a_second_process_with_the_same_folder_or_id_is_refused(self):
        self.rig.start_broker_and_topics()
        first = self.rig.add("confirmed", "confirmed-1").start()
        wait_for("the first is ready", lambda: first.get("/readyz")[0] == 200)
        second = subprocess.run([str(first.binary), "--config", str(first.config)], capture_output=True, text=True)
        self.assertEqual(second.returncode, 80, second.stderr)
        self.assertIn("in use by process", second.stderr)
        # The same id from another folder: the group fences the older one.
        third = self.rig.add("confirmed", "other")
        third.write_config()
        third.config.write_text(third.config.read_text().replace("id: other", "id: confirmed-1"))
        third.start()
        wait_for("one of the two ends", lambda: not first.running() or not third.running(), timeout=40)
        ended = first if not first.running() else third
        self.assertEqual(ended.process.returncode, 80, ended.log.read_text()[-2000:])

    def test_a_typo_in_the_configuration_names_file_line_and_field(self):
        daemon = self.rig.add("account", "account-1")
        daemon.write_config()
        daemon.config.write_text(daemon.config.read_text().replace("partitions", "partitons"))
        done = subprocess.run([str(daemon.binary), "--config", str(daemon.config)], capture_output=True, text=True)
        self.assertEqual(done.returncode, 78)
        self.assertIn(f"{daemon.config}:4:", done.stderr)
        self.assertIn("partitons", done.stderr)
        self.assertIn("partitions", done.stderr)


class FullDisk(RigCase):
    PORT = 19560
    PARTITIONS = 2

    @unittest.skipIf(os.geteuid() != 0, "mounting a small file system needs root")
    def test_a_full_disk_is_waited_out_and_nothing_is_lost(self):
        daemon = self.rig.daemons["account-1"]
        daemon.stop()
        small = self.rig.folder / "small"
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160k", "none", str(small)], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", str(small)])
        daemon.write_config(state_directory=small / "state")
        daemon.start()
        self.rig.wait_ready()
        self.rig.load("accounts", "--count", 3000, "--currency", "EUR", "--opening", "1.00",
                      "--account-prefix", "full-", capture_output=True)
        self.rig.load("run", "--rate", 1000, "--duration", "4s", "--accounts", self.ACCOUNTS, "--currency", "EUR",
                      capture_output=True)
        behind = wait_for("it says that its store is behind",
                          lambda: [t for t in daemon.status()["tasks"] if t["store_behind"]])
        self.assertIn("full", behind[0]["reason"])
        subprocess.run(["mount", "-o", "remount,size=64m", str(small)], check=True)
        wait_for("it has caught up", lambda: not any(t["store_behind"] for t in daemon.status()["tasks"]))
        self.assertEqual(daemon.stop(), 0, daemon.log.read_text()[-3000:])
        daemon.start()
        self.rig.wait_ready()
        self.assert_books_balance()


class StaticBinaries(unittest.TestCase):
    """Each binary runs in a tree with nothing else in it."""

    def test_every_binary_runs_in_an_empty_chroot(self):
        binaries = [p for p in (ROOT / "build/release/bin").iterdir() if p.is_file() and p.name.startswith("kpay")]
        self.assertGreaterEqual(len(binaries), 7)
        for binary in binaries:
            told = subprocess.run(["ldd", str(binary)], capture_output=True, text=True)
            self.assertIn("not a dynamic executable", told.stdout + told.stderr, binary.name)
            if os.geteuid() == 0:
                with tempfile.TemporaryDirectory() as tree:
                    shutil.copy(binary, tree)
                    done = subprocess.run(["chroot", tree, f"/{binary.name}", "--help"],
                                          capture_output=True, text=True)
                    self.assertEqual(done.returncode, 0, f"{binary.name}: {done.stderr}")


if __name__ == "__main__":
    unittest.main()
