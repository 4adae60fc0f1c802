#!/usr/bin/python
"""Makes this host's parts of a backup: its broker's folder, and what its instances keep."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kpay_backup
short_description: Freezes and packs this host's parts of a backup
description:
  - "C(topics): links every partition of the broker but the metadata log; the broker runs on. C(metadata): links the
    metadata log, when every broker's topics are frozen. C(state): asks the instance for a snapshot of each of its tasks,
    and links the newest ones, and the auditor's state. Links take no space and next to no time; what is appended
    afterwards is cut off by the length that a file had then."
  - "C(packed): writes the archive of what is frozen, with its SHA-256, and lets go of the links. C(dropped): only lets
    go. The oldest backups beyond C(keep) go, too."
options:
  state: {description: What to do., type: str, choices: [topics, metadata, state, packed, dropped], required: true}
  instance: {description: "The instance, for C(state): id, daemon, address, port.", type: dict}
  frozen: {description: Where links are kept until they are packed; on the data's file system., type: path, required: true}
  archive: {description: The archive to write., type: path}
  keep: {description: How many backups stay beside the archive's., type: int, default: 3}
  operation: {description: Id of the operation., type: str, required: true}
  token: {description: The operation's fencing token., type: int, required: true}
"""

import os
import shutil
import time

from ansible.module_utils import kpay_parts as parts
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.kpay_host import Daemon, HostError
from ansible.module_utils.kpay_lease import Lease, LeaseError

BROKER = "/var/lib/kafka"
STATE = "/var/lib/kpay"
SNAPSHOT_S = 300


def take_snapshots(daemon):
    """The auditor writes its state by itself; who has tasks is asked for snapshots of them."""
    if not daemon.has_tasks:
        return
    code, answer = daemon.command("/snapshot", timeout=SNAPSHOT_S)
    if code != 200:
        raise HostError("%s took no snapshot: %s" % (daemon.id, answer.get("detail", "status %d" % code)))


def frozen(params):
    if params["state"] == "topics":
        return parts.freeze_topics(BROKER, params["frozen"])
    if params["state"] == "metadata":
        return parts.freeze_metadata(BROKER, params["frozen"])
    daemon = Daemon(params["instance"])
    take_snapshots(daemon)
    return parts.freeze_state(os.path.join(STATE, daemon.id), params["frozen"])


def act(params):
    begun = time.time()
    if params["state"] == "dropped":
        shutil.rmtree(params["frozen"], ignore_errors=True)
        return {}
    if params["state"] == "packed":
        made = parts.pack(params["frozen"], params["archive"])
        folder = os.path.dirname(os.path.dirname(params["archive"]))
        return {"part": {"archive": params["archive"], **made}, "gone": parts.drop_old(folder, params["keep"]),
                "seconds": round(time.time() - begun, 1)}
    sizes = frozen(params)
    return {"files": len(sizes), "bytes": sum(sizes.values()), "seconds": round(time.time() - begun, 2)}


def main():
    module = AnsibleModule(
        argument_spec={"state": {"choices": ["topics", "metadata", "state", "packed", "dropped"], "required": True},
                       "instance": {"type": "dict"}, "frozen": {"type": "path", "required": True},
                       "archive": {"type": "path"}, "keep": {"type": "int", "default": 3},
                       "operation": {"required": True}, "token": {"type": "int", "required": True, "no_log": False}},
        required_if=[("state", "state", ("instance",)), ("state", "packed", ("archive",))], supports_check_mode=True)
    params = module.params
    step = "backup %s %s" % (params["state"], (params["instance"] or {}).get("id", os.path.basename(params["frozen"])))
    if module.check_mode:
        module.exit_json(changed=False, step=step)
    try:
        Lease().check(params["operation"], params["token"])
        answer = act(params)
    except (parts.PartError, HostError, LeaseError, OSError) as error:
        module.fail_json(msg="BACKUP: %s" % error, step=step)
    # What is backed up is not changed by it.
    module.exit_json(changed=False, step=step, **answer)


if __name__ == "__main__":
    main()
