#!/usr/bin/env python3
"""test_oracle KPAY-SIM: the oracle agrees with runs of the simulator, and with none of them any
more once a record is dropped, doubled under a new number, or altered."""

import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import oracle
import wire

SIMULATOR = Path(sys.argv.pop(1)).resolve() if len(sys.argv) > 1 else None
SEEDS = (1, 150)


class Oracle(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        subprocess.run([SIMULATOR, "--seeds", "%d..%d" % SEEDS, "--jobs", "2",
                        "--without-operators", "--dump", cls.folder.name], check=True, stdout=subprocess.DEVNULL)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def run_of(self, seed):
        return oracle.Oracle(Path(self.folder.name) / str(seed))

    def notices(self, run, what):
        with self.assertRaises((oracle.Difference, wire.Unreadable), msg=what):
            run.run()

    def test_agrees_with_every_run(self):
        events = 0
        for seed in range(SEEDS[0], SEEDS[1] + 1):
            with self.subTest(seed=seed):
                events += self.run_of(seed).run()["events"]
        self.assertGreater(events, 100 * SEEDS[1])

    def places(self, run, topic):
        """Records of the topic with something new in them: (place, index, frame or None)."""
        for p in range(run.partitions):
            seen = {}
            for i, record in enumerate(run.records(topic, p)):
                if record.is_tick or record.value[:2] != b"KF":
                    continue
                frame = wire.Frame(record.value)
                last = frame.first + frame.count - 1
                if frame.lineage == run.lineage and last > seen.get(frame.sender, 0):
                    seen[frame.sender] = last
                    yield (topic, p), i, frame

    def test_notices_a_frame_that_is_gone_unless_it_is_repeated(self):
        for topic in ("payments.inflight", "payments.complete", "ops.dlq"):
            run = self.run_of(2)
            repeated = [r.value for p in range(run.partitions) for r in run.records(topic, p)]
            places = [(place, i) for place, i, _ in self.places(run, topic)
                      if repeated.count(run.topics[place][i].value) == 1]
            for place, i in places[-3:]:
                broken = self.run_of(2)
                del broken.topics[place][i]
                self.notices(broken, "%s record %d" % (place, i))

    def test_notices_every_altered_event(self):
        for topic in ("payments.inflight", "payments.complete"):
            for place, i, frame in list(self.places(self.run_of(3), topic))[::7]:
                broken = self.run_of(3)
                value = bytearray(broken.topics[place][i].value)
                value[-2 if frame.events[-1]["payload"] else -1] ^= 1
                broken.topics[place][i].value = bytes(value)
                self.notices(broken, "%s record %d" % (place, i))

    def test_notices_a_command_that_nobody_sent(self):
        run = self.run_of(4)
        for p in range(run.partitions):
            for record in run.records("payments.incoming", p):
                if record.value[:1] == b"\x0a" and len(record.value) < 127:
                    kind, command = wire.one_of(record.value, wire.COMMAND)
                    if kind == "submit" and command["amount_minor"] > 100:
                        # The amount is a varint after the tag of field 4.
                        record.value = bytearray(record.value)
                        at = record.value.index(b"\x1a") + 2
                        at += record.value[at - 1]
                        self.assertEqual(record.value[at], 0x20)
                        record.value[at + 1] ^= 1
                        record.value = bytes(record.value)
                        self.notices(run, "incoming")
                        return
        self.fail("no submit to alter")

    def test_notices_a_result_that_is_gone(self):
        for topic in ("payments.confirmed", "payments.failed"):
            run = self.run_of(5)
            place = next((topic, p) for p in range(run.partitions) if run.records(topic, p))
            last = run.topics[place][-1].value
            run.topics[place] = [r for r in run.topics[place] if r.value != last]
            self.notices(run, topic)

    def test_notices_a_balance_that_differs(self):
        run = self.run_of(6)
        changed = 0
        for record in run.topics["state.account.changelog", 0]:
            if record.value[:2] == b"KR":
                value = bytearray(record.value)
                at = value.find(b"EUR\x01", 4)
                if at > 0:
                    struct.pack_into("<Q", value, at + 12, 424_242)
                    changed += 1
                record.value = bytes(value)
        self.assertGreater(changed, 0)
        self.notices(run, "balance")


if __name__ == "__main__":
    unittest.main()
