"""The features of a cluster, read and raised over TLS on a real broker of an older level. No rack needed, a Kafka of
scripts/bootstrap is. Run by scripts/rack/ansible-env python, which has Ansible."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

from broker import HOME, THERE, Broker
from test_modules import module

import kafka_features  # noqa: E402
from ansible.module_utils import kafka_wire  # noqa: E402

TLS = """
listeners=PLAINTEXT://127.0.0.1:{0},CONTROLLER://127.0.0.1:{1},SSL://127.0.0.1:{2}
advertised.listeners=PLAINTEXT://127.0.0.1:{0},SSL://127.0.0.1:{2}
ssl.keystore.type=PEM
ssl.keystore.location={3}/broker.pem
ssl.truststore.type=PEM
ssl.truststore.location={3}/ca.crt
ssl.client.auth=required
"""


class Levels(unittest.TestCase):
    def test_only_what_stands_lower_is_raised_and_the_quorum_stays_static(self):
        self.assertEqual(kafka_features.raises(
            {"metadata.version": 25, "group.version": 1, "kraft.version": 0, "transaction.version": 3},
            {"metadata.version": 27, "group.version": 1, "kraft.version": 1, "transaction.version": 2, "share.version": 0}),
            {"metadata.version": 27})

    def test_the_release_is_that_of_the_jars(self):
        with tempfile.TemporaryDirectory() as folder:
            libs = pathlib.Path(folder) / "libs"
            libs.mkdir()
            with self.assertRaisesRegex(kafka_features.HostError, "which release is it"):
                kafka_features.release_of(folder)
            (libs / "kafka-clients-4.1.1.jar").touch()
            self.assertEqual(kafka_features.release_of(folder), "4.1")


@unittest.skipUnless(THERE, "no Kafka: scripts/bootstrap")
class ACluster(unittest.TestCase):
    """Formatted for 4.0, run by what is newer."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="kpay-features-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        made = module("kpay_secrets", {"folder": str(self.folder / "secrets"), "site": "x",
                                       "certificates": [{"name": "broker", "addresses": ["127.0.0.1"]}]})
        self.assertEqual(made[0], 0, made)
        secrets = self.folder / "secrets"
        (secrets / "broker.pem").write_bytes((secrets / "broker.key").read_bytes() + (secrets / "broker.crt").read_bytes())
        self.broker = Broker(self.folder)
        port = self.broker.port
        self.about = {"address": "127.0.0.1", "port": port + 2, "ca": str(secrets / "ca.crt"),
                      "certificate": str(secrets / "broker.pem"), "home": str(HOME), "brokers": [1], "operation": "op", "token": 7}
        (self.folder / "b").mkdir()
        (self.folder / "b/extra.properties").write_text(TLS.format(port, port + 1, port + 2, secrets))
        # The script formats with the newest features: its settings are kept, and its folder is made once more.
        self.broker.do("start", "b")
        self.broker.do("stop", "b")
        shutil.rmtree(self.folder / "b/data")
        subprocess.run(["java", "-Xmx128m", "-cp", "%s/libs/*" % HOME, "kafka.tools.StorageTool", "format", "--cluster-id",
                        "bGFiLXJhY2sta3BheS0wMQ", "--config", self.folder / "b/server.properties", "--release-version", "4.0"],
                       check=True, stdout=subprocess.DEVNULL)
        self.addCleanup(self.broker.do, "stop", "b")
        self.broker.do("start", "b")

    def levels(self):
        with kafka_wire.Connection("127.0.0.1", self.about["port"], self.about["ca"], self.about["certificate"]) as broker:
            return broker.features()

    def raised(self, **more):
        return module("kafka_features", {**self.about, **more.pop("about", {})}, **more)

    def test_features_are_told_tried_and_raised_and_nobody_does_so_without_the_lease(self):
        before = self.levels()
        self.assertEqual(before["metadata.version"], 25)
        self.assertTrue(self.raised(check=True)[1]["changed"])
        self.assertEqual(self.levels(), before)
        self.assertIn("broker 2 is not there", self.raised(about={"brokers": [1, 2]})[1]["msg"])
        self.assertIn("does not hold this host", self.raised()[1]["msg"])
        self.assertEqual(self.levels(), before)
        with kafka_wire.Connection("127.0.0.1", self.about["port"], self.about["ca"], self.about["certificate"]) as broker:
            with self.assertRaisesRegex(kafka_wire.KafkaError, "raising features"):
                broker.raise_features({"metadata.version": 9999})
            self.assertEqual(self.levels(), before)
            broker.raise_features({"metadata.version": before["metadata.version"] + 1})
        self.assertEqual(self.levels(), {**before, "metadata.version": before["metadata.version"] + 1})
        self.assertNotIn("kraft.version", self.levels())


if __name__ == "__main__":
    unittest.main()
