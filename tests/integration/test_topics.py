"""Topics and rights that would lose, misdate or refuse records: a daemon says which, and doesn't start."""

import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

from suite import Rig, RigCase, wait_for


class WrongSettings(unittest.TestCase):
    PORT = 19650

    @classmethod
    def setUpClass(cls):
        cls.rig = Rig(pathlib.Path(tempfile.mkdtemp(prefix="kpay-topics-")) / "rig", port=cls.PORT, partitions=2)
        cls.addClassCleanup(cls.rig.__exit__)
        cls.rig.start_broker_and_topics()
        cls.daemon = cls.rig.add("account", "account-1")
        cls.daemon.write_config()

    def selfcheck(self):
        return subprocess.run([str(self.daemon.binary), "selfcheck", "--config", str(self.daemon.config)],
                              capture_output=True, text=True, timeout=120)

    def test_each_wrong_setting_is_named_with_what_would_be_right(self):
        for topic, name, wrong, right in (
                ("kpay.payments.inflight", "message.timestamp.type", "CreateTime", "LogAppendTime"),
                ("kpay.payments.inflight", "cleanup.policy", "compact", "delete"),
                ("kpay.payments.inflight", "retention.ms", "604800000", "-1"),
                ("kpay.state.account.changelog", "max.message.bytes", "1048588", "2097152")):
            with self.subTest(topic=topic, name=name):
                self.rig.set_topic(topic, name, wrong)
                self.daemon.start()
                self.assertEqual(self.daemon.process.wait(60), 78)
                problem = self.daemon.events("ConfigRefused")[-1]["problem"]
                for word in (topic, name, wrong, right, "kpayctl topics apply"):
                    self.assertIn(word, problem)
                checked = self.selfcheck()
                self.assertEqual(checked.returncode, 78, checked.stdout)
                self.assertIn(problem, checked.stdout)
                told = self.rig.ctl("topics", "check", check=False)
                self.assertNotEqual(told.returncode, 0)
                self.assertIn(name, told.stdout + told.stderr)
                self.rig.ctl("topics", "apply", "--partitions", 2, "--replication", 1, "--yes")
        self.daemon.start()
        wait_for("it is ready", lambda: self.daemon.get("/readyz")[0] == 200)
        checked = self.selfcheck()
        self.assertEqual(checked.returncode, 0, checked.stdout)
        self.assertIn("in use: this instance runs", checked.stdout)
        self.assertEqual(self.daemon.stop(), 0)


class Rights(unittest.TestCase):
    """A broker with SCRAM users and access control lists."""
    PORT = 19660

    def test_selfcheck_names_each_missing_right_and_passes_with_all(self):
        rig = Rig(pathlib.Path(tempfile.mkdtemp(prefix="kpay-rights-")) / "rig", port=self.PORT, partitions=2)
        self.addCleanup(rig.__exit__)
        kafka = rig.folder / "kafka"
        kafka.mkdir()
        sasl = self.PORT + 2
        (kafka / "extra.properties").write_text(
            f"listeners=PLAINTEXT://127.0.0.1:{self.PORT},CONTROLLER://127.0.0.1:{self.PORT + 1},"
            f"SASL_PLAINTEXT://127.0.0.1:{sasl}\n"
            f"advertised.listeners=PLAINTEXT://127.0.0.1:{self.PORT},SASL_PLAINTEXT://127.0.0.1:{sasl}\n"
            "sasl.enabled.mechanisms=SCRAM-SHA-512\n"
            "listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config="
            "org.apache.kafka.common.security.scram.ScramLoginModule required;\n"
            "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n"
            "super.users=User:ANONYMOUS\n")
        rig.start_broker_and_topics()

        def cluster(*arguments):
            rig._tool("cluster_admin", (f"127.0.0.1:{self.PORT}", *arguments), True, 60)

        cluster("user", "kpay-account", "secret")
        password = rig.folder / "password"
        password.write_text("wrong\n")
        password.chmod(0o600)
        daemon = rig.add("account", "account-1")
        daemon.write_config()
        daemon.config.write_text(daemon.config.read_text().replace(
            f"bootstrap_servers: [127.0.0.1:{self.PORT}]",
            f"bootstrap_servers: [127.0.0.1:{sasl}]\n  security_protocol: sasl_plaintext\n"
            f"  sasl_username: kpay-account\n  sasl_password_file: {password}"))

        def selfcheck():
            return subprocess.run([str(daemon.binary), "selfcheck", "--config", str(daemon.config)],
                                  capture_output=True, text=True, timeout=120)

        wrong = selfcheck()
        self.assertEqual(wrong.returncode, 69, wrong.stdout)
        password.write_text("secret\n")
        nothing = selfcheck()
        self.assertEqual(nothing.returncode, 78, nothing.stdout)

        for operation in (8, 10):  # Describe, DescribeConfigs
            cluster("allow", "kpay-account", "topic", "kpay.", operation)
        cluster("allow", "kpay-account", "group", "kpay.", 8)
        lines = dict(line.split(None, 1) for line in selfcheck().stdout.splitlines() if line.startswith("kpay."))
        self.assertIn("lacks the ACL for Read, Write", lines["kpay.payments.inflight"])
        self.assertIn("lacks the ACL for Delete, Read, Write", lines["kpay.state.account.changelog"])
        self.assertIn("lacks the ACL for Write", lines["kpay.payments.complete"])
        self.assertIn("lacks the ACL for Read", lines["kpay.control.state"])

        for operation in (3, 4, 6):
            cluster("allow", "kpay-account", "topic", "kpay.", operation)
        group = [line for line in selfcheck().stdout.splitlines() if line.startswith("group ")]
        self.assertIn("lacks the ACL for Read", group[0])
        cluster("allow", "kpay-account", "group", "kpay.", 3)
        allowed = selfcheck()
        self.assertEqual(allowed.returncode, 0, allowed.stdout)
        daemon.start()
        wait_for("it is ready with these rights and no others", lambda: daemon.get("/readyz")[0] == 200)
        self.assertEqual(daemon.stop(), 0)


class Trim(RigCase):
    PORT = 19665
    PARTITIONS = 2
    BROKER = "producer.id.expiration.ms=2000\n"

    def pay(self):
        self.rig.load("run", "--rate", 500, "--duration", "3s", "--accounts", self.ACCOUNTS, "--currency", "EUR",
                      capture_output=True)
        self.assert_books_balance_in_tables()

    def assert_books_balance_in_tables(self):
        done = self.rig.ctl("books", "show", check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_r20_inputs_are_trimmed_below_every_reader_and_nothing_is_lost(self):
        self.pay()
        refused = self.rig.ctl("topics", "trim", "--keep", "1s", "--yes", check=False)
        self.assertEqual(refused.returncode, 2, refused.stderr)
        self.assertIn("producer.id.expiration.ms", refused.stderr)
        kept = self.json("topics", "trim", "--yes")
        self.assertEqual((kept["changed"], {p["kept_for"] for p in kept["partitions"]}), (False, {"age"}))

        time.sleep(4)
        asked = self.rig.ctl("topics", "trim", "--keep", "2s", "--no-input", check=False)
        self.assertEqual(asked.returncode, 2, asked.stderr)
        would = self.json("topics", "trim", "--keep", "2s", "--dry-run")
        self.assertTrue(would["changed"])
        done = self.json("topics", "trim", "--keep", "2s", "--yes")
        self.assertGreaterEqual(done["records"], would["records"])
        begins = {(p["topic"], p["partition"]): p["to"] for p in done["partitions"]}
        self.assertEqual({topic for (topic, _), to in begins.items() if to > 0},
                         {"kpay.payments.incoming", "kpay.payments.inflight", "kpay.payments.complete"})
        seen = {(p["topic"], p["partition"]): p["begin"]
                for p in self.json("topics", "trim", "--dry-run")["partitions"]}
        self.assertEqual(seen, begins)
        told = self.rig.ctl("books", "verify", check=False)
        self.assertNotEqual(told.returncode, 0)
        self.assertIn("trimmed", told.stderr)

        # What was trimmed is in the state: after kill -9, and without the state folder, too.
        for name in ("inflight-1", "account-1"):
            self.rig.daemons[name].kill()
        shutil.rmtree(self.rig.daemons["account-1"].folder / "state")
        for name in ("inflight-1", "account-1"):
            self.rig.daemons[name].start()
        self.rig.wait_ready()
        self.pay()

    def test_r20_a_stage_that_is_down_keeps_its_input(self):
        self.rig.daemons["throughput-1"].stop()
        self.pay()
        time.sleep(4)
        done = self.json("topics", "trim", "--keep", "2s", "--yes")
        complete = [p for p in done["partitions"] if p["topic"] == "kpay.payments.complete"]
        self.assertEqual({p["kept_for"] for p in complete}, {"throughput"}, complete)
        self.rig.daemons["throughput-1"].start()
        self.rig.wait_ready()
        self.pay()


class TrimForgotten(RigCase):
    """A broker writes down where its logs begin once a minute: one that is killed forgets the trims since."""
    PORT = 19667
    PARTITIONS = 2

    @classmethod
    def prepare(cls, rig):
        rig.add_journal()
        for instance in ("account-1", "account-2"):
            rig.add("account", instance).write_config(checkpoint="{interval: 200ms, base_every: 3}")

    def trimmed_to(self):
        """{partition: where the account changelog begins, by the last base that was read back}"""
        begins = {}
        for instance in ("account-1", "account-2"):
            for event in self.rig.daemons[instance].events("BaseTrimmed"):
                begins[event["partition"]] = max(begins.get(event["partition"], 0), event["first_offset"])
        return begins

    def written_down(self):
        """The same, by the broker's own file."""
        lines = (self.rig.folder / "kafka" / "data" / "log-start-offset-checkpoint").read_text().splitlines()[2:]
        begins = {(topic, int(partition)): int(offset) for topic, partition, offset in map(str.split, lines)}
        return {partition: begins.get(("kpay.state.account.changelog", partition), 0) for partition in range(self.PARTITIONS)}

    def test_r14_what_comes_back_is_no_hindrance_for_a_restore_from_the_log_alone(self):
        self.rig.load("run", "--rate", 500, "--duration", "8s", "--accounts", self.ACCOUNTS, "--currency", "EUR",
                      capture_output=True)
        wait_for("each changelog was trimmed", lambda: sum(to > 0 for to in self.trimmed_to().values()) == self.PARTITIONS)
        self.rig.kill_kafka()
        trimmed, known = self.trimmed_to(), self.written_down()
        forgotten = [partition for partition, begin in known.items() if begin < trimmed[partition]]
        self.assertTrue(forgotten, f"the broker knows of every trim: {known} against {trimmed}")
        for instance in ("account-1", "account-2"):
            self.rig.daemons[instance].kill()
            shutil.rmtree(self.rig.daemons[instance].folder / "state")
        self.rig.kafka("start")
        for instance in ("account-1", "account-2"):
            self.rig.daemons[instance].start()
        self.rig.wait_ready(120)
        self.rig.load("run", "--rate", 500, "--duration", "3s", "--accounts", self.ACCOUNTS, "--currency", "EUR",
                      capture_output=True)
        self.assert_books_balance()
        self.assert_audited()


if __name__ == "__main__":
    unittest.main()
