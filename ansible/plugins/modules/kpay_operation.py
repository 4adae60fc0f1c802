#!/usr/bin/python
"""Begins and ends an operation on the controller: its id and its evidence folder."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kpay_operation
short_description: Begins an operation, or takes up one that was interrupted
description:
  - Each run of a playbook that changes something is an operation. Its folder below C(folder) holds
    the journal (JSON lines; the callback kpay_journal writes them) and what else proves what was done.
  - With C(resume) the operation with that id goes on, with its first beginning, so that what was done
    after that is known to be done and is checked again instead of being trusted.
  - With C(end), C(evidence.json) in that folder gets what the system was at the end, with every task's
    position, marker and state hash, the auditor's statement, and how long it took. Nothing else is done.
options:
  folder: {description: Where operations are kept., type: path, required: true}
  verb: {description: What is done., type: str, required: true}
  owner: {description: Who does it., type: str, required: true}
  resume: {description: Id of the operation to take up., type: str, default: ""}
  end: {description: Id of the operation that ends., type: str, default: ""}
  kpayctl: {description: The tool that is asked at the end., type: path}
  config: {description: Its configuration., type: path}
"""

import json
import os
import subprocess
import time

from ansible.module_utils.basic import AnsibleModule


def begin(folder, verb, owner):
    now = time.time()
    name = "%s-%s-%d" % (time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now)), verb, os.getpid())
    path = os.path.join(folder, name)
    os.makedirs(path, mode=0o700)
    about = {"id": name, "verb": verb, "owner": owner, "begun": now}
    with open(os.path.join(path, "operation.json"), "w", encoding="utf-8") as file:
        json.dump(about, file)
    return about, path


def take_up(folder, verb, name):
    path = os.path.join(folder, name)
    try:
        with open(os.path.join(path, "operation.json"), encoding="utf-8") as file:
            about = json.load(file)
    except (OSError, ValueError) as error:
        raise ValueError("no operation '%s' in %s: %s" % (name, folder, error)) from error
    if about["verb"] != verb:
        raise ValueError("operation '%s' is a %s, not a %s" % (name, about["verb"], verb))
    return about, path


def ask(params, *words):
    try:
        done = subprocess.run([params["kpayctl"], "--config", params["config"], "--json", *words],
                              capture_output=True, timeout=60, check=False)
        return json.loads(done.stdout or b"{}")
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return {"error": str(error)}


def finish(params):
    about, path = take_up(params["folder"], params["verb"], params["end"])
    status = ask(params, "status")
    tasks = {"%s/%d" % (t["stage"], t["partition"]): {
        "instance": i["instance"], **{name: t[name] for name in ("position", "checkpoint", "state_hash", "epoch")}}
        for i in status.get("instances", []) if i["phase"] != "stopped" for t in i["tasks"]}
    audit = ask(params, "audit", "show")
    evidence = {**about, "ended": time.time(), "took_s": round(time.time() - about["begun"], 1), "tasks": tasks,
                "audit": audit.get("statement", audit)}
    with open(os.path.join(path, "evidence.json"), "w", encoding="utf-8") as file:
        json.dump(evidence, file, indent=1, sort_keys=True)
    return {"took_s": evidence["took_s"], "path": os.path.join(path, "evidence.json")}


def main():
    module = AnsibleModule(
        argument_spec={"folder": {"type": "path", "required": True}, "verb": {"required": True},
                       "owner": {"required": True}, "resume": {"default": ""}, "end": {"default": ""},
                       "kpayctl": {"type": "path"}, "config": {"type": "path"}},
        supports_check_mode=True)
    params = module.params
    try:
        if params["end"]:
            module.exit_json(changed=False, **finish(params))
        if params["resume"]:
            about, path = take_up(params["folder"], params["verb"], params["resume"])
        elif module.check_mode:
            about, path = {"id": "check", "verb": params["verb"], "owner": params["owner"], "begun": time.time()}, ""
        else:
            about, path = begin(params["folder"], params["verb"], params["owner"])
    except (OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, evidence=path, **about)


if __name__ == "__main__":
    main()
