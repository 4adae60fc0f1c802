"""Three brokers, replication 3, min.insync.replicas 2: the active controller is killed under load and comes back;
with LONG=1 each of them, in turn, twice."""

import os
import pathlib
import re
import subprocess
import threading
import time
import unittest

from suite import LONG, ROOT, Rig, RigCase

BROKERS = 3
KILLS, SECONDS = (2 * BROKERS, 2 * BROKERS * 25) if LONG else (1, 15)
RATE = int(os.environ.get("RATE", "300"))
CLUSTER = "kpayThreeBrokersOnHost"


class ClusterRig(Rig):
    """A rig whose broker is three, each broker and controller in one process."""

    def kafka(self, command):
        done = [None] * BROKERS

        def one(number):
            done[number] = self.broker(number, command)

        threads = [threading.Thread(target=one, args=(number,)) for number in range(BROKERS)]
        for thread in threads:  # together: none answers before two of them are there
            thread.start()
        for thread in threads:
            thread.join()
        failed = [each for each in done if each.returncode != 0]
        if command == "start" and failed:
            raise AssertionError(f"a broker did not start: {failed[0].stderr}")
        return failed[0] if failed else done[0]

    def folder_of(self, number):
        return self.folder / f"kafka-{number + 1}"

    def broker(self, number, command):
        folder, port = self.folder_of(number), self.port + 2 * number
        if command == "start" and not folder.exists():
            folder.mkdir(parents=True)
            voters = ",".join(f"{n + 1}@127.0.0.1:{self.port + 2 * n + 1}" for n in range(BROKERS))
            (folder / "extra.properties").write_text(
                f"node.id={number + 1}\ncontroller.quorum.voters={voters}\ndefault.replication.factor=3\n"
                "min.insync.replicas=2\noffsets.topic.replication.factor=3\n")
        return subprocess.run([str(ROOT / "scripts/kafka/kafka"), command, str(folder), str(port)],
                              capture_output=True, text=True, check=False,
                              env={**os.environ, "KPAY_KAFKA_CLUSTER_ID": CLUSTER, "KPAY_KAFKA_HEAP": "512m"})

    def start_broker_and_topics(self):
        self.kafka("start")
        self.ctl("topics", "apply", "--partitions", self.partitions, "--replication", BROKERS)

    def kill_broker(self, number):
        os.kill(int((self.folder_of(number) / "kafka.pid").read_text()), 9)

    def controllers(self):
        """The epochs in which each broker became the active controller."""
        logs = [(self.folder_of(n) / "kafka.log").read_text(errors="replace") for n in range(BROKERS)]
        return [[int(epoch) for epoch in re.findall(r"Becoming the active controller at epoch (\d+)", log)]
                for log in logs]


class Brokers(RigCase):
    PORT = 19750
    RIG = ClusterRig

    @classmethod
    def prepare(cls, rig):
        rig.add_journal()

    def test_brokers_are_killed_and_come_back_under_load(self):
        pids = {name: daemon.process.pid for name, daemon in self.rig.daemons.items()}
        before = self.rig.controllers()
        active = max(range(BROKERS), key=lambda number: max(before[number], default=-1))
        done = []
        load = threading.Thread(target=lambda: done.append(self.rig.load(
            "run", "--rate", RATE, "--duration", f"{SECONDS}s", "--accounts", self.ACCOUNTS,
            "--currency", "EUR", "--bad-share", "0.01", "--seed", 11, "--timeout", 120, check=False,
            capture_output=True, text=True)))
        load.start()
        time.sleep(3)
        for kill in range(KILLS):
            number = (active + kill) % BROKERS  # so that each round meets the controller of its time
            self.rig.kill_broker(number)
            time.sleep(6)
            self.assertEqual(self.rig.broker(number, "start").returncode, 0)
            time.sleep(8 if kill + 1 < KILLS else 0)  # for its replicas to catch up: two brokers gone at once is another test
        load.join()
        self.assertEqual(done[0].returncode, 0, done[0].stdout + done[0].stderr)
        print(done[0].stdout, "became the active controller:", self.rig.controllers(), flush=True)
        elected = sum(map(len, self.rig.controllers())) - sum(map(len, before))
        self.assertGreaterEqual(elected, 2 if LONG else 1, "nobody took the place of a controller that was killed")
        self.rig.wait_ready()
        for name, daemon in self.rig.daemons.items():
            self.assertTrue(daemon.running() and daemon.process.pid == pids[name], f"{name} did not outlive the brokers")
        self.assert_books_balance(wait=120)
        self.assert_audited()
        self.assert_oracle_agrees(timeout=600)
        self.assertEqual(list(pathlib.Path(self.rig.folder).glob("*/state/*.aside-*")), [])


if __name__ == "__main__":
    unittest.main()
