"""Standby tasks: a lost instance's tasks go on elsewhere from a state that is already there."""

import json
import shutil
import time
import unittest

from suite import RigCase, wait_for


class Standby(RigCase):
    PORT = 19670
    PARTITIONS = 6
    ACCOUNTS = 3000

    @classmethod
    def prepare(cls, rig):
        rig.add_journal()
        for instance in ("account-1", "account-2"):
            rig.add("account", instance).write_config(standbys="true")

    def standbys(self, instance):
        return {s["partition"]: s for s in json.loads(self.rig.daemons[instance].get("/status")[1])["standbys"]}

    def tasks(self, instance):
        return {t["partition"]: t for t in json.loads(self.rig.daemons[instance].get("/status")[1])["tasks"]}

    def pay(self):
        self.rig.load("run", "--rate", 1000, "--duration", "3s", "--accounts", self.ACCOUNTS, "--currency", "EUR",
                      capture_output=True)

    def test_r18_a_lost_hosts_tasks_go_on_from_their_standbys(self):
        wait_for("each follows what the other has",
                 lambda: set(self.standbys("account-1")) == set(self.tasks("account-2")) and
                 set(self.standbys("account-2")) == set(self.tasks("account-1")))
        self.assertEqual(len(self.tasks("account-1")) + len(self.tasks("account-2")), self.PARTITIONS)
        self.pay()
        wait_for("the standbys are where the owners are", lambda: all(
            (s["checkpoint"], s["state_hash"]) == (owned["checkpoint"], owned["state_hash"])
            for follower, owner in (("account-1", "account-2"), ("account-2", "account-1"))
            for partition, s in self.standbys(follower).items()
            for owned in [self.tasks(owner)[partition]]))

        lost = self.rig.daemons["account-2"]
        theirs = self.tasks("account-2")
        lost.kill()
        shutil.rmtree(lost.folder / "state")  # the host is gone, its disk too
        killed = time.monotonic()
        wait_for("its tasks run where their standbys were", lambda: all(
            self.tasks("account-1").get(p, {}).get("phase") == "running" for p in theirs), every=0.02)
        took = time.monotonic() - killed
        print(f"killed, its tasks run elsewhere after {took:.1f} s (session 6 s)", flush=True)
        self.pay()
        self.assert_books_balance()

        lost.start()
        self.rig.wait_ready()
        wait_for("who came back takes its part and the other follows it", lambda: (
            len(self.tasks("account-2")) > 0 and
            set(self.standbys("account-1")) == set(self.tasks("account-2"))))
        self.pay()
        self.assert_books_balance()
        for daemon in ("account-1", "account-2"):
            self.assertEqual(list((self.rig.daemons[daemon].folder / "state").glob("*.aside-*")), [])
        self.assert_audited()
        self.assert_oracle_agrees()


if __name__ == "__main__":
    unittest.main()
