#!/usr/bin/python
"""Tells which instances a host has that the inventory doesn't."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kpay_surplus
short_description: Tells which instances a host has that the inventory doesn't
options:
  instances: {description: Ids that the inventory has for this host., type: list, elements: str, required: true}
"""

import glob
import os
import re

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.kpay_host import SETTINGS

UNIT = re.compile(r"kpay-([a-z]+)@([a-z0-9-]+)\.service\.d")
LISTEN = re.compile(r"(?m)^\s+listen: '?([0-9.]+):(\d+)'?$")


def surplus(known):
    for folder in sorted(glob.glob("/etc/systemd/system/kpay-*@*.service.d")):
        match = UNIT.fullmatch(os.path.basename(folder))
        if not match or match.group(2) in known:
            continue
        daemon, name = match.groups()
        with open(os.path.join(SETTINGS, name, "config.yaml"), encoding="utf-8") as file:
            listens = LISTEN.search(file.read())
        yield {"id": name, "daemon": daemon, "address": listens.group(1), "port": int(listens.group(2)),
               "tls": daemon != "gateway", "action": "retire", "why": ["is not in the inventory"],
               "release": "", "config": ""}


def main():
    module = AnsibleModule(argument_spec={"instances": {"type": "list", "elements": "str", "required": True}},
                           supports_check_mode=True)
    try:
        plan = [*surplus(module.params["instances"])]
    except (OSError, AttributeError) as error:
        module.fail_json(msg="PLAN: an instance that is not in the inventory can't be understood: %s" % error)
    module.exit_json(changed=False, plan=plan, report=["%s: retire" % one["id"] for one in plan])


if __name__ == "__main__":
    main()
