"""Reads raw records: Protobuf's wire format, frames, changelogs. Written from docs/wire.md,
docs/store.md and proto/kpay/v1 alone; shares no code with src/."""

import struct
from pathlib import Path

from checkers import Unreadable

# ---- Protobuf

def varint(data, at):
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise Unreadable("varint")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (1 << 64) - 1, at
        shift += 7


def fields(data):
    """The message as a list of (number, wire type, value); a group is skipped whole."""
    found, at, groups = [], 0, []
    while at < len(data):
        tag, at = varint(data, at)
        number, kind = tag >> 3, tag & 7
        if number == 0 or number > 0x1FFFFFFF or tag >> 32:
            raise Unreadable("field number")
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1 or kind == 5:
            size = 8 if kind == 1 else 4
            value, at = data[at:at + size], at + size
        elif kind == 2:
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
        elif kind == 3:
            groups.append(number)
            continue
        elif kind == 4:
            if not groups or groups.pop() != number:
                raise Unreadable("group")
            continue
        else:
            raise Unreadable("wire type %d" % kind)
        if at > len(data):
            raise Unreadable("length")
        if not groups:
            found.append((number, kind, value))
    if groups:
        raise Unreadable("group")
    return found


def message(data, spec):
    """By name: spec is {number: (name, 'bytes' | 'text' | 'int' | a spec)}. Defaults as in proto3;
    of a nested message all parts are merged. Unknown fields are left out."""
    out = {name: {"bytes": b"", "text": "", "int": 0}.get(kind if isinstance(kind, str) else None)
           for name, kind in spec.values()}
    parts = {}
    for number, wire, value in fields(data):
        name, kind = spec.get(number, (None, None))
        if name is None or wire != (0 if kind == "int" else 2):
            continue
        if kind == "int":
            out[name] = value - (1 << 64) if value >> 63 else value
        elif kind == "text":
            try:
                out[name] = value.decode("utf-8")
            except UnicodeDecodeError:
                raise Unreadable("text") from None
        elif kind == "bytes":
            out[name] = value
        else:
            parts[name] = parts.get(name, b"") + value
            out[name] = message(parts[name], kind)
    return out


def one_of(data, spec):
    """The member of a oneof that is set last: (name, message); (None, None) without one."""
    last, merged = None, b""
    for number, wire, value in fields(data):
        if number in spec and wire == 2:
            merged = merged + value if last == number else value
            last = number
            message(merged, spec[number][1])
    if last is None:
        return None, None
    return spec[last][0], message(merged, spec[last][1])


TRANSFER = {1: ("payment_id", "bytes"), 2: ("from", "text"), 3: ("to", "text"),
            4: ("amount_minor", "int"), 5: ("currency", "text"), 6: ("value_date", "int"),
            7: ("reference", "text")}
OPEN = {1: ("command_id", "bytes"), 2: ("account", "text"), 3: ("amount_minor", "int"),
        4: ("currency", "text")}
DEPOSIT = OPEN
CLOSE = {1: ("command_id", "bytes"), 2: ("account", "text")}
COMMAND = {1: ("submit", TRANSFER), 2: ("open", OPEN), 3: ("deposit", DEPOSIT), 4: ("close", CLOSE)}
REFUND = {1: ("transfer", TRANSFER), 2: ("refusal", "int")}
INFLIGHT = {1: ("debit", TRANSFER), 2: ("credit", TRANSFER), 3: ("refund", REFUND),
            4: ("open", OPEN), 5: ("deposit", DEPOSIT), 6: ("close", CLOSE)}
PAYMENT_OUTCOME = {1: ("payment_id", "bytes"), 2: ("from", "text"), 3: ("to", "text"),
                   4: ("amount_minor", "int"), 5: ("currency", "text"), 6: ("status", "int"),
                   7: ("refusal", "int"), 8: ("opened", "int")}
COMMAND_OUTCOME = {1: ("command_id", "bytes"), 2: ("account", "text"), 3: ("kind", "int"),
                   4: ("status", "int"), 5: ("refusal", "int")}
OUTCOME = {1: ("payment", PAYMENT_OUTCOME), 2: ("command", COMMAND_OUTCOME)}
RESULT = {1: ("payment_id", "bytes"), 2: ("number", "int"), 3: ("kind", "int"),
          4: ("refusal", "int"), 6: ("amount_minor", "int"), 7: ("currency", "text"),
          8: ("from", "text"), 9: ("to", "text"), 10: ("event_time_ms", "int"),
          11: ("finished_ms", "int")}


# ---- partitions

def partition_of(key, partitions):
    """Kafka's murmur2, sign cleared, modulo the count."""
    mask, m = 0xFFFFFFFF, 0x5BD1E995
    value = (0x9747B28C ^ len(key)) & mask
    whole = len(key) // 4 * 4
    for at in range(0, whole, 4):
        word = struct.unpack_from("<I", key, at)[0] * m & mask
        word = (word ^ word >> 24) * m & mask
        value = value * m & mask ^ word
    rest = key[whole:]
    if rest:
        value = (value ^ int.from_bytes(rest, "little")) * m & mask
    value = (value ^ value >> 13) * m & mask
    value ^= value >> 15
    return (value & 0x7FFFFFFF) % partitions


# ---- records

OPERATORS = b"KA\x01\x00"  # how an operator's record begins

class Record:
    """One record of a dump."""

    def __init__(self, offset, appended, key, value):
        self.offset, self.appended, self.key, self.value = offset, appended, key, value

    @property
    def is_tick(self):
        return self.value == b"KT\x01\x00"


def read_dump(folder):
    """{(topic, partition): [Record]} of the files <topic>-<partition>.records."""
    topics = {}
    for path in Path(folder).glob("*.records"):
        topic, _, partition = path.name[:-len(".records")].rpartition("-")
        data, at, records = path.read_bytes(), 0, []
        while at < len(data):
            offset, appended, size = struct.unpack_from("<qqI", data, at)
            at += 20
            key, at = data[at:at + size], at + size
            (size,) = struct.unpack_from("<I", data, at)
            at += 4
            records.append(Record(offset, appended, key, data[at:at + size]))
            at += size
        topics[topic, int(partition)] = records
    return topics


class Frame:
    def __init__(self, data):
        if data[:4] != b"KF\x01\x00" or len(data) < 88:
            raise Unreadable("frame")
        (self.count,) = struct.unpack_from("<I", data, 4)
        self.lineage = data[8:24]
        stage, _, partition, self.first = struct.unpack_from("<HHiQ", data, 24)
        self.sender = (stage, partition)
        self.events, at = [], 80
        sizes = []
        for _ in range(self.count):
            size, index, offset, time = struct.unpack_from("<IIqq", data, at)
            self.events.append({"index": index, "offset": offset, "time": time,
                                "subject": data[at + 24:at + 40]})
            sizes.append(size)
            at += 40
        at += 8
        for event, size in zip(self.events, sizes):
            event["payload"] = data[at:at + size]
            at += size
        if at != len(data):
            raise Unreadable("frame lengths")


def switch_in(value):
    """(stage, partition, logic version, record id) of a switch record; None of anything else."""
    if value[:4] != OPERATORS:
        return None
    body = Reader(Reader(value[4:]).sized())
    body.raw(32)  # lineage, topic
    stage, partition = body.take("Hi")
    ident = body.raw(16)
    body.sized()
    body.sized()
    return (stage, partition, body.take("I"), ident) if body.take("B") == 7 else None


def is_answered_by_intake(value):
    """An operator's record that goes no further: an override (R23), or a change of keys."""
    if value[:4] != OPERATORS:
        return False
    body = Reader(Reader(value[4:]).sized())
    body.raw(32)  # lineage, topic
    body.take("Hi")
    body.raw(16)
    body.sized()
    body.sized()
    return body.take("B") in (5, 6, 8)


# ---- changelogs

class Reader:
    """Fixed widths, little-endian, one after the other."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values[0] if len(values) == 1 else values

    def raw(self, size):
        self.at += size
        return self.data[self.at - size:self.at]

    def sized(self):
        return self.raw(self.take("I"))

    def sum(self):
        high, low = self.take("q"), self.take("Q")
        return (high << 64) + low

    def tally(self):
        return self.take("Q"), self.sum()

    def refusals(self):
        return {self.take("H"): self.take("Q") for _ in range(self.take("B"))}


def lineage_of(changelog):
    for record in changelog:
        if record.value[:2] == b"KO":
            reader = Reader(record.value[5:])
            reader.sized()
            return reader.raw(16)
    raise Unreadable("a changelog without an open marker")


def opens(body, epoch):
    """(What kind of open marker this is, whether it begins an epoch after that one): a renewal of another doesn't."""
    what = body.take("B")
    body.sized()
    body.raw(16 + 4)
    body.raw(16 * body.take("I"))
    body.raw(16)
    body.sized()
    body.sized()
    body.raw(4 + 16)
    return what, what != 3 or epoch is None or body.take("q") == epoch


def rows_of(changelog):
    """{(table, key): value} as of the end of a changelog (docs/store.md, What counts)."""
    epoch, pending, state, waiting = None, {}, None, []
    for record in changelog:
        kind, body = record.value[1:2], Reader(record.value[4:-8])
        if kind == b"O":
            what, counts = opens(body, epoch)
            if not counts:
                continue
            epoch, pending = record.offset, {}
            if what == 1:
                state = {}
            continue
        base = body.take("B") if kind == b"R" else 0
        its_epoch, number = body.take("q"), body.take("Q")
        if its_epoch != epoch:
            continue
        if kind == b"R":
            body.take("I")
            pending.setdefault((base, number), []).append(body.data[body.at:])
        elif kind == b"M":
            rows = pending.pop((0, number), [])
            if state is None:
                waiting.append((number, rows))
            else:
                apply_rows(state, rows)
        elif kind == b"B" and state is None:
            state = {}
            apply_rows(state, pending.pop((1, number), []))
            for later, rows in waiting:
                if later > number:
                    apply_rows(state, rows)
    if state is None:
        raise Unreadable("a changelog with neither genesis nor base")
    return state


def checkpoints_of(changelog):
    """Of each checkpoint that counts and whose rows are all there, in order: the input position
    that it is of, and its row frames' bodies."""
    epoch, pending = None, {}
    for record in changelog:
        kind, body = record.value[1:2], Reader(record.value[4:-8])
        if kind == b"O":
            if opens(body, epoch)[1]:
                epoch, pending = record.offset, {}
            continue
        base = body.take("B") if kind == b"R" else 0
        its_epoch, number = body.take("q"), body.take("Q")
        if its_epoch != epoch or base or kind == b"B":
            continue
        rows = body.take("I")
        if kind == b"R":
            pending.setdefault(number, []).append((rows, body.data[body.at:]))
        elif kind == b"M":
            found = pending.pop(number, [])
            if sum(count for count, _ in found) == rows:
                body.raw(16 + 16 + 16 + 4 + 16 + 1)  # digests, state hash, logic, clean
                yield body.take("q"), [rows_body for _, rows_body in found]


def balance_in(row):
    """(balance, postings) of an account's row."""
    reader = Reader(row[1:])
    reader.raw(3 + 1)
    balance = reader.sum()
    reader.raw(2 * 16)
    return balance, reader.take("Q")


def letter_in(payload):
    """(length of the whole, the bytes that travelled) of a dead letter."""
    reader = Reader(payload)
    reader.raw(1 + 16 + 4 + 8 + 4 + 2)
    total = reader.take("Q")
    reader.raw(16)
    return total, reader.sized()


def overrides_of(rows, table):
    """By input offset, what an override says (R23), as rows of that table: None for a skipped
    record, else the time of what is in it."""
    found = {}
    for (number, key), value in rows.items():
        if number == table:
            reader = Reader(value[1:])
            action, time = reader.take("Bq")
            if action != 3:  # a switch to the next logic changes nothing of the record
                found[int.from_bytes(key, "big")] = None if action == 1 else time
    return found


def apply_rows(state, bodies):
    for body in bodies:
        reader = Reader(body)
        while reader.at < len(body):
            table, present = reader.take("HB")
            key = reader.sized()
            if present:
                state[table, key] = reader.sized()
            else:
                state.pop((table, key), None)
