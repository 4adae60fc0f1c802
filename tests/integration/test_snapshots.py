"""Snapshots on real daemons: taken under load, kept, checked, in the way of a trim, and restored from."""

import json
import shutil
import subprocess
import time
import unittest

from suite import RigCase


class Snapshots(RigCase):
    PORT = 19680
    PARTITIONS = 3
    ACCOUNTS = 2000
    BROKER = "producer.id.expiration.ms=1000\n"

    @classmethod
    def prepare(cls, rig):
        for instance in ("account-1", "account-2"):
            daemon = rig.add("account", instance)
            daemon.write_config(snapshots="{every: 2s, keep: 3}", checkpoint="{base_every: 4}",
                                extra=f"admin: {{socket: {daemon.folder}/admin.sock}}\n")

    def pay(self, seconds=2):
        self.rig.load("run", "--rate", 800, "--duration", f"{seconds}s", "--accounts", self.ACCOUNTS,
                      "--currency", "EUR", capture_output=True)

    def admin(self, instance, *words):
        daemon = self.rig.daemons[instance]
        return subprocess.run([str(daemon.binary), "admin", *map(str, words), "--config", str(daemon.config)],
                              capture_output=True, text=True, timeout=60, check=False)

    def owner(self):
        """An account daemon that has tasks, and the partitions of its tasks."""
        for instance in ("account-1", "account-2"):
            tasks = [t["partition"] for t in self.rig.daemons[instance].status()["tasks"]]
            if tasks:
                return self.rig.daemons[instance], tasks
        raise AssertionError("nobody has an account task")

    def test_kept_ones_are_the_newest_and_are_taken_while_payments_flow(self):
        self.pay(9)
        kept = [s for s in self.json("snapshots", "list")["snapshots"] if s["task"].startswith("account/")]
        self.assertEqual({s["task"] for s in kept}, {f"account/{p}" for p in range(self.PARTITIONS)})
        for each in kept:
            self.assertLessEqual(each["count"], 3)
            self.assertLessEqual(each["oldest"]["checkpoint"], each["newest"]["checkpoint"])
        daemon, tasks = self.owner()
        folder = daemon.folder / "state" / "snapshots"
        checked = self.json("snapshots", "check", folder)
        self.assertTrue(checked["ok"], checked)
        self.assertEqual({s["task"] for s in checked["snapshots"]}, {f"account/{p}" for p in tasks})
        taken = daemon.events("SnapshotTaken")
        print(f"{len(taken)} snapshots, at most {max(e['took_ms'] for e in taken)} ms each, commits waited at most "
              f"{max(e['commit_waited_ms_max'] for e in taken)} ms", flush=True)
        self.assertEqual(daemon.events("SnapshotFailed"), [])
        self.assert_books_balance()

    def test_one_at_an_operators_word_and_a_damaged_one_is_named(self):
        self.pay(1)
        daemon, tasks = self.owner()
        out = daemon.folder / "out"
        refused = self.admin(daemon.instance, "snapshot", out)
        self.assertEqual(refused.returncode, 2, refused.stderr)
        self.assertIn("folder that is there", refused.stderr)
        out.mkdir()
        taken = json.loads(self.admin(daemon.instance, "snapshot", out).stdout)["snapshots"]
        self.assertEqual(sorted(s["partition"] for s in taken), sorted(tasks))
        self.assertTrue(self.json("snapshots", "check", out)["ok"])
        self.assertEqual(sorted(p.name for p in out.iterdir()),
                         sorted(s["path"].rsplit("/", 1)[1] for s in taken), "nothing else is left")
        victim = out / taken[0]["path"].rsplit("/", 1)[1] / "state.db"
        whole = bytearray(victim.read_bytes())
        whole[len(whole) // 2] ^= 1
        victim.write_bytes(whole)
        told = self.rig.ctl("snapshots", "check", out, "--json", check=False)
        self.assertEqual(told.returncode, 8, told.stdout)
        self.assertIn("SHA-256", told.stdout)

    def test_r20_a_kept_snapshot_keeps_its_input(self):
        self.pay(3)
        daemon, tasks = self.owner()
        daemon.stop()  # it makes no newer ones, and what it told last still holds
        try:
            kept = {s["task"]: s["oldest"]["position"] for s in self.json("snapshots", "list")["snapshots"]
                    if s["instance"] == daemon.instance}
            time.sleep(2.5)
            plan = {p["partition"]: p for p in self.json("topics", "trim", "--keep", "1s", "--yes")["partitions"]
                    if p["topic"] == "kpay.payments.inflight"}
            for partition in tasks:
                self.assertLessEqual(plan[partition]["to"], kept[f"account/{partition}"])
                self.assertTrue(plan[partition]["kept_for"].startswith("snapshot of account on account-"), plan)
            forgotten = self.json("topics", "trim", "--keep", "1s", "--dry-run", "--forget-snapshots-of",
                                  daemon.instance)["partitions"]
            self.assertNotIn(f"snapshot of account on {daemon.instance}", {p["kept_for"] for p in forgotten})
        finally:
            daemon.start()
            self.rig.wait_ready()

    def test_r14_the_books_are_recomputed_from_a_snapshot_whose_changelog_is_trimmed(self):
        self.pay(3)
        daemon, tasks = self.owner()
        out = daemon.folder / "recompute"
        out.mkdir()
        taken = json.loads(self.admin(daemon.instance, "snapshot", out).stdout)["snapshots"]
        task = f"account/{taken[0]['partition']}"
        time.sleep(1.1)
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.pay(12)  # some bases: the changelog up to them is gone
        time.sleep(2)
        arguments = ("books", "recompute", "--task", task, "--since", since)
        without = self.json(*arguments)
        done = self.json(*arguments, "--snapshots", out)
        self.assertTrue(done["equal"], done)
        self.assertEqual(without["from"][task], 0, "the changelog has no checkpoint of that time any more")
        self.assertEqual(done["from"][task], taken[0]["position"])
        self.assertLess(done["events"], without["events"])
        self.assertIn("from the snapshot of", self.rig.ctl(*arguments, "--snapshots", out).stdout)
        # One that is damaged is named, and so is a folder without any.
        victim = out / taken[0]["path"].rsplit("/", 1)[1] / "state.db"
        whole = bytearray(victim.read_bytes())
        whole[len(whole) // 2] ^= 1
        victim.write_bytes(whole)
        refused = self.rig.ctl(*arguments, "--snapshots", out, check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("SHA-256", refused.stderr)
        self.assertEqual(self.rig.ctl(*arguments, "--snapshots", daemon.folder, check=False).returncode, 3)

    def lose_and_restore(self, attempt):
        """Where each task goes on from, by partition, and what the daemon set aside."""
        daemon, tasks = self.owner()
        out = daemon.folder / f"restore-{attempt}"
        out.mkdir()
        taken = json.loads(self.admin(daemon.instance, "snapshot", out).stdout)["snapshots"]
        self.pay(1)
        refused = self.restore(daemon, taken[0]["path"])
        self.assertEqual(refused.returncode, 80, "it runs: " + refused.stderr)
        daemon.kill()
        shutil.rmtree(daemon.folder / "state")
        for snapshot in taken:
            done = self.restore(daemon, snapshot["path"])
            self.assertEqual(done.returncode, 0, done.stderr)
        started = {name: len(daemon.events(name)) for name in ("TaskRestored", "StoreSetAside")}
        daemon.start()
        self.rig.wait_ready()
        mine = {t["partition"] for t in daemon.status()["tasks"]}
        restored = {e["partition"]: e["source"] for e in daemon.events("TaskRestored")[started["TaskRestored"]:]}
        return ({partition: restored[partition] for partition in mine & set(tasks)},
                [e["reason"] for e in daemon.events("StoreSetAside")[started["StoreSetAside"]:]])

    def test_r17_a_task_goes_on_from_a_snapshot_and_the_logs_tail(self):
        self.pay(1)
        for attempt in range(5):
            sources, aside = self.lose_and_restore(attempt)
            if set(aside) != {"older than what is left of the changelog"}:
                break
            # A base came in between (here each four seconds), and the changelog was trimmed behind it.
            self.assertIn("log", sources.values())
        self.assertEqual((set(sources.values()), aside), ({"file"}, []))
        self.pay(1)
        self.assert_books_balance()

    def test_a_snapshot_that_is_none_of_this_daemons_is_refused(self):
        self.pay(1)
        daemon, tasks = self.owner()
        out = daemon.folder / "foreign"
        out.mkdir()
        taken = json.loads(self.admin(daemon.instance, "snapshot", out).stdout)["snapshots"]
        path = out / taken[0]["path"].rsplit("/", 1)[1]
        text = (path / "manifest").read_text()
        (path / "manifest").write_text(text.replace("partitions 3", "partitions 4"))
        daemon.stop()
        try:
            refused = self.restore(daemon, path)
            self.assertEqual(refused.returncode, 78, refused.stderr)
            (path / "manifest").write_text(text.replace("stage account", "stage intake"))
            refused = self.restore(daemon, path)
            self.assertEqual(refused.returncode, 78, refused.stderr)
        finally:
            daemon.start()
            self.rig.wait_ready()

    @staticmethod
    def restore(daemon, path):
        return subprocess.run([str(daemon.binary), "restore-snapshot", "--config", str(daemon.config), str(path)],
                              capture_output=True, text=True, timeout=60, check=False)


if __name__ == "__main__":
    unittest.main()
