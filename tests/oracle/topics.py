"""What stands on the topics of a dump, as those who read them see it."""

from collections import defaultdict

import wire
from checkers import HASH_CHAIN, IDEMPOTENT_ANSWER, LOST_ACK, Difference, expect

INTAKE, ACCOUNT, SETTLE, CONFIRMED, THROUGHPUT = 1, 2, 3, 4, 5
STAGES = {INTAKE: "intake", ACCOUNT: "account", SETTLE: "settle", CONFIRMED: "confirmed",
          THROUGHPUT: "throughput"}
DLQ = "ops.dlq"
# Where a stage's overrides are among its tables: the last one (docs/store.md).
OVERRIDES = {INTAKE: 7, ACCOUNT: 3, SETTLE: 7, CONFIRMED: 2, THROUGHPUT: 3}


class Lane:
    """What one task wrote to one partition of a topic, each number once, with a place to compare."""

    def __init__(self, name):
        self.name, self.events, self.next = name, [], 0

    def peek(self):
        return self.events[self.next] if self.next < len(self.events) else None

    def take(self, kind, wanted, header, checker):
        event = self.peek()
        if event is None:
            raise Difference(checker if checker == IDEMPOTENT_ANSWER else LOST_ACK,
                             "%s event %d: found nothing, expected %s %s"
                             % (self.name, self.next + 1, kind, wanted))
        self.next += 1
        name = "%s event %d" % (self.name, self.next)
        expect(checker, name, event["said"], (kind, wanted))
        for field, value in header.items():
            expect(checker, name + " " + field, event[field], value)


class Topics:
    """The records of a dump, and by sender what is on the internal ones."""

    def __init__(self, folder):
        self.topics = wire.read_dump(folder)
        self.partitions = 1 + max(p for topic, p in self.topics if topic == "payments.incoming")
        self.lineage = wire.lineage_of(self.topics["state.intake.changelog", 0])
        self.lanes = {}

    def records(self, topic, partition):
        return self.topics.get((topic, partition), [])

    def read_frames(self, topic, partition, spec, senders):
        """Yields (record, index, frame, event) of what a receiver applies (R8), and None for events
        of records that it can't take; fills the lanes."""
        applied = []
        seen = defaultdict(int)
        for record in self.records(topic, partition):
            if record.is_tick:
                applied.append((record, None, None))
                continue
            frame = wire.Frame(record.value)
            if frame.lineage != self.lineage or frame.sender[0] not in senders:
                applied.append((record, None, frame))
                continue
            lane = self.lane(frame.sender, topic, partition)
            for index, event in enumerate(frame.events):
                number = frame.first + index
                if number > seen[frame.sender] + 1:
                    raise Difference(HASH_CHAIN, "%s offset %d: number %d comes after %d"
                                     % (lane.name, record.offset, number, seen[frame.sender]))
                if number <= seen[frame.sender]:
                    expect(HASH_CHAIN, "%s repeat of number %d" % (lane.name, number),
                           event["payload"], lane.events[number - 1]["payload"])
                    continue
                seen[frame.sender] = number
                if event["payload"].startswith(wire.OPERATORS):
                    event["said"] = "operators", event["payload"]
                elif spec is not None:
                    event["said"] = wire.one_of(event["payload"], spec)
                lane.events.append(event)
                applied.append((record, index, event))
        return applied

    def lane(self, sender, topic, partition):
        key = sender, topic, partition
        if key not in self.lanes:
            self.lanes[key] = Lane("%s/%d from %s/%d"
                                   % (topic, partition, STAGES[sender[0]], sender[1]))
        return self.lanes[key]

    def rows(self, stage, partition):
        return wire.rows_of(self.topics["state.%s.changelog" % STAGES[stage], partition])

    def overrides(self, stage, partition):
        return wire.overrides_of(self.rows(stage, partition), OVERRIDES[stage])
