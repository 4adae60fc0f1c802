"""Three brokers without a rack: one is replaced by an empty one, all are restored from what was frozen. A Kafka of
scripts/bootstrap is needed. Run by scripts/rack/ansible-env python, which has Ansible."""

import concurrent.futures
import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from broker import HOME, KAFKA, THERE
from test_modules import ROOT  # noqa: F401  (it finds the module_utils)

from ansible.module_utils import kpay_parts as parts  # noqa: E402

NODES, PARTITIONS, RECORDS = (1, 2, 3), 4, 4000
SETTINGS = "node.id=%d\ncontroller.quorum.voters=%s\ndefault.replication.factor=3\nmin.insync.replicas=2\n"


@unittest.skipUnless(THERE, "no Kafka: scripts/bootstrap")
class ThreeBrokers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="kpay-cluster-")
        self.addCleanup(folder.cleanup)
        self.folder, self.first = pathlib.Path(folder.name), random.randrange(20000, 40000, 100)
        self.environment = {**os.environ, "KPAY_KAFKA_HEAP": "300m", "KPAY_KAFKA_CLUSTER_ID": "bGFiLXJhY2sta3BheS0wMQ"}
        voters = ",".join("%d@127.0.0.1:%d" % (node, self.port(node) + 1) for node in NODES)
        for node in NODES:
            self.place(node).mkdir()
            (self.place(node) / "extra.properties").write_text(SETTINGS % (node, voters))
        self.addCleanup(self.all, "stop")
        self.all("start")
        self.tool("TopicCommand", "--create", "--topic", "t", "--partitions", PARTITIONS)
        self.produce(RECORDS)

    def port(self, node):
        return self.first + 10 * node

    def place(self, node):
        return self.folder / str(node)

    def broker(self, verb, node):
        subprocess.run([KAFKA, verb, self.place(node), *([str(self.port(node))] if verb == "start" else [])], check=True,
                       env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def all(self, verb):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(lambda node: self.broker(verb, node), NODES))

    def java(self, tool, *words):
        return subprocess.run(["java", "-Xmx160m", "-cp", "%s/libs/*" % HOME, "org.apache.kafka.tools." + tool, *map(str, words)],
                              check=True, capture_output=True, text=True).stdout

    def tool(self, tool, *words):
        return self.java(tool, "--bootstrap-server", "127.0.0.1:%d,127.0.0.1:%d" % (self.port(1), self.port(3)), *words)

    def produce(self, count):
        self.java("ProducerPerformance", "--topic", "t", "--num-records", count, "--record-size", 300, "--throughput", -1,
                  "--producer-props", "bootstrap.servers=127.0.0.1:%d" % self.port(1), "acks=all")

    def until_whole(self, seconds=90):
        deadline = time.time() + seconds
        while "Partition:" in self.tool("TopicCommand", "--describe", "--under-replicated-partitions"):
            self.assertLess(time.time(), deadline, "replicas are missing")

    def ends(self):
        return self.tool("GetOffsetShell", "--topic", "t")

    def topic(self):
        return self.tool("TopicCommand", "--describe", "--topic", "t").split("TopicId:")[1].split()[0]

    def test_one_is_replaced_by_an_empty_one_and_all_are_restored_from_what_was_frozen(self):
        os.kill(int((self.place(2) / "kafka.pid").read_text()), signal.SIGKILL)
        time.sleep(8)  # its session has to end before a broker of that id may register again
        shutil.rmtree(self.place(2) / "data")
        begun = time.time()
        self.broker("start", 2)
        self.until_whole()
        print("replaced and whole after %.0f s" % (time.time() - begun))

        for freeze in (parts.freeze_topics, parts.freeze_metadata):
            for node in NODES:
                freeze(str(self.place(node) / "data"), str(self.folder / ("frozen-%d" % node)))
        ends, topic = self.ends(), self.topic()
        self.produce(100)
        for node in NODES:
            parts.pack(str(self.folder / ("frozen-%d" % node)), str(self.folder / ("backups/1/broker-%d.tar" % node)))
        self.all("stop")
        for node in NODES:
            shutil.rmtree(self.place(node) / "data")
            (self.place(node) / "data").mkdir()
            parts.unpack(str(self.folder / ("backups/1/broker-%d.tar" % node)), str(self.place(node) / "data"), os.getuid(), os.getgid())
        begun = time.time()
        self.all("start")
        self.until_whole()
        print("restored and whole after %.0f s" % (time.time() - begun))
        self.assertEqual((self.ends(), self.topic()), (ends, topic))
        self.produce(100)
        self.assertEqual(sum(int(line.rsplit(":", 1)[1]) for line in self.ends().split()), RECORDS + 100)


if __name__ == "__main__":
    unittest.main()
