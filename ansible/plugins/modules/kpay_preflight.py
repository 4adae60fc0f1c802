#!/usr/bin/python
"""Looks whether a host can bear what is about to be done on it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kpay_preflight
short_description: Looks whether a host can bear what is about to be done on it
description:
  - Each check has an id, as those of the inventory do, and can be waived in the same way. It changes
    nothing but a file of a few kilobytes that it writes, syncs and removes.
options:
  free_mb: {description: Megabytes that must be free on each file system in use., type: int, default: 512}
  fsync_ms: {description: The longest that the median of ten syncs may take., type: int, default: 100}
  clock_s: {description: Seconds by which the clock may be behind the controller's., type: float, default: 2}
  now: {description: The controller's time when this was sent., type: float, required: true}
  memory_mb: {description: What instances and Kafka may use together., type: int, default: 0}
  certificate_days: {description: How long each certificate in use must be valid still., type: int, default: 7}
  waived: {description: Ids of checks that don't count today., type: list, elements: str, default: []}
"""

import glob
import os
import ssl
import statistics
import time

from ansible.module_utils.basic import AnsibleModule

PLACES = ("/opt/kpay", "/opt/kpay/archives", "/etc/kpay", "/var/lib/kpay", "/var/lib/kafka", "/var/log/journal")
CERTIFICATES = ("/etc/kpay/*/credentials/tls.crt", "/etc/kpay/*/credentials/ca.crt", "/etc/kafka/credentials/*.crt",
                "/etc/kafka/credentials/keystore.pem", "/etc/kpay-monitor/credentials/*.crt")
SYNCS = 10
DAY_S = 86400


def check_disk(params):
    for place in PLACES:
        if not os.path.isdir(place):
            continue
        state = os.statvfs(place)
        free = state.f_bavail * state.f_frsize >> 20
        if free < params["free_mb"]:
            yield "PRE-DISK", "%s has %d MB free, %d are needed" % (place, free, params["free_mb"])
        if state.f_favail < 1000 and state.f_files:
            yield "PRE-DISK", "%s has %d inodes free" % (place, state.f_favail)


def check_fsync(params):
    folder = next((place for place in ("/var/lib/kpay", "/var/lib") if os.path.isdir(place)), None)
    took, path = [], os.path.join(folder, ".preflight-%d" % os.getpid())
    try:
        with open(path, "wb") as file:
            for unused in range(SYNCS):
                begun = time.monotonic()
                file.write(b"x" * 4096)
                file.flush()
                os.fsync(file.fileno())
                took.append((time.monotonic() - begun) * 1000)
    except OSError as error:
        yield "PRE-DISK", "%s can't be written: %s" % (folder, error)
        return
    finally:
        if os.path.exists(path):
            os.unlink(path)
    if statistics.median(took) > params["fsync_ms"]:
        yield "PRE-FSYNC", "a sync in %s takes %.0f ms, %d are right" % (folder, statistics.median(took), params["fsync_ms"])


def check_clock(params):
    # Only behind can be told here: sending takes its time. Whether it is ahead is for the controller to say.
    behind = params["now"] - time.time()
    if behind > params["clock_s"]:
        yield "PRE-CLOCK", "the clock is %.1f s behind the controller's" % behind


def check_memory(params):
    with open("/proc/meminfo", encoding="utf-8") as file:
        total = int(next(line for line in file if line.startswith("MemTotal:")).split()[1]) >> 10
    if params["memory_mb"] > total:
        yield "PRE-MEMORY", "instances and Kafka may use %d MB, the host has %d" % (params["memory_mb"], total)


def end_of(path):
    """When the first certificate of a file ends, in seconds of the epoch."""
    return ssl.cert_time_to_seconds(ssl._ssl._test_decode_cert(path)["notAfter"])


def check_certificates(params):
    for path in sorted(one for pattern in CERTIFICATES for one in glob.glob(pattern)):
        try:
            days = (end_of(path) - time.time()) / DAY_S
        except (OSError, ssl.SSLError, KeyError, ValueError) as error:
            yield "PRE-CERT", "%s can't be read: %s" % (path, error)
            continue
        if days < 0:
            yield "PRE-CERT", "%s expired %.1f days ago" % (path, -days)
        elif days < params["certificate_days"]:
            yield "PRE-CERT", "%s expires in %.1f days, %d are needed" % (path, days, params["certificate_days"])


def main():
    module = AnsibleModule(
        argument_spec={"free_mb": {"type": "int", "default": 512}, "fsync_ms": {"type": "int", "default": 100},
                       "clock_s": {"type": "float", "default": 2}, "now": {"type": "float", "required": True},
                       "memory_mb": {"type": "int", "default": 0}, "certificate_days": {"type": "int", "default": 7},
                       "waived": {"type": "list", "elements": "str", "default": []}},
        supports_check_mode=True)
    params = module.params
    found = [each for check in (check_clock, check_disk, check_memory, check_certificates) for each in check(params)]
    found += [] if module.check_mode else [*check_fsync(params)]
    counts = ["%s %s" % each for each in found if each[0] not in params["waived"]]
    waived = ["%s %s" % each for each in found if each[0] in params["waived"]]
    if counts:
        module.fail_json(msg="PREFLIGHT: %s" % "; ".join(counts), waived=waived)
    module.exit_json(changed=False, waived=waived, time=time.time())


if __name__ == "__main__":
    main()
