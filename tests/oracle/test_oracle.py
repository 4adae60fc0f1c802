#!/usr/bin/env python3
"""test_oracle KPAY-SIM: the oracle agrees with runs of the simulator, and with none of them any
more once a record is dropped, doubled under a new number, or altered; and each checker finds what
it is there for, by its name."""

import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import checkers
import flow
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

    def notices(self, run, what, checker=None):
        with self.assertRaises(checkers.Difference, msg=what) as caught:
            run.run()
        self.assertIn(caught.exception.checker, [checker] if checker else checkers.NAMES,
                      "%s: %s" % (what, caught.exception))
        self.assertTrue(str(caught.exception).startswith(caught.exception.checker + ": "))

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
                        self.notices(run, "incoming", checkers.STATE_IS_REPLAY)
                        return
        self.fail("no submit to alter")

    def test_lost_ack_finds_a_result_that_is_gone(self):
        for topic in ("payments.confirmed", "payments.failed"):
            run = self.run_of(5)
            place = next((topic, p) for p in range(run.partitions) if run.records(topic, p))
            last = run.topics[place][-1].value
            run.topics[place] = [r for r in run.topics[place] if r.value != last]
            self.notices(run, topic, checkers.LOST_ACK)

    def test_duplicate_effect_finds_a_result_that_is_told_again(self):
        for topic in ("payments.confirmed", "payments.failed"):
            run = self.run_of(5)
            records = next(run.topics[topic, p] for p in range(run.partitions)
                           if run.records(topic, p))
            highest = max(wire.message(r.value, wire.RESULT)["number"] for r in records)
            self.assertLess(highest, 127)
            last = next(r for r in records
                        if wire.message(r.value, wire.RESULT)["number"] == highest)
            self.assertEqual(last.value[18:20], bytes([0x10, highest]), "id, then number")
            again = last.value[:19] + bytes([highest + 1]) + last.value[20:]
            records.append(wire.Record(records[-1].offset + 1, last.appended, last.key, again))
            self.notices(run, topic, checkers.DUPLICATE_EFFECT)

    @staticmethod
    def once(run, place, *events):
        """Whether no replay told any of them again."""
        return all(sum(r.value.count(event["payload"]) for r in run.topics[place]) == 1
                   for event in events)

    def alter(self, topic, wanted, change, checker):
        """In the first run that has such an event from an account or intake, its payload becomes
        `change` of it."""
        for seed in range(SEEDS[0], SEEDS[1] + 1):
            run = self.run_of(seed)
            for place, i, frame in self.places(run, topic):
                for event in frame.events:
                    if wanted(event["payload"], frame.sender) and self.once(run, place, event):
                        record = run.topics[place][i]
                        payload = change(event["payload"])
                        self.assertEqual(len(payload), len(event["payload"]))
                        record.value = record.value.replace(event["payload"], payload)
                        self.notices(run, topic, checker)
                        return
        self.fail("no such event on " + topic)

    def test_saga_balanced_finds_a_credit_that_is_told_as_a_failure(self):
        def is_completed(payload, sender):
            kind, outcome = wire.one_of(payload, wire.OUTCOME)
            return (sender[0] == oracle.ACCOUNT and kind == "payment" and outcome["status"] == 1
                    and payload.count(b"\x30\x01") == 1)

        self.alter("payments.complete", is_completed,
                   lambda payload: payload.replace(b"\x30\x01", b"\x30\x02"),
                   checkers.SAGA_BALANCED)

    def test_idempotent_answer_finds_a_conflict_that_is_told_as_something_else(self):
        def is_conflict(payload, sender):
            kind, outcome = wire.one_of(payload, wire.OUTCOME)
            return (sender[0] == oracle.INTAKE and kind == "payment" and outcome["refusal"] == 10
                    and payload.count(b"\x38\x0a") == 1)

        self.alter("payments.complete", is_conflict,
                   lambda payload: payload.replace(b"\x38\x0a", b"\x38\x14"),
                   checkers.IDEMPOTENT_ANSWER)

    def test_dlq_complete_finds_a_dead_letter_of_other_bytes(self):
        def is_letter(payload, sender):
            return payload[0] == 1 and wire.letter_in(payload)[0] > 4

        self.alter("ops.dlq", is_letter,
                   lambda payload: payload[:-1] + bytes([payload[-1] ^ 1]),
                   checkers.DLQ_COMPLETE)

    def test_dlq_complete_finds_an_input_of_which_nothing_is_said(self):
        found = 0
        for seed in range(SEEDS[0], 30):
            run = self.run_of(seed)
            place, i, frame = list(self.places(run, "payments.complete"))[-1]
            # Refusal 10: of a known id that came again something may be said: not this checker's.
            if self.once(run, place, *frame.events) and not any(
                    b"\x38\x0a" in event["payload"] for event in frame.events):
                found += 1
                del run.topics[place][i]
                self.notices(run, "seed %d" % seed, checkers.DLQ_COMPLETE)
        self.assertGreater(found, 3)

    def test_hash_chain_finds_a_gap(self):
        found = 0
        for topic in ("payments.inflight", "payments.complete"):
            for seed in range(SEEDS[0], 10):
                run = self.run_of(seed)
                places = list(self.places(run, topic))
                at = [n for n, (place, i, frame) in enumerate(places)
                      if self.once(run, place, *frame.events)
                      and any(later[0] == place and later[2].sender == frame.sender
                              for later in places[n + 1:])]
                for place, i, _ in [places[n] for n in at[:2]]:
                    found += 1
                    broken = self.run_of(seed)
                    del broken.topics[place][i]
                    self.notices(broken, "%s, seed %d" % (topic, seed), checkers.HASH_CHAIN)
        self.assertGreater(found, 10)

    def test_torn_finds_a_record_that_is_cut_off(self):
        run = self.run_of(2)
        place, i, _ = list(self.places(run, "payments.inflight"))[-1]
        run.topics[place][i].value = run.topics[place][i].value[:-1]
        self.notices(run, "a frame without its last byte", checkers.TORN)

    @staticmethod
    def balances(run):
        """Where the balances in EUR of account/0 stand: (record, place)."""
        found = []
        for record in run.topics["state.account.changelog", 0]:
            at = record.value.find(b"EUR\x01", 4) if record.value[:2] == b"KR" else -1
            while at > 0:
                found.append((record, at + 4))
                at = record.value.find(b"EUR\x01", at + 1)
        return found

    def set_balances(self, run, high, low, places):
        for record, at in places:
            value = bytearray(record.value)
            struct.pack_into("<qQ", value, at, high, low)
            record.value = bytes(value)
        self.assertTrue(places)

    def test_total_finds_a_balance_that_differs(self):
        run = self.run_of(6)
        self.set_balances(run, 0, 424_242, list(self.balances(run)))
        self.notices(run, "balances", checkers.TOTAL)

    def test_negative_finds_a_balance_below_nothing(self):
        run = self.run_of(6)
        self.set_balances(run, -1, (1 << 64) - 1, list(self.balances(run)))
        self.notices(run, "balances", checkers.NEGATIVE)

    def test_order_per_account_finds_a_balance_that_is_right_again_later(self):
        found = 0
        for seed in range(SEEDS[0], 30):
            run = self.run_of(seed)
            p = next((p for p in range(run.partitions) if self.early_balance(run, p)), None)
            if p is not None:
                found += 1
                record, at = self.early_balance(run, p)
                value = bytearray(record.value)
                value[at] ^= 1
                record.value = bytes(value)
                self.notices(run, "seed %d" % seed, checkers.ORDER_PER_ACCOUNT)
        self.assertGreater(found, 3)

    @staticmethod
    def early_balance(run, partition):
        """A row of a checkpoint that counts, of an account that a later one has again: where its
        balance stands."""
        changelog = run.topics["state.account.changelog", partition]
        counted = [body for _, bodies in wire.checkpoints_of(changelog) for body in bodies]
        rows = []
        for body in counted:
            reader = wire.Reader(body)
            while reader.at < len(body):
                table, present = reader.take("HB")
                key = reader.sized()
                if present:
                    size = reader.take("I")
                    if table == flow.ACCOUNTS:
                        rows.append((key, body, reader.at + 1 + 3 + 1 + 8))
                    reader.raw(size)
        for i, (key, body, at) in enumerate(rows):
            if any(key == later for later, other, _ in rows[i + 1:] if other is not body):
                record = next(r for r in changelog if r.value[4:-8].endswith(body))
                return record, len(record.value) - 8 - len(body) + at
        return None


if __name__ == "__main__":
    unittest.main()
