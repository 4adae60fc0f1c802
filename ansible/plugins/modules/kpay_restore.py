#!/usr/bin/python
"""Puts this host's parts of a backup in place."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kpay_restore
short_description: Puts a broker's folder or an instance's state back in place, from a part of a backup
description:
  - "C(looked): whether the part, if one is named, is here and whole (C(missing)), and what is in the way (C(occupied))."
  - "C(stopped): the unit is ended, after a minute by force. C(emptied): what is in the way is put aside; nothing is
    deleted. C(told): where the instance's tasks were restored since a moment."
  - "C(placed): the part is unpacked, whole or not at all: the file that makes a broker's folder valid comes last. A
    broker's folder of another cluster or node is refused. An instance's snapshots are put in the place of its state
    files by its own release, which reads them whole first."
options:
  state: {description: What to do., type: str, choices: [looked, stopped, emptied, placed, told], required: true}
  archive: {description: The part., type: path}
  sha256: {description: Its checksum., type: str}
  instance: {description: "The instance; without it, it is about the broker.", type: dict}
  release: {description: The release of the instance., type: str, default: ""}
  cluster_id: {description: Id that the broker's folder must have., type: str, default: ""}
  node_id: {description: Node that it must be of., type: int, default: 0}
  since: {description: "C(told): the moment, in seconds of the epoch.", type: float, default: 0}
  aside: {description: Where that goes which is in the way., type: path}
  operation: {description: Id of the operation., type: str, required: true}
  token: {description: The operation's fencing token., type: int, required: true}
"""

import os
import pwd
import tarfile
import time

from ansible.module_utils import kpay_parts as parts
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.kpay_host import Daemon, HostError, run, unit_state
from ansible.module_utils.kpay_lease import Lease, LeaseError
from ansible.module_utils.kpay_releases import sha256_of

BROKER = "/var/lib/kafka"
STATE = "/var/lib/kpay"
STOP_S = 60
CREDENTIALS = ("ca.crt", "tls.crt", "tls.key", "sasl-password")


class Place:
    """Where a part belongs: a broker's folder, or an instance's."""

    def __init__(self, params):
        self.daemon = Daemon(params["instance"]) if params["instance"] else None
        self.unit = self.daemon.unit if self.daemon else "kafka.service"
        self.folder = os.path.join(STATE, self.daemon.id) if self.daemon else BROKER
        self.owner = "kpay" if self.daemon else "kafka"

    def occupied(self):
        """What is in the way, in words; empty if nothing is."""
        if unit_state(self.unit)["ActiveState"] not in ("inactive", "failed"):
            return "%s runs" % self.unit
        names = os.listdir(self.folder) if os.path.isdir(self.folder) else []
        return "%s is not empty (%s)" % (self.folder, ", ".join(sorted(names)[:3])) if names else ""


def missing(params):
    """Why the part can't be used from here; empty if it can."""
    if not params["archive"]:
        return ""
    if not os.path.exists(params["archive"]):
        return "%s is not there" % params["archive"]
    found = sha256_of(params["archive"])
    return "" if found == params["sha256"] else "%s has the checksum %s, the backup says %s" % (
        params["archive"], found, params["sha256"])


def properties_of(archive):
    """A broker's meta.properties, as it stands in a part."""
    with tarfile.open(archive, "r:") as tar:
        try:
            text = tar.extractfile("meta.properties").read().decode()
        except KeyError as error:
            raise parts.PartError("%s has no meta.properties: it is no broker's part" % archive) from error
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))


def refuse_another_broker(params):
    about = properties_of(params["archive"])
    for name, wanted in (("cluster.id", params["cluster_id"]), ("node.id", str(params["node_id"]))):
        if about.get(name) != wanted:
            raise parts.PartError("%s has %s %s, the inventory says %s" % (params["archive"], name, about.get(name), wanted))


def take_snapshots(daemon, release, config):
    """Each snapshot in the place of its task's state file, by the daemon itself; what it said."""
    folder, said = os.path.join(STATE, daemon.id, "snapshots"), []
    for name in parts.newest_snapshots(folder):
        command = ["systemd-run", "--quiet", "--wait", "--pipe", "--collect", "--property=User=kpay", "--property=UMask=0077"]
        command += ["--property=LoadCredential=%s:%s/%s" % (one, daemon.credentials, one) for one in CREDENTIALS]
        code, text = run([*command, daemon.binary(release), "restore-snapshot", "--config",
                          os.path.join(daemon.folder, config), os.path.join(folder, name)], timeout=600)
        if code != 0:
            raise HostError("%s refuses snapshot %s: exit %d: %s" % (daemon.id, name, code, text))
        said.append(text)
    return said


def place(params):
    here = Place(params)
    problem = missing(params) or here.occupied()
    if problem:
        raise parts.PartError(problem)
    if here.daemon is None:
        refuse_another_broker(params)
    owner = pwd.getpwnam(here.owner)
    os.makedirs(here.folder, mode=0o700, exist_ok=True)
    os.chown(here.folder, owner.pw_uid, owner.pw_gid)
    answer = {"files": parts.unpack(params["archive"], here.folder, owner.pw_uid, owner.pw_gid)}
    if here.daemon:
        answer["snapshots"] = take_snapshots(here.daemon, params["release"], params["instance"]["config"])
    return answer


def stop(unit):
    """Whether it ran. Nobody goes on with what it has, so there is no drain."""
    if unit_state(unit)["ActiveState"] in ("inactive", "failed"):
        return False
    run(["systemctl", "stop", "--no-block", unit])
    deadline = time.time() + STOP_S
    while unit_state(unit)["ActiveState"] not in ("inactive", "failed"):
        if time.time() > deadline:
            run(["systemctl", "kill", "--signal=KILL", unit])
        time.sleep(0.5)
    return True


def told(daemon, since):
    """{task: proof}: where each task was first restored by this instance."""
    first = {}
    for event in daemon.events(since, ("TaskRestored",)):
        first.setdefault("%s/%d" % (event["stage"], event["partition"]), {
            "position": event["position"], "marker": event["checkpoint"], "hash": event["state_hash"]})
    return first


def act(params):
    here, begun = Place(params), time.time()
    if params["state"] == "stopped":
        return {"changed": stop(here.unit)}
    if params["state"] == "emptied":
        problem = here.occupied()
        if problem.endswith(" runs"):
            raise parts.PartError(problem)
        moved = parts.move_aside(here.folder, params["aside"])
        return {"changed": moved > 0, "aside": params["aside"] if moved else ""}
    return {"changed": True, **place(params), "seconds": round(time.time() - begun, 1)}


def main():
    module = AnsibleModule(
        argument_spec={"state": {"choices": ["looked", "stopped", "emptied", "placed", "told"], "required": True}, "archive": {"type": "path"},
                       "sha256": {}, "instance": {"type": "dict"}, "release": {"default": ""}, "cluster_id": {"default": ""},
                       "node_id": {"type": "int", "default": 0}, "aside": {"type": "path"},
                       "since": {"type": "float", "default": 0}, "operation": {"required": True},
                       "token": {"type": "int", "required": True, "no_log": False}},
        required_if=[("state", "emptied", ("aside",)), ("state", "told", ("instance",)),
                     ("state", "placed", ("archive", "sha256"))], supports_check_mode=True)
    params = module.params
    step = "restore %s %s" % (params["state"], (params["instance"] or {}).get("id", "kafka"))
    try:
        if params["state"] == "looked":
            module.exit_json(changed=False, missing=missing(params), occupied=Place(params).occupied())
        if params["state"] == "told":
            module.exit_json(changed=False, restored=told(Daemon(params["instance"]), params["since"]))
        if module.check_mode:
            module.exit_json(changed=True, step=step)
        Lease().check(params["operation"], params["token"])
        answer = act(params)
    except (parts.PartError, HostError, LeaseError, OSError, tarfile.TarError, KeyError) as error:
        module.fail_json(msg="RESTORE: %s" % error, step=step)
    module.exit_json(step=step, **answer)


if __name__ == "__main__":
    main()
