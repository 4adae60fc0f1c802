"""What operations ask of a cluster, as pure functions of what the brokers answered."""

from __future__ import annotations


def under_replicated(metadata):
    """Partitions whose in-sync replicas are not all of their replicas, as sentences."""
    return ["%s/%d has %d of %d replicas in sync" % (name, p["partition"], len(p["isr"]), len(p["replicas"]))
            for name, partitions in sorted(metadata["topics"].items()) for p in partitions
            if len(p["isr"]) < len(p["replicas"]) or p["leader"] < 0]


def below_minimum_without(metadata, minimum, node):
    """Partitions that could not be written if `node` stopped now (None: as they are). A partition
    whose replicas are not more than its minimum can't ever lose one, so it does not count."""
    found = []
    for name, partitions in sorted(metadata["topics"].items()):
        least = int(minimum.get(name) or 1)
        for p in partitions:
            left = [n for n in p["isr"] if n != node]
            excused = node is not None and len(p["replicas"]) <= least
            if (node is None or node in p["replicas"]) and len(left) < least and not excused:
                found.append("%s/%d would have %d in sync, %d are needed" % (name, p["partition"], len(left), least))
    return found


def quorum_without(quorum, node, behind_max):
    """Why the metadata quorum would not survive the stop of `node`; empty if it would."""
    if quorum["error"] != 0 or quorum["leader"] < 0:
        return ["the quorum has no leader"]
    voters = quorum["voters"]
    leader_end = voters[quorum["leader"]]["end"]
    current = [n for n, v in voters.items() if n != node and v["end"] >= 0 and leader_end - v["end"] <= behind_max]
    needed = len(voters) // 2 + 1
    if len(current) < needed:
        return ["%d of %d voters would be current, %d are needed" % (len(current), len(voters), needed)]
    return []
