#!/usr/bin/python
"""Begins an operation on the controller: its id and its evidence folder."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kpay_operation
short_description: Begins an operation, or takes up one that was interrupted
description:
  - Each run of a playbook that changes something is an operation. Its folder below C(folder) holds
    the journal (JSON lines; the callback kpay_journal writes them) and what else proves what was done.
  - With C(resume) the operation with that id goes on, with its first beginning, so that what was done
    after that is known to be done and is checked again instead of being trusted.
options:
  folder: {description: Where operations are kept., type: path, required: true}
  verb: {description: What is done., type: str, required: true}
  owner: {description: Who does it., type: str, required: true}
  resume: {description: Id of the operation to take up., type: str, default: ""}
"""

import json
import os
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


def main():
    module = AnsibleModule(
        argument_spec={"folder": {"type": "path", "required": True}, "verb": {"required": True},
                       "owner": {"required": True}, "resume": {"default": ""}},
        supports_check_mode=True)
    params = module.params
    try:
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
