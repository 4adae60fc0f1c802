"""kill -9, lost folders and lost brokers under load: nothing missing, nothing twice."""

import random
import shutil
import threading
import time
import unittest

from suite import LONG, RigCase, wait_for

SECONDS = 60 if LONG else 15
RATE = 2000


class Crash(RigCase):
    PORT = 19520

    @classmethod
    def prepare(cls, rig):
        rig.add_journal()

    def victims(self):
        """All of them but the auditor, who watches."""
        return [daemon for name, daemon in self.rig.daemons.items() if name != "journal-1"]

    def under_load(self, disturb, rate=RATE, seconds=SECONDS):
        """Runs `disturb` again and again while payments come in; then the books must balance."""
        load = threading.Thread(target=lambda: self.rig.load(
            "run", "--rate", rate, "--duration", f"{seconds}s", "--accounts", self.ACCOUNTS,
            "--currency", "EUR", "--bad-share", "0.01", "--seed", 11, check=False, capture_output=True))
        load.start()
        while load.is_alive():
            time.sleep(random.uniform(0.5, 2.0))
            disturb()
        load.join()
        self.rig.wait_ready()
        self.assert_books_balance(wait=90)
        self.assert_audited()

    def assert_no_file_was_set_aside(self):
        aside = list(self.rig.folder.glob("*/state/*.aside-*"))
        self.assertEqual(aside, [], "a state file was set aside because of a crash")

    def test_1_after_crashes_of_each_kind_the_oracle_agrees(self):
        """First, and at a rate that leaves the oracle some seconds' work: it reads all that is on the topics."""
        done = []

        def one_after_the_other():
            daemon = self.victims()[len(done) % len(self.victims())]
            done.append(daemon.instance)
            daemon.kill()
            if daemon.instance == "account-1":
                shutil.rmtree(daemon.folder / "state")
            elif daemon.kind == "confirmed":
                self.rig.kill_kafka()
                time.sleep(3)
                self.rig.kafka("start")
            daemon.start()

        self.under_load(one_after_the_other, rate=400, seconds=15)
        self.assertLessEqual({"account-1", "confirmed-1"}, set(done))
        self.assert_oracle_agrees()
        self.rig.start_daemons()

    def test_kill_9_of_each_daemon_in_turn(self):
        instances = self.victims()

        def kill_one():
            daemon = instances[kill_one.turn % len(instances)]
            kill_one.turn += 1
            daemon.kill()
            time.sleep(random.uniform(0, 0.3))
            daemon.start()

        kill_one.turn = 0
        self.under_load(kill_one)
        self.assertGreaterEqual(kill_one.turn, 5)
        self.assert_no_file_was_set_aside()
        restored = [e for d in instances for e in d.events("TaskRestored")]
        self.assertTrue(restored)

    def test_the_state_folder_of_a_dead_account_processor_is_deleted(self):
        def lose_folder():
            daemon = self.rig.daemons["account-2"]
            daemon.kill()
            shutil.rmtree(daemon.folder / "state")
            daemon.start()
            time.sleep(3)

        self.under_load(lose_folder)

    def test_the_broker_is_killed_and_comes_back(self):
        pids = {name: daemon.process.pid for name, daemon in self.rig.daemons.items()}

        def lose_broker():
            if lose_broker.turn == 0:
                self.rig.kill_kafka()
                time.sleep(3)
                self.rig.kafka("start")
            lose_broker.turn += 1

        lose_broker.turn = 0
        self.under_load(lose_broker)
        for name, daemon in self.rig.daemons.items():
            self.assertTrue(daemon.running() and daemon.process.pid == pids[name],
                            f"{name} did not outlive the broker")

    def test_a_stop_and_start_of_everything_is_clean_and_quick(self):
        self.rig.stop()
        self.rig.kafka("start")
        began = time.monotonic()
        self.rig.start_daemons()
        self.assertLess(time.monotonic() - began, 30)
        used = [t["store_was_used"] for d in self.rig.daemons.values() for t in d.status()["tasks"]]
        self.assertTrue(all(used), "every task was restored from its file")
        self.assert_books_balance()
        self.assert_audited()


class Poison(RigCase):
    """A record on which the account processors' build dies, each time it is tried."""
    PORT = 19525
    PARTITIONS = 4

    @classmethod
    def prepare(cls, rig):
        rig.add_journal()
        for instance in ("account-1", "account-2"):
            rig.add("account", instance, binary=rig.bin / "kpay-account-planted", env={"KPAY_PLANTED_BUG": "crash"})

    def partition_of(self, account):
        return self.json("accounts", "open", account, "--currency", "EUR", "--dump-record")["partition"]

    def tasks(self):
        return {task["partition"]: task for daemon in self.rig.daemons.values()
                for task in (daemon.status() or {"tasks": []})["tasks"] if task["stage"] == "account"}

    def test_r23_holds_one_task_and_the_others_run_until_another_build_comes(self):
        poisoned = self.partition_of("poison")
        payer, payee = [name for name in (f"acc-{n}" for n in range(1, 50)) if self.partition_of(name) != poisoned][:2]
        self.rig.ctl("accounts", "open", "poison", "--currency", "EUR", "--opening", "5.00")
        processors = [self.rig.daemons[name] for name in ("account-1", "account-2")]
        deaths = 0

        def held():
            nonlocal deaths
            for daemon in processors:
                if not daemon.running():
                    deaths += 1
                    daemon.start()  # as systemd would
            task = self.tasks().get(poisoned)
            return task if task and task["phase"] == "held" else None

        task = wait_for("the task is held", held, timeout=90)
        self.assertEqual(deaths, 3)
        self.assertIn(f"died 3 times with the record at input offset {task['position']} in hand", task["reason"])
        wait_for("the others run", lambda: all(
            each["phase"] == "running" for p, each in self.tasks().items() if p != poisoned) and
            len(self.tasks()) == self.PARTITIONS)
        for _ in range(3):
            self.rig.ctl("payments", "send", "--from", payer, "--to", payee, "--amount", "1.00", "--currency", "EUR",
                         "--wait")
        listed = {task["partition"]: task for task in self.json("tasks", "list")["tasks"] if task["stage"] == "account"}
        self.assertEqual(listed[poisoned]["phase"], "held")
        self.assertTrue(all(daemon.running() for daemon in processors), "nobody dies any more")
        # Held again after a stop and a start, without another death.
        for daemon in processors:
            daemon.stop()
            daemon.start()
        wait_for("it is held again", lambda: self.tasks().get(poisoned, {}).get("phase") == "held")
        for daemon in processors:
            daemon.stop()
            daemon.binary = self.rig.bin / "kpay-account"
            daemon.start()
        wait_for("all of them run", lambda: len(self.tasks()) == self.PARTITIONS and all(
            each["phase"] == "running" for each in self.tasks().values()))
        wait_for("the account", lambda: self.rig.ctl("accounts", "get", "poison", check=False).returncode == 0)
        self.assert_books_balance()
        self.assert_audited()


if __name__ == "__main__":
    unittest.main()
