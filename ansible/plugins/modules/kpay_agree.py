#!/usr/bin/python
"""Makes one plan of the hosts' plans, with a hash to insist on and the pauses to expect."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kpay_agree
short_description: Makes one plan of all hosts' plans
description:
  - What would be done to which instance and why, the pause that each restart took in former operations
    (the median of the last ten, from their journals), and a hash of what would be done.
  - With C(wanted), a plan with another hash ends the run, so that what was looked at is what is done.
options:
  plans: {description: Plan by host., type: dict, required: true}
  operations: {description: Folder of former operations., type: path, required: true}
  wanted: {description: The hash that the plan must have., type: str, default: ""}
"""

import hashlib
import json
import os
import statistics

from ansible.module_utils.basic import AnsibleModule

REMEMBERED = 10
DIGITS = 12  # of the hash
DECIDING = ("id", "action", "release", "config")


def former_pauses(folder):
    """{instance: seconds of its last restarts}, newest last."""
    pauses = {}
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        try:
            with open(os.path.join(folder, name, "journal.jsonl"), encoding="utf-8") as file:
                lines = [line for line in file if '"step": "restart ' in line]
        except OSError:
            continue
        for line in lines:
            entry = json.loads(line)
            if entry.get("outcome") == "ok" and "seconds" in entry:
                pauses.setdefault(entry["step"].split()[1], []).append(entry["seconds"])
    return {one: seconds[-REMEMBERED:] for one, seconds in pauses.items()}


def hash_of(plans):
    what = {host: [[one.get(name) for name in DECIDING] for one in plan if one["action"] != "none"]
            for host, plan in plans.items()}
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:DIGITS]


def lines_of(plans, pauses):
    for host, plan in sorted(plans.items()):
        for one in plan:
            if one["action"] == "none":
                continue
            known = pauses.get(one["id"])
            pause = ", a pause of about %.1f s" % statistics.median(known) if known else ", its pause was never measured"
            yield "%s %s: %s (%s)%s" % (host, one["id"], one["action"], ", ".join(one["why"]),
                                        pause if one["action"] == "restart" else "")


def main():
    module = AnsibleModule(argument_spec={"plans": {"type": "dict", "required": True},
                                          "operations": {"type": "path", "required": True}, "wanted": {"default": ""}},
                           supports_check_mode=True)
    plans, wanted = module.params["plans"], module.params["wanted"]
    found = hash_of(plans)
    report = [*lines_of(plans, former_pauses(module.params["operations"]))] or ["nothing is to be done"]
    if wanted and wanted != found:
        module.fail_json(msg="PLAN: the plan is %s now, not %s: something has changed since it was looked at. %s" % (
            found, wanted, "; ".join(report[:5])), report=report, hash=found)
    module.exit_json(changed=False, hash=found, report=[*report, "plan %s" % found])


if __name__ == "__main__":
    main()
