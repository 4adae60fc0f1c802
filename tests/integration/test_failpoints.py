"""The crash table on a real broker: processes die, or freeze and wake after their successor took over,
at each step of outputs, checkpoints, bases, restores and releases, while payments come in."""

import collections
import os
import pathlib
import signal
import sys
import time
import unittest

from suite import LONG, ROOT, RigCase, wait_for
from rig import LoadService
from victims import BASE, BIN, BOTH_S, CHECKPOINT, NEVER_FROZEN, POINTS, SWITCH, Victim, points_in_source

sys.path.insert(0, str(ROOT / "tests" / "oracle"))
import wire  # noqa: E402

SEED = int(os.environ.get("SEED", "1"))
RATE = int(os.environ.get("RATE", "400" if LONG else "300"))
# Orders: to die anywhere; to be frozen within a checkpoint, at another step; replaced by the other processor.
KILLS, ZOMBIES, BY_TIMEOUT = (220, 60, 4) if LONG else (28, 5, 1)
OTHERS = [point for point in POINTS if point not in {*CHECKPOINT, *NEVER_FROZEN}] if LONG else []
INSTANCES = {"inflight-1": "inflight", "account-1": "account", "account-2": "account", "confirmed-1": "confirmed",
             "throughput-1": "throughput"}


class Orders(unittest.TestCase):
    def test_every_failpoint_of_the_runtime_gets_its_turn(self):
        self.assertEqual(points_in_source(), {*POINTS, *SWITCH})


class Failpoints(RigCase):
    PORT = 19680

    @classmethod
    def prepare(cls, rig):
        missing = [kind for kind in set(INSTANCES.values()) if not (BIN / f"kpay-{kind}").exists()]
        if missing:
            raise AssertionError(f"no {BIN}/kpay-{missing[0]}: run scripts/build faults fault_binaries")
        cls.victims = [Victim(rig, kind, instance, SEED) for instance, kind in INSTANCES.items()]
        rig.daemons["load-1"] = LoadService(rig)
        rig.add_journal()

    @classmethod
    def tearDownClass(cls):
        for victim in cls.victims:
            victim.end()
        super().tearDownClass()

    def give_orders(self):
        """Every step at least once, in turn over the instances; then again, until there are enough."""
        for action, steps, count in (("kill", list(POINTS), max(KILLS, len(POINTS))),
                                     ("stop", list(CHECKPOINT), ZOMBIES), ("stop", OTHERS, len(OTHERS))):
            for number in range(count):
                # One further with each round over the steps, so that all pairs come by.
                turn = number + number // len(steps)
                victim, step = self.victims[turn % len(self.victims)], steps[number % len(steps)]
                if step in BASE and victim.kind == "inflight":
                    victim = self.victims[(turn + 1) % len(self.victims)]  # its ids rarely earn a base (R14)
                victim.add(step, action)
        for victim in self.victims:
            victim.random.shuffle(victim.orders)

    def zombie_by_timeout(self, number):
        """account-1 freezes; the group gives its partitions to account-2; then it wakes."""
        frozen, other = self.victims[1], self.victims[2]
        point = list(CHECKPOINT)[(SEED + 3 * number) % len(CHECKPOINT)]
        frozen.daemon.kill()
        frozen.add(point, "stop")
        frozen.start(frozen.orders.pop())
        wait_for(f"account-1 freezes at {point}", frozen.frozen, timeout=40)
        wait_for("account-2 has all partitions", lambda: sum(
            task["phase"] == "running" for task in (other.daemon.status() or {"tasks": []})["tasks"]) == self.PARTITIONS)
        frozen.hits[point, "stop"] += 1
        frozen.order = None
        frozen.daemon.process.send_signal(signal.SIGCONT)
        frozen.hits[point, "woken"] += 1
        self.rig.wait_ready()

    def test_every_step_of_the_crash_table_under_load(self):
        self.rig.ctl("load", "start", "--rate", RATE, "--accounts", self.ACCOUNTS, "--bad-share", "0.01",
                     "--reason", "test", "--yes", "--wait")
        began = time.monotonic()
        for number in range(BY_TIMEOUT):
            self.zombie_by_timeout(number)
        self.give_orders()
        deadline = time.monotonic() + (1200 if LONG else 150)
        while not all(victim.idle() for victim in self.victims):
            for victim in self.victims:
                victim.advance()
            self.assertLess(time.monotonic(), deadline, f"orders are left: {self.report()}")
            time.sleep(0.02)
        took = time.monotonic() - began
        for victim in self.victims:  # to the end without failpoints
            victim.daemon.kill()
            victim.start()
        self.rig.ctl("load", "stop", "--reason", "test", "--wait")
        self.rig.wait_ready()
        print(f"\nseed {SEED}, {RATE} payments/s, {took:.0f} s of faults\n{self.report()}", flush=True)
        self.assert_books_balance(wait=120)
        self.assert_audited()
        confirmed = self.sum_of("settle", "totals", "EUR", "completed_count")
        self.assert_oracle_agrees(timeout=600)
        self.assert_each_result_once(confirmed)
        self.assert_files_survived()
        self.assert_enough()

    def hits(self):
        """(step, what became of a process there) -> how often; the sums under "all"."""
        hits = collections.Counter()
        for victim in self.victims:
            hits.update(victim.hits)
        for (_, what), count in list(hits.items()):
            hits["all", what] += count
        return hits

    def report(self):
        hits, codes = self.hits(), collections.Counter()
        for victim in self.victims:
            codes.update(victim.codes)
        lines = [f"{'step':<24}{'killed':>8}{'frozen':>8}{'woken':>8}"]
        lines += [f"{point:<24}{hits[point, 'kill']:>8}{hits[point, 'stop']:>8}{hits[point, 'woken']:>8}"
                  for point in [*POINTS, "all"]]
        lines.append(f"exit codes: {dict(codes)}")
        lines += [f"missed: {victim.instance} {miss}" for victim in self.victims for miss in victim.misses]
        return "\n".join(lines)

    def assert_enough(self):
        hits = self.hits()
        both = [pair for victim in self.victims for pair in victim.both_live]
        self.assertEqual(both, [], f"woken, and {BOTH_S} s later it and its successor both live")
        self.assertEqual([point for point in POINTS if not hits[point, "kill"]], [], "steps at which nobody died")
        self.assertGreaterEqual(hits["all", "woken"], ZOMBIES)
        self.assertGreaterEqual(hits["all", "kill"], 200 if LONG else KILLS * 0.9)
        if LONG:
            self.assertEqual([point for point in POINTS if point not in NEVER_FROZEN and not hits[point, "stop"]], [],
                             "steps at which nobody was frozen")
            woken = {point: hits[point, "woken"] for point in CHECKPOINT}
            self.assertEqual({point: count for point, count in woken.items() if count < 5}, {}, "woken too rarely")
            self.assertGreaterEqual(sum(woken.values()), 50)

    def assert_each_result_once(self, confirmed):
        """From the topics alone: a payment has one result, however often it is told."""
        topics = wire.read_dump(pathlib.Path(self.folder) / "dump")
        results, told = collections.defaultdict(set), collections.Counter()
        for (topic, partition), records in topics.items():
            if topic in ("payments.confirmed", "payments.failed"):
                for record in records:
                    result = wire.message(record.value, wire.RESULT)
                    results[result["payment_id"]].add((topic, partition, result["number"], record.value))
                    told[topic] += 1
        twice = [payment.hex() for payment, found in results.items() if len(found) > 1]
        self.assertEqual(twice, [], "payments with two results")
        distinct = collections.Counter(next(iter(found))[0] for found in results.values())
        self.assertEqual(distinct["payments.confirmed"], confirmed)
        self.assertGreater(confirmed, 1000)
        unclosed, epochs = 0, 0
        for (topic, _), records in topics.items():
            if topic.startswith("state."):
                seen = unclosed_rows(records)
                unclosed, epochs = unclosed + seen[0], epochs + seen[1]
        ignored = sum(len(victim.daemon.events("CheckpointRejected")) for victim in self.victims)
        fenced = sum(len(victim.daemon.events("TaskFenced")) for victim in self.victims)
        print(f"{confirmed} confirmed, {distinct['payments.failed']} failed, {sum(told.values()) - len(results)} "
              f"results told again; takeovers left in the changelogs: {epochs}, row frames without their marker: "
              f"{unclosed}; owners fenced: {fenced}, records of former owners ignored: {ignored}", flush=True)

    def assert_files_survived(self):
        for victim in self.victims:
            was_frozen = any(action == "stop" for _, action in victim.hits)
            for reason in victim.set_aside():
                # The folder of whoever was frozen falls behind the trim of its successor.
                self.assertTrue(was_frozen and "older than what is left" in reason, f"{victim.instance}: {reason}")


def unclosed_rows(records):
    """Row frames whose checkpoint has no marker, and open markers, in one changelog."""
    frames, epochs = collections.Counter(), 0
    for record in records:
        kind, body = record.value[1:2], wire.Reader(record.value[4:-8])
        if kind == b"O":
            epochs += 1
        elif kind == b"R":
            base, epoch, number = body.take("B"), body.take("q"), body.take("Q")
            if not base:
                frames[epoch, number] += 1
        elif kind == b"M":
            frames.pop((body.take("q"), body.take("Q")), None)
    return sum(frames.values()), epochs


if __name__ == "__main__":
    unittest.main()
