"""The figures of the rack's tests: stalls from a broker's files, percentiles of several loads, the table. No rack needed."""

import pathlib
import struct
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import figures  # noqa: E402
import load  # noqa: E402
import stalls  # noqa: E402

HISTOGRAM = """       Value   Percentile   TotalCount 1/(1-Percentile)

       1.500     0.000000            1         1.00
      10.007     0.500000           98         2.00
     250.111     0.990000          100       100.00
     250.111     1.000000          100          inf
#[Mean    =       12.000, StdDeviation   =        3.000]
"""


def number(value):
    """A varint as records have it."""
    value, data = (value << 1) ^ (value >> 63), b""
    while value >= 0x80:
        value, data = value >> 7, data + bytes([value & 0x7F | 0x80])
    return data + bytes([value])


def frame(stage, partition, first, count):
    return stalls.FRAME + struct.pack("<I", count) + bytes(16) + struct.pack("<HHiQ", stage, 0, partition, first) + b"the rest"


def record(value, key=None):
    body = b"\0" + number(0) + number(0) + (number(-1) if key is None else number(len(key)) + key) + number(len(value)) + value + number(0)
    return number(len(body)) + body


def batch(appended, *values, attributes=0x08, magic=2):
    records = b"".join(map(record, values))
    return stalls.HEAD.pack(0, stalls.HEAD.size - 12 + len(records), 0, magic, 0, attributes, len(values) - 1, appended, appended,
                            -1, -1, -1, len(values)) + records


class Stalls(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, topic, *parts, segment="00"):
        place = self.folder / topic
        place.mkdir(exist_ok=True)
        (place / (segment + ".log")).write_bytes(b"".join(parts))

    def found(self, since=0, until=1000):
        return stalls.stalls(self.folder, since, until)

    def test_it_is_the_longest_time_without_anything_new_over_both_topics_and_all_segments(self):
        self.write("kpay.payments.inflight-0", batch(100, frame(2, 5, 1, 3)), batch(400, frame(2, 5, 4, 1)))
        self.write("kpay.payments.complete-7", batch(300, frame(2, 5, 1, 1)))
        self.write("kpay.payments.complete-7", batch(900, frame(2, 5, 2, 1)), segment="01")
        self.assertEqual(self.found(), {5: 500})

    def test_the_beginning_and_the_end_count(self):
        self.write("kpay.payments.inflight-0", batch(450, frame(2, 1, 1, 1)))
        self.assertEqual((self.found(), self.found(until=2000)), ({1: 550}, {1: 1550}))

    def test_what_is_said_again_is_not_new_also_when_it_was_said_before_the_interval(self):
        self.write("kpay.payments.inflight-0", batch(100, frame(2, 1, 1, 3)), batch(600, frame(2, 1, 1, 3)), batch(900, frame(2, 1, 4, 1)))
        self.assertEqual((self.found(), self.found(since=500)), ({1: 800}, {1: 400}))

    def test_other_stages_ticks_other_topics_and_control_records_are_passed_over(self):
        self.write("kpay.payments.inflight-0", batch(500, frame(1, 1, 1, 1), b"a tick"), batch(1, b"\0\0\0\1", attributes=0x28))
        self.write("kpay.payments.incoming-0", batch(500, frame(2, 1, 1, 1)))
        self.assertEqual(self.found(), {})

    def test_a_batch_that_is_being_written_ends_it(self):
        self.write("kpay.payments.inflight-0", batch(500, frame(2, 1, 1, 1)), batch(600, frame(2, 1, 2, 1))[:-4])
        self.assertEqual(self.found(), {1: 500})

    def test_what_it_can_not_read_is_named(self):
        for bad, why in ((batch(500, b"x", attributes=0x0B), "compressed"), (batch(500, b"x", magic=1), "version 1")):
            self.write("kpay.payments.inflight-0", bad)
            with self.assertRaisesRegex(stalls.Unreadable, "00.log: .*" + why):
                self.found()


class Percentiles(unittest.TestCase):
    def test_those_of_a_histogram_are_read(self):
        self.assertEqual(load.latency_of(load.steps_of(HISTOGRAM)), {"count": 100, "p50": 10.007, "p99": 250.111, "max": 250.111})

    def test_several_loads_are_one(self):
        slow = [(9000.0, 2)]
        self.assertEqual(load.latency_of(load.steps_of(HISTOGRAM) + slow), {"count": 102, "p50": 10.007, "p99": 9000.0, "max": 9000.0})

    def test_without_an_answer_there_are_none(self):
        self.assertEqual(load.latency_of([]), {"count": 0})


class Table(unittest.TestCase):
    REPORT = {"sent": 100, "confirmed": 100, "failed_count": 0, "rejected": 0, "unanswered": 0,
              "latency_ms": {"p50": 20.4, "p99": 81.6, "max": 99.0}}

    def test_each_operation_stands_beside_the_rest_before_it(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "new/figures.jsonl"
            figures.note(figures.line_of("upgrade", 61.2, 1000, {**self.REPORT, "unanswered": 1}, {}), file)
            figures.note(figures.line_of("rest", 20, 1000, self.REPORT, {0: 12, 1: 300}), file)
            figures.note(figures.line_of("deploy", 30, 1000, self.REPORT, {0: 1200, 1: 900}, test="09"), file)
            rows = figures.table(figures.read(file)).splitlines()
        self.assertEqual(len(rows), 4)
        self.assertRegex(rows[2], r"^\| upgrade \| 61 s \| 1000 \| \*\*99 of 100\*\* \| 20 / 82 / 99 \| – \| – \| ")
        self.assertRegex(rows[3], r"^\| deploy \| 30 s \| 1000 \| 100 \| 20 / 82 / 99 \| 1200 \| 82, 300 \| ")


if __name__ == "__main__":
    unittest.main()
