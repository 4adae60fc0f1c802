"""How long each account task stood still, from the append times in a broker's own files: python3 stalls.py FROM_MS UNTIL_MS
[FOLDER], on a host that has every partition. Prints {partition: the longest time, in ms, in which nothing new was said}.

What was said before and is said again after a restart doesn't count. Internal records are not compressed, so the frames can
be read as they lie (docs/wire.md); a batch's append time is the broker's."""

import json
import os
import pathlib
import re
import struct
import sys

ACCOUNT = 2  # the account stage, as a sender
TOPICS = re.compile(r".*payments\.(inflight|complete)-\d+")
EARLIER_MS = 60000  # so much before is read, too, to know what was said already
HEAD = struct.Struct(">qiiBIhiqqqhii")  # of a batch, version 2
FRAME = b"KF\x01\x00"
CONTROL, COMPRESSION = 0x20, 0x07


class Unreadable(Exception):
    """A file isn't what a broker writes; the text says which, and where."""


def varint(data, at):
    value, shift = 0, 0
    while True:
        byte = data[at]
        value, shift, at = value | (byte & 0x7F) << shift, shift + 7, at + 1
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at


def values_of(data, count):
    """The values of a batch's records."""
    at = HEAD.size
    for unused in range(count):
        size, at = varint(data, at)
        end, at = at + size, at + 1  # behind the attributes
        for unused_delta in range(2):
            unused_number, at = varint(data, at)
        key, at = varint(data, at)
        at += max(key, 0)
        length, at = varint(data, at)
        yield data[at:at + max(length, 0)]
        at = end


def batches(path, since_ms):
    """(append time, values) of each batch of a segment from that time on."""
    with open(path, "rb") as file:
        while len(head := file.read(HEAD.size)) == HEAD.size:
            about = HEAD.unpack(head)
            size, magic, attributes, appended, count = about[1], about[3], about[5], about[8], about[12]
            if size == 0:
                return  # the rest of the file is reserved
            if magic != 2:
                raise Unreadable("%s: a batch of version %d at %d" % (path, magic, file.tell() - HEAD.size))
            rest = size + 12 - HEAD.size
            if appended < since_ms or attributes & CONTROL:
                file.seek(rest, os.SEEK_CUR)
                continue
            if attributes & COMPRESSION:
                raise Unreadable("%s: a compressed batch at %d" % (path, file.tell() - HEAD.size))
            body = file.read(rest)
            if len(body) < rest:
                return  # it is being written
            yield appended, values_of(head + body, count)


def appended_by(folder, since_ms, until_ms):
    """{account partition: append times of what it said for the first time}."""
    said, times = {}, {}
    for place in sorted(pathlib.Path(folder).iterdir()):
        if not TOPICS.fullmatch(place.name):
            continue
        for path in sorted(place.glob("*.log")):
            if path.stat().st_mtime * 1000 < since_ms:
                continue
            for appended, values in batches(path, since_ms - EARLIER_MS):
                for value in values:
                    if appended > until_ms or value[:4] != FRAME:
                        continue
                    (count,) = struct.unpack_from("<I", value, 4)
                    stage, unused, partition, first = struct.unpack_from("<HHiQ", value, 24)
                    lane = place.name, partition
                    if stage == ACCOUNT and first + count - 1 > said.get(lane, 0):
                        said[lane] = first + count - 1
                        times.setdefault(partition, []).extend([appended] if appended >= since_ms else [])
    return times


def stalls(folder, since_ms, until_ms):
    found = {}
    for partition, appended in sorted(appended_by(folder, since_ms, until_ms).items()):
        moments = [since_ms, *sorted(appended), until_ms]
        found[partition] = max(after - before for before, after in zip(moments, moments[1:]))
    return found


if __name__ == "__main__":
    print(json.dumps(stalls(sys.argv[3] if len(sys.argv) > 3 else "/var/lib/kafka", int(sys.argv[1]), int(sys.argv[2]))))
