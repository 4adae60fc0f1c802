"""Commands as a client would write them onto payments.incoming, byte by byte: for the tests and the demo."""

import time
import uuid


def uuid7(at_ms=None):
    tail = uuid.uuid4().hex
    return uuid.UUID(f"{int(at_ms or time.time() * 1000):012x}7{tail[1:4]}8{tail[5:8]}{tail[8:20]}")


def field(number, content):
    """A length-delimited Protobuf field."""
    return bytes([number << 3 | 2, len(content)]) + content


def deposit(account, minor, ident=None):
    """A Command that puts `minor` cents into the account."""
    amount, left = b"", minor
    while left >= 0x80:
        amount, left = amount + bytes([left & 0x7F | 0x80]), left >> 7
    amount += bytes([left])
    return field(3, field(1, (ident or uuid7()).bytes) + field(2, account.encode()) + b"\x18" + amount +
                 field(4, b"EUR"))
