"""Backups, restores, and parts of the rack that are replaced. A part of test_rack.py."""

import io
import json
import os
import shutil
import tarfile
import time

import rack as lab
from load import Load
from rack import Play

TASKS = 5 * lab.PARTITIONS
KAFKA = lab.CACHE / "kafka-4.1.1.tar.gz"


ASK = """
import http.client
connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=10)
path, token, body = %r, %r, %r
heads = {"Content-Type": "application/json", **({"Authorization": "Bearer " + token} if token else {})}
connection.request("POST" if body else "GET", path, body=body, headers=heads)
print(connection.getresponse().status)
"""


def report_of(play, words):
    return play.steps(words)[-1]["report"]


def other_kafka():
    """The archive of Kafka with one more file, as a new release of it would be another archive."""
    path = lab.ROOT / "build/rack/kafka-other.tar.gz"
    with tarfile.open(os.environ.get("KPAY_KAFKA_ARCHIVE") or KAFKA) as old, tarfile.open(path, "w:gz", compresslevel=1) as new:
        top = old.getmembers()[0].name.split("/")[0]
        for member in old.getmembers():
            new.addfile(member, old.extractfile(member) if member.isfile() else None)
        note = tarfile.TarInfo(top + "/BUILD")
        note.size = 6
        new.addfile(note, io.BytesIO(b"other\n"))
    (path.with_name(path.name + ".sha256")).write_text(lab.must(["sha256sum", path]))
    return path


class Recovery:
    """Mixed into the test case of test_rack.py."""

    def backups(self):
        return sorted(path.parent for path in (lab.CONTROLLER / "backups").glob("*/backup.json"))

    def test_33_backup_under_load_and_restore_to_new_hosts(self):
        play = self.under_load("backup")
        made = report_of(play, "backup 2")
        print("backup: %s" % made)
        about = json.loads((self.backups()[-1] / "backup.json").read_text())
        self.assertEqual(len(about["tasks"]), TASKS)
        self.assertEqual({part["node"] for part in about["parts"] if "node" in part}, {1, 2, 3})
        lab.rack("down")
        lab.rack("up")
        restored = report_of(Play("restore").ok(), "restore 2")
        print("restore: %s" % restored)
        self.assertEqual(restored["tasks_equal"], TASKS)
        self.assertGreater(restored["rpo_s"], 0)
        self.books_are_equal()
        load = Load(lab.RATE, 15)
        self.addCleanup(load.end)
        self.nothing_lost(load.report())
        self.books_are_equal()
        self.assertEqual(Play("site").ok().changed(), {})

    def test_34_a_cluster_that_is_not_empty_is_not_replaced_unless_it_is_named(self):
        if not self.backups():
            Play("backup").ok()
        before, brokers = self.processes(), lab.brokers()
        self.fails(Play("restore"), "RESTORE: the cluster is not empty: kafka.service runs")
        self.fails(Play("restore", "-e", "restore_over=another-site"), "RESTORE: the cluster is not empty")
        self.assertEqual((self.processes(), lab.brokers()), (before, brokers))
        Play("verify").ok()

    def test_35_broker_upgrade_under_load_and_its_features_last(self):
        os.environ["KPAY_KAFKA_ARCHIVE"] = str(other_kafka())
        try:
            play = self.under_load("broker_upgrade")
            self.assertEqual(len(play.steps("restart kafka")), 3)
            raised = play.steps("features of")[-1]
            print("features: %s" % raised["report"])
            self.assertGreater(raised["after"]["metadata.version"], raised["before"]["metadata.version"],
                               "they are this Kafka's already: this needs a rack that 01 and 02 made")
            steps = [line["step"] for line in play.steps("") if line.get("step")]
            self.assertGreater(steps.index(raised["step"]), max(i for i, step in enumerate(steps) if step == "restart kafka"))
            self.assertEqual(Play("broker_upgrade").ok().changed(), {})
        finally:
            del os.environ["KPAY_KAFKA_ARCHIVE"]
        Play("broker_upgrade").ok()

    def test_36_a_broker_with_an_empty_disk_comes_back_whole_under_load(self):
        self.fails(Play("broker_replace", "-e", "host=node2"), "BROKER-REPLACE: kafka.service runs")
        lab.on("node2", "systemctl kill --signal=KILL kafka; systemctl stop kafka; find /var/lib/kafka -mindepth 1 -delete")
        lab.on("node3", "systemctl stop kafka")
        try:
            play = Play("broker_replace", "-e", "host=node2", "-e", "kafka_gate_timeout_s=8")
        finally:
            lab.on("node3", "systemctl start kafka")
        self.fails(play, "GATE kafka stop is shut")
        self.assertEqual(lab.on("node2", "ls /var/lib/kafka").strip(), "")
        time.sleep(10)
        play = self.under_load("broker_replace", "-e", "host=node2")
        self.assertEqual([line["step"] for line in play.steps("start kafka")], ["start kafka"])
        self.assertIn("meta.properties", lab.on("node2", "ls /var/lib/kafka"))
        Play("verify").ok()

    def test_37_a_new_host_for_one_that_is_gone_under_load(self):
        self.fails(Play("host_replace", "-e", "host=node5"), "HOST-REPLACE: this is no new host")
        old = (lab.CONTROLLER / "instance-account-4.crt").read_bytes()
        lab.rack("kill", "node5")
        lab.rack("renew", "node5")
        play = self.under_load("host_replace", "-e", "host=node5")
        self.assertEqual(sorted(line["step"] for line in play.steps("start ")), ["start account-4", "start confirmed-2"])
        self.assertTrue(lab.tasks_of("account-4"))
        self.assertNotEqual((lab.CONTROLLER / "instance-account-4.crt").read_bytes(), old)
        self.assertEqual(Play("site").ok().changed(), {})

    def test_38_a_new_ca_under_load(self):
        old = lab.CONTROLLER / "ca-before.crt"
        shutil.copy(lab.CONTROLLER / "ca.crt", old)
        self.addCleanup(old.unlink)
        play = self.under_load("rotate_ca", timeout=7200)
        self.assertEqual(len(play.steps("restart kafka")), 9)
        for place in ("10.77.0.11:9092", "10.77.0.14:9101"):
            connect = ["openssl", "s_client", "-connect", place, "-verify_return_error", "-CAfile"]
            self.assertNotEqual(lab.run([*connect, old])[0], 0, place)
            self.assertEqual(lab.run([*connect, lab.CONTROLLER / "ca.crt", "-cert", lab.CONTROLLER / "kpay-operator.crt",
                                      "-key", lab.CONTROLLER / "kpay-operator.key"])[0], 0, place)
        self.assertEqual(Play("site").ok().changed(), {})

    def asked(self, path, token="", body=None):
        """The status that the gateway answers with, asked on its own host."""
        return int(lab.rack("ssh", "node3", "python3 -", stdin=(ASK % (path, token, body and json.dumps(body))).encode()))

    def test_39_who_is_declared_logs_in_to_the_gateway_and_nobody_else(self):
        accounts = "/api/v1/accounts/nobody"
        token = {"name": "rack", "roles": ["viewer"]}
        self.assertEqual(self.asked(accounts), 401)
        pid = lab.on("node3", "systemctl show -P MainPID kpay-gateway@gateway-1")
        Play("deploy", "-e", json.dumps({"gateway_tokens": [token]})).ok()
        word = (lab.CONTROLLER / "gateway-rack.token").read_text().strip()
        time.sleep(5)
        self.assertEqual(self.asked(accounts, word), 404)
        admin = (lab.CONTROLLER / "gateway-admin.password").read_text().strip()
        self.assertEqual(self.asked("/api/v1/session", body={"user": "admin", "password": admin}), 200)
        self.assertEqual(self.asked("/api/v1/session", body={"user": "admin", "password": "x" * 20}), 401)
        Play("deploy").ok()
        time.sleep(5)
        self.assertEqual(self.asked(accounts, word), 401)
        self.assertEqual(lab.on("node3", "systemctl show -P MainPID kpay-gateway@gateway-1"), pid, "it was restarted")

    def test_48_a_part_of_a_backup_that_is_damaged_is_put_in_place_nowhere(self):
        if not self.backups():
            Play("backup").ok()
        name = self.backups()[-1].name
        part = lab.CONTROLLER / "backups" / name / "broker-2.tar"
        shutil.copy(part, part.with_suffix(".kept"))
        try:
            with open(part, "r+b") as file:
                file.seek(4096)
                file.write(b"x")
            lab.rack("down")
            lab.rack("up")
            self.fails(Play("restore"), "has the checksum")
            self.assertEqual(lab.on("node2", "ls /var/lib/kafka 2>/dev/null || true").strip(), "")
        finally:
            part.with_suffix(".kept").replace(part)
        self.assertEqual(report_of(Play("restore", "-e", "restore_over=lab").ok(), "restore 2")["tasks_equal"], TASKS)
        self.books_are_equal()
