#!/usr/bin/python
"""The backups that the controller knows: what each consists of, and what a restore came to."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kpay_backups
short_description: Writes what a backup consists of, reads it, and says what backup and restore came to
description:
  - "C(written): C(backup.json) in the backup's folder: its parts with their checksums, the moment that it is of, and the
    drain record of every task. A backup without one is none, so it is refused when the record of a task is missing."
  - "C(read): that file, if it fits this site: its cluster, partitions and brokers. C(reported): whether every task was
    restored exactly where the backup says that it was drained, and what that came to: RPO, the time between the backup's moment and the beginning of the restore; RTO, the time since then."
options:
  state: {description: What to do., type: str, choices: [written, read, reported], required: true}
  folder: {description: Where backups are kept., type: path, required: true}
  id: {description: Which; empty means the newest (C(read))., type: str, required: true}
  site: {description: "What has to fit: cluster, partitions, brokers.", type: dict, required: true}
  about: {description: "What is written: parts, tasks, begun, drained, frozen, resumed, release.", type: dict, default: {}}
  restored: {description: "Where instances restored their tasks (C(reported)).", type: list, elements: dict, default: []}
  journal: {description: "The operation's folder, for restore.json (C(reported)).", type: path}
  begun: {description: When the restore began (C(reported))., type: float, default: 0}
  keep: {description: How many backups are kept., type: int, default: 3}
"""

import json
import os
import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.kpay_parts import drop_old

STAGES = ("intake", "settle", "account", "confirmed", "throughput")
FORMAT = 1
MOMENTS = ("begun", "drained", "frozen", "resumed")
PROOF = ("position", "marker", "hash")


class BackupError(Exception):
    """A backup isn't one, or doesn't fit; the text says why."""


def tasks_of(partitions):
    return ["%s/%d" % (stage, partition) for stage in STAGES for partition in range(partitions)]


def backups(folder):
    """Ids of the whole ones, oldest first."""
    return sorted(name for name in (os.listdir(folder) if os.path.isdir(folder) else [])
                  if os.path.exists(os.path.join(folder, name, "backup.json")))


def read(folder, name, site):
    known = backups(folder)
    name = name or (known[-1] if known else "")
    if name not in known:
        raise BackupError("no backup '%s' in %s; there are: %s" % (name, folder, ", ".join(known) or "none"))
    try:
        with open(os.path.join(folder, name, "backup.json"), encoding="utf-8") as file:
            about = json.load(file)
    except ValueError as error:
        raise BackupError("backup.json of %s is damaged: %s" % (name, error)) from error
    if about.get("format") != FORMAT:
        raise BackupError("%s has format %s, this is for %d" % (name, about.get("format"), FORMAT))
    for what, wanted in site.items():
        if about["site"].get(what) != wanted:
            raise BackupError("%s is of a site with %s %s, the inventory says %s" % (name, what, about["site"].get(what), wanted))
    return about


def write(params):
    about = params["about"]
    lacking = [task for task in tasks_of(params["site"]["partitions"]) if task not in about["tasks"]]
    if lacking:
        raise BackupError("no drain record of %s: the moment is not proven, so this is no backup" % ", ".join(lacking[:5]))
    brokers = set(params["site"]["brokers"]) - {part.get("node") for part in about["parts"]}
    if brokers:
        raise BackupError("no part of broker %s" % ", ".join(map(str, sorted(brokers))))
    known = backups(params["folder"])
    before = read(params["folder"], known[-1], params["site"])["frozen"] if known else None
    document = {"format": FORMAT, "id": params["id"], "site": params["site"], **about}
    path = os.path.join(params["folder"], params["id"], "backup.json")
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with open(os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".new", path)
    return {"pause_s": round(about["resumed"] - about["drained"], 1), "took_s": round(time.time() - about["begun"], 1),
            "bytes": sum(part["bytes"] for part in about["parts"]), "parts": len(about["parts"]),
            "exposed_s": round(about["frozen"] - before, 1) if before else None,
            "gone": drop_old(params["folder"], params["keep"])}


def first_of(restored):
    """{task: proof}: where each task was first restored, of what the instances told."""
    first = {}
    for one in restored:
        for task, proof in one.items():
            if task not in first or proof["marker"] < first[task]["marker"]:
                first[task] = proof
    return first


def compare(then, now):
    """What is not as the drain records say, as sentences."""
    wrong = []
    for task, drained in sorted(then.items()):
        if task not in now:
            wrong.append("nobody restored %s" % task)
        elif any(now[task][name] != drained[name] for name in PROOF):
            wrong.append("%s was drained at %s and restored at %s" % (task, drained, now[task]))
    return wrong


def report(params):
    about = read(params["folder"], params["id"], params["site"])
    wrong = compare(about["tasks"], first_of(params["restored"]))
    if wrong:
        raise BackupError("; ".join(wrong[:5]))
    answer = {"backup": about["id"], "rpo_s": round(params["begun"] - about["frozen"], 1),
              "rto_s": round(time.time() - params["begun"], 1), "tasks_equal": len(about["tasks"]),
              "bytes": sum(part["bytes"] for part in about["parts"])}
    with open(os.path.join(params["journal"], "restore.json"), "w", encoding="utf-8") as file:
        json.dump(answer, file, indent=1, sort_keys=True)
    return answer


def normal(params):
    """Numbers come as text out of templates."""
    site, about = params["site"], params["about"]
    site["partitions"], site["brokers"] = int(site["partitions"]), sorted(map(int, site["brokers"]))
    about.update({name: float(about[name]) for name in MOMENTS if name in about})
    return params


def main():
    module = AnsibleModule(
        argument_spec={"state": {"choices": ["written", "read", "reported"], "required": True},
                       "folder": {"type": "path", "required": True}, "id": {"required": True},
                       "site": {"type": "dict", "required": True}, "about": {"type": "dict", "default": {}},
                       "restored": {"type": "list", "elements": "dict", "default": []},
                       "journal": {"type": "path"}, "begun": {"type": "float", "default": 0}, "keep": {"type": "int", "default": 3}},
        required_if=[("state", "reported", ("journal", "begun"))], supports_check_mode=True)
    params = normal(module.params)
    try:
        if params["state"] == "read":
            module.exit_json(changed=False, backup=read(params["folder"], params["id"], params["site"]))
        if module.check_mode:
            module.exit_json(changed=False)
        answer = write(params) if params["state"] == "written" else report(params)
    except (BackupError, OSError, KeyError, ValueError) as error:
        module.fail_json(msg="%s: %s" % ("BACKUP" if params["state"] == "written" else "RESTORE", error))
    module.exit_json(changed=False, step="%s %s" % ("backup" if params["state"] == "written" else "restore", params["id"]),
                     report=answer)


if __name__ == "__main__":
    main()
