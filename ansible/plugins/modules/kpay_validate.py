#!/usr/bin/python
"""Checks a site's inventory before any host is touched."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kpay_validate
short_description: Checks a site's inventory before any host is touched
description:
  - It asks no host. Each check has an id. One that doesn't hold fails the run, unless a waiver names
    it, with a reason and a date until which it counts.
options:
  hosts:
    description: "What the inventory says of each host: address, failure_domain, kafka_node_id, instances, planes, is_absent, absent, memory_mb."
    type: dict
    required: true
  planes: {description: Daemons by plane., type: dict, required: true}
  partitions: {description: Partitions of a generation of topics., type: int, required: true}
  kafka_heap_mb: {description: A broker's heap., type: int, required: true}
  today: {description: The date to compare waivers with., type: str, required: true}
  waivers:
    description: Checks that may fail for a while.
    type: list
    elements: dict
    default: []
    suboptions:
      id: {description: Which check., type: str, required: true}
      host: {description: For this host only., type: str}
      reason: {description: Why., type: str, required: true}
      until: {description: The last day on which it counts., type: str, required: true}
"""

import datetime
import ipaddress
import re

from ansible.module_utils.basic import AnsibleModule

DAEMONS = ("inflight", "account", "confirmed", "throughput")  # each has stages, so each has to be there
OTHERS = ("journal", "gateway")
PORTS_OF_KAFKA = range(9092, 9095)
INSTANCE = re.compile(r"[a-z0-9-]{1,64}")
SIZE = re.compile(r"(\d+)(M|G)")
BROKER_OVERHEAD = 2  # a broker's process beside its heap: page cache, code, buffers


def date_of(text):
    try:
        return datetime.date.fromisoformat(str(text))
    except ValueError:
        return None


def instances_of(hosts):
    for host, about in sorted(hosts.items()):
        for instance in about.get("instances") or []:
            yield host, instance


def megabytes(text):
    match = SIZE.fullmatch(str(text))
    return int(match.group(1)) * (1024 if match.group(2) == "G" else 1) if match else None


def twice(pairs):
    """The (host, value)s whose value was there before."""
    seen = {}
    for host, value in pairs:
        if value in seen:
            yield host, value, seen[value]
        seen.setdefault(value, host)


def check_identity(hosts):
    for host, about in sorted(hosts.items()):
        try:
            ipaddress.ip_address(str(about.get("address")))
        except ValueError:
            yield "INV-ADDRESS", host, "ansible_host '%s' is no IP address" % about.get("address")
    for host, address, other in twice((h, a.get("address")) for h, a in sorted(hosts.items())):
        yield "INV-ADDRESS", host, "has the address %s of %s" % (address, other)


def check_instances(hosts):
    for host, one in instances_of(hosts):
        if not INSTANCE.fullmatch(str(one.get("id", ""))):
            yield "INV-INSTANCE", host, "instance id '%s': 1 to 64 of [a-z0-9-] are right" % one.get("id")
        if one.get("daemon") not in DAEMONS + OTHERS:
            yield "INV-DAEMON", host, "%s: no daemon '%s'; there are %s" % (
                one.get("id"), one.get("daemon"), ", ".join(DAEMONS + OTHERS))
        port = one.get("port")
        if not isinstance(port, int) or not 1024 <= port <= 65535 or port in PORTS_OF_KAFKA:
            yield "INV-PORT", host, "%s: port '%s': 1024 to 65535 is right, without Kafka's 9092 to 9094" % (
                one.get("id"), port)
        if one.get("memory_max") is not None and megabytes(one["memory_max"]) is None:
            yield "INV-MEMORY", host, "%s: memory_max '%s': a number with M or G is right" % (
                one.get("id"), one["memory_max"])
    for host, name, other in twice((h, i.get("id")) for h, i in instances_of(hosts)):
        yield "INV-INSTANCE", host, "instance '%s' is on %s, too: two owners of one id fence each other" % (name, other)
    for host in sorted(hosts):
        ports = [(host, i.get("port")) for i in hosts[host].get("instances") or []]
        for unused, port, other in twice(ports):
            yield "INV-PORT", host, "port %s is given to two instances" % port


def check_planes(hosts, planes):
    for host, one in instances_of(hosts):
        right = [plane for plane, daemons in sorted(planes.items()) if one.get("daemon") in daemons]
        if right and not set(right) & set(hosts[host].get("planes") or []):
            yield "INV-PLANE", host, "%s is of plane %s, the host is in %s" % (
                one.get("id"), right[0], ", ".join(hosts[host].get("planes") or []) or "none")


def check_placement(hosts, partitions):
    domains = {about.get("failure_domain") for about in hosts.values()}
    for daemon in DAEMONS:
        places = [(host, one) for host, one in instances_of(hosts) if one.get("daemon") == daemon]
        if not places:
            yield "INV-MISSING", None, "no instance of %s: its stages would not run" % daemon
        if len(places) > partitions:
            yield "INV-PARTITIONS", None, "%d instances of %s share %d partitions: some would be idle" % (
                len(places), daemon, partitions)
        used = {hosts[host].get("failure_domain") for host, unused in places}
        if len(places) > 1 and len(domains) > 1 and len(used) == 1:
            yield "INV-SPREAD", None, "all instances of %s are in failure domain %s" % (daemon, used.pop())


def check_changes(hosts):
    """accounts.changes is told by one journal: two would tell it in two orders."""
    tell = [(host, one["id"]) for host, one in instances_of(hosts)
            if ((one.get("settings") or {}).get("query") or {}).get("changes")]
    for host, name in tell[1:]:
        yield "INV-CHANGES", host, "%s and %s both have query.changes: only one journal may tell accounts.changes" % (
            tell[0][1], name)


def check_kafka(hosts):
    nodes = [(host, about["kafka_node_id"]) for host, about in sorted(hosts.items())
             if about.get("kafka_node_id") is not None]
    if len(nodes) < 3 or len(nodes) % 2 == 0:
        yield "INV-QUORUM", None, "%d Kafka nodes: an odd number from 3 is right" % len(nodes)
    for host, node, other in twice(nodes):
        yield "INV-QUORUM", host, "kafka_node_id %s is that of %s" % (node, other)


def check_memory(hosts, heap):
    for host, about in sorted(hosts.items()):
        if not about.get("memory_mb"):
            continue
        need = sum(megabytes(one.get("memory_max") or "0M") or 0 for one in about.get("instances") or [])
        need += heap * BROKER_OVERHEAD if about.get("kafka_node_id") is not None else 0
        if need > about["memory_mb"]:
            yield "INV-MEMORY", host, "instances and Kafka may use %d MB, memory_mb is %d" % (need, about["memory_mb"])


def check_absent(hosts, today):
    for host, about in sorted(hosts.items()):
        absent = about.get("absent")
        if not absent and not about.get("is_absent"):
            continue
        if not absent or not about.get("is_absent"):
            yield "INV-ABSENT", host, "both are needed: the group absent, and kpay_absent with reason and until"
            continue
        until = date_of(absent.get("until"))
        if not absent.get("reason") or until is None:
            yield "INV-ABSENT", host, "kpay_absent needs a reason and until: YYYY-MM-DD"
        elif until < today:
            yield "INV-ABSENT", host, "was declared absent until %s, which is over" % until


def check_waivers(waivers, today):
    for waiver in waivers:
        until = date_of(waiver["until"])
        if until is None:
            yield "INV-WAIVER", None, "waiver of %s: until '%s' is no date YYYY-MM-DD" % (waiver["id"], waiver["until"])
        elif until < today:
            yield "INV-WAIVER", None, "the waiver of %s ended on %s" % (waiver["id"], until)
        elif len(waiver["reason"].split()) < 3:
            yield "INV-WAIVER", None, "waiver of %s: '%s' is no reason" % (waiver["id"], waiver["reason"])


def findings(hosts, planes, partitions, heap, waivers, today):
    """(open, waived): both lists of (id, host, text)."""
    found = [*check_identity(hosts), *check_instances(hosts), *check_planes(hosts, planes), *check_placement(hosts, partitions),
             *check_changes(hosts), *check_kafka(hosts), *check_memory(hosts, heap), *check_absent(hosts, today)]
    usable = {(w["id"], w.get("host")) for w in waivers if (date_of(w["until"]) or today) >= today}
    waived = [f for f in found if (f[0], f[1]) in usable or (f[0], None) in usable]
    return [f for f in found if f not in waived] + list(check_waivers(waivers, today)), waived


def text_of(finding):
    return "%s %s%s" % (finding[0], finding[1] + ": " if finding[1] else "", finding[2])


def main():
    module = AnsibleModule(
        argument_spec={"hosts": {"type": "dict", "required": True}, "planes": {"type": "dict", "required": True},
                       "partitions": {"type": "int", "required": True},
                       "kafka_heap_mb": {"type": "int", "required": True}, "today": {"required": True},
                       "waivers": {"type": "list", "elements": "dict", "default": [],
                                   "options": {"id": {"required": True}, "host": {}, "reason": {"required": True},
                                               "until": {"required": True}}}},
        supports_check_mode=True)
    params = module.params
    today = date_of(params["today"])
    if today is None:
        module.fail_json(msg="today: '%s' is no date YYYY-MM-DD" % params["today"])
    still, waived = findings(params["hosts"], params["planes"], params["partitions"], params["kafka_heap_mb"],
                             params["waivers"], today)
    if still:
        module.fail_json(msg="the inventory has %d problem(s), no host was touched: %s" % (
            len(still), "; ".join(map(text_of, still))), findings=[list(f) for f in still])
    module.exit_json(changed=False, waived=[text_of(f) for f in waived])


if __name__ == "__main__":
    main()
