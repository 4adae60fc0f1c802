"""Parts of a backup: what is frozen while a real broker writes, and whether a broker runs from it. No rack needed, a
Kafka of scripts/bootstrap is. Run by scripts/rack/ansible-env python, which has Ansible."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

from broker import THERE, Broker
from test_modules import module

import kpay_backups  # noqa: E402
from ansible.module_utils import kpay_parts as parts  # noqa: E402

PARTITIONS, RECORDS = 3, 30000
SITE = {"cluster": "c", "partitions": 2, "brokers": [1, 2, 3]}


def scratch(test):
    folder = tempfile.TemporaryDirectory(prefix="kpay-backup-")
    test.addCleanup(folder.cleanup)
    return pathlib.Path(folder.name)


def unpacked(archive, target):
    target.mkdir()
    parts.unpack(str(archive), str(target), os.getuid(), os.getgid())
    return target


class Freezing(unittest.TestCase):
    """Files as a broker has them, without one."""

    def setUp(self):
        self.folder = scratch(self)
        self.data = self.folder / "data"
        self.partition = self.data / "t-0"
        self.partition.mkdir(parents=True)
        for name in ("00.log", "00.index", "00.timeindex", "07.log", "07.index", "07.snapshot", "leader-epoch-checkpoint"):
            (self.partition / name).write_text("old " + name)
        (self.data / "meta.properties").write_text("cluster.id=c\nnode.id=1\n")
        (self.data / ".lock").write_text("")
        (self.data / parts.METADATA).mkdir()
        (self.data / parts.METADATA / "00.log").write_text("metadata")

    def froze(self):
        parts.freeze_topics(str(self.data), str(self.folder / "frozen"))
        return parts.freeze_metadata(str(self.data), str(self.folder / "frozen"))

    def restored(self):
        parts.pack(str(self.folder / "frozen"), str(self.folder / "backups/1/broker-1.tar"))
        return unpacked(self.folder / "backups/1/broker-1.tar", self.folder / "back")

    def test_what_changes_in_place_or_passes_is_not_taken(self):
        (self.partition / "00.log.deleted").write_text("")
        (self.data / "gone-0.123-delete").mkdir()
        self.assertEqual(set(self.froze()), {
            "meta.properties", "t-0/00.log", "t-0/00.index", "t-0/00.timeindex", "t-0/07.log", "t-0/07.snapshot",
            "t-0/leader-epoch-checkpoint", parts.METADATA + "/00.log"})

    def test_what_is_appended_after_the_moment_is_cut_off(self):
        self.froze()
        with open(self.partition / "07.log", "a", encoding="utf-8") as file:
            file.write(" and more")
        self.assertEqual((self.restored() / "t-0/07.log").read_text(), "old 07.log")

    def test_a_segment_that_is_deleted_after_the_moment_is_there(self):
        self.froze()
        (self.partition / "00.log").unlink()
        self.assertEqual((self.restored() / "t-0/00.log").read_text(), "old 00.log")

    def test_segments_that_are_merged_meanwhile_begin_it_anew_and_then_end_it(self):
        merges = []
        real = parts._link

        def merging(source, target):
            if source.endswith("07.log") and len(merges) < self.merged:
                merges.append(source)
                os.replace(shutil.copy(self.partition / "00.log", self.folder / "merged"), self.partition / "00.log")
            return real(source, target)

        parts._link = merging
        self.addCleanup(setattr, parts, "_link", real)
        self.merged = 1
        self.froze()
        self.merged = 1 + parts.TRIES
        with self.assertRaisesRegex(parts.PartError, "merged or deleted"):
            self.froze()

    def test_the_file_that_makes_a_folder_valid_comes_last(self):
        self.froze()
        written, real = [], parts._write_file

        def dying(source, place, uid, gid):
            written.append(place)
            if place.endswith("00.timeindex"):
                raise OSError("the power is gone")
            real(source, place, uid, gid)

        parts._write_file = dying
        self.addCleanup(setattr, parts, "_write_file", real)
        with self.assertRaisesRegex(OSError, "power"):
            self.restored()
        self.assertFalse((self.folder / "back/meta.properties").exists())

    def test_of_an_instance_the_newest_snapshots_and_the_auditors_state_are_taken(self):
        state = self.folder / "state"
        for name in ("account-0-9", "account-0-10", "account-1-3", ".making-1", "account-1-4"):
            (state / "snapshots" / name).mkdir(parents=True)
            (state / "snapshots" / name / "state.db").write_text(name)
            if name != "account-1-4":
                (state / "snapshots" / name / "manifest").write_text("m")
        (state / "account-0.db").write_text("changes in place")
        (state / "auditor.state").write_text("a")
        self.assertEqual(set(parts.freeze_state(str(state), str(self.folder / "frozen"))), {
            "auditor.state", "snapshots/account-0-10/manifest", "snapshots/account-0-10/state.db",
            "snapshots/account-1-3/manifest", "snapshots/account-1-3/state.db"})

    def test_the_oldest_backups_go_and_no_others(self):
        for name in ("20260101T000000Z-backup-1", "20260102T000000Z-backup-1", "20260103T000000Z-backup-1"):
            (self.folder / "kept" / name).mkdir(parents=True)
        self.assertEqual(parts.drop_old(str(self.folder / "kept"), 2), ["20260101T000000Z-backup-1"])
        self.assertEqual(parts.drop_old(str(self.folder / "kept"), 2), [])


class Known(unittest.TestCase):
    """What the controller knows of a backup, and what it makes of a restore."""

    def setUp(self):
        self.folder = scratch(self)
        self.tasks = {task: {"position": 5, "marker": 3, "hash": "aa"} for task in kpay_backups.tasks_of(2)}

    def ask(self, state, name="20260101T000000Z-backup-1", **more):
        return module("kpay_backups", {"state": state, "folder": str(self.folder), "id": name, "site": SITE, **more})

    def write(self, brokers=(1, 2, 3), **more):
        about = {"begun": 1000.0, "drained": 1010.0, "frozen": 1011.5, "resumed": 1014.0, "tasks": self.tasks,
                 "parts": [{"node": node, "bytes": 10} for node in brokers]}
        return self.ask("written", about=about, **more)

    def test_it_says_how_long_daemons_stood_and_for_how_long_there_was_none(self):
        self.assertEqual(self.write()[1]["report"]["pause_s"], 4.0)
        self.assertEqual(self.ask("read", "")[1]["backup"]["frozen"], 1011.5)

    def test_without_the_drain_record_of_each_task_it_is_no_backup(self):
        self.tasks.pop("account/1")
        self.assertIn("BACKUP: no drain record of account/1", self.write()[1]["msg"])
        self.assertIn("no backup", self.ask("read", "")[1]["msg"])

    def test_without_the_part_of_each_broker_it_is_no_backup(self):
        self.assertIn("no part of broker 2", self.write(brokers=(1, 3))[1]["msg"])

    def test_one_of_another_site_is_refused(self):
        self.write()
        answer = module("kpay_backups", {"state": "read", "folder": str(self.folder), "id": "", "site": {**SITE, "cluster": "d"}})[1]
        self.assertIn("a site with cluster c, the inventory says d", answer["msg"])

    def reported(self, *restored):
        return self.ask("reported", restored=list(restored), begun=2011.5, journal=str(self.folder))

    def test_a_restore_is_right_when_every_task_comes_up_where_it_was_drained(self):
        self.write()
        later = {"account/0": {"position": 9, "marker": 4, "hash": "bb"}}
        code, answer = self.reported(later, self.tasks)
        self.assertEqual((code, answer["report"]["rpo_s"], answer["report"]["tasks_equal"]), (0, 1000.0, 10), answer)
        self.assertEqual(json.loads((self.folder / "restore.json").read_text())["rpo_s"], 1000.0)

    def test_a_task_that_comes_up_elsewhere_or_not_at_all_is_named(self):
        self.write()
        self.assertIn("account/1 was drained at", self.reported(
            {**self.tasks, "account/1": {"position": 5, "marker": 3, "hash": "other"}})[1]["msg"])
        self.assertIn("nobody restored settle/0", self.reported(
            {task: proof for task, proof in self.tasks.items() if task != "settle/0"})[1]["msg"])


@unittest.skipUnless(THERE, "no Kafka: scripts/bootstrap")
class ABroker(unittest.TestCase):
    """A broker's folder, frozen while it writes; and a broker that runs from the copy."""

    def setUp(self):
        self.folder = scratch(self)
        self.broker = Broker(self.folder)

    def logs(self, name):
        """{file: bytes} of every segment, and of what names the topic's id."""
        data = self.folder / name / "data"
        return {str(path.relative_to(data)): path.read_bytes() for partition in range(PARTITIONS)
                for path in sorted((data / ("t-%d" % partition)).iterdir())
                if path.suffix == ".log" or path.name == "partition.metadata"}

    def ends(self):
        text = self.broker.ask("org.apache.kafka.tools.GetOffsetShell", "--topic", "t")
        return [int(line.rsplit(":", 1)[1]) for line in text.split()]

    def produce(self, count):
        return subprocess.Popen(self.broker.java(
            "org.apache.kafka.tools.ProducerPerformance", "--topic", "t", "--num-records", count, "--record-size", 400,
            "--throughput", 6000, "--producer-props", "bootstrap.servers=127.0.0.1:%d" % self.broker.port, "acks=all"),
            stdout=subprocess.DEVNULL)

    def test_a_broker_runs_from_what_was_frozen_while_it_wrote(self):
        self.broker.do("start", "one")
        self.addCleanup(self.broker.do, "stop", "one")
        self.broker.ask("org.apache.kafka.tools.TopicCommand", "--create", "--topic", "t", "--partitions", PARTITIONS,
                 "--config", "segment.bytes=1048576")
        producer = self.produce(RECORDS)
        deadline = time.time() + 60
        while sum(path.stat().st_size for path in (self.folder / "one/data").glob("t-*/*.log")) < 3 << 20 and time.time() < deadline:
            time.sleep(0.1)
        begun = time.time()
        frozen = self.folder / "frozen"
        parts.freeze_topics(str(self.folder / "one/data"), str(frozen))
        parts.freeze_metadata(str(self.folder / "one/data"), str(frozen))
        took = time.time() - begun
        self.assertIsNone(producer.poll(), "it was frozen while it wrote")
        self.assertEqual(producer.wait(), 0)
        made = parts.pack(str(frozen), str(self.folder / "backups/1/broker-1.tar"))
        self.assertEqual(sum(self.ends()), RECORDS)
        self.broker.do("stop", "one")
        original = self.logs("one")
        (self.folder / "two").mkdir()
        unpacked(self.folder / "backups/1/broker-1.tar", self.folder / "two/data")
        self.addCleanup(self.broker.do, "stop", "two")
        self.broker.do("start", "two")
        part = sum(self.ends())
        self.assertTrue(0 < part < RECORDS, part)
        for name, held in self.logs("two").items():
            self.assertEqual(held, original[name][:len(held)], name)
        self.assertEqual(self.produce(10).wait(), 0)
        self.assertEqual(sum(self.ends()), part + 10)
        print("frozen in %.2f s, %d files, %d of %d records" % (took, made["files"], part, RECORDS))


if __name__ == "__main__":
    unittest.main()
