#!/usr/bin/python
"""Collects what support needs to see of a host, without secrets."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kpay_bundle
short_description: Collects units, logs, settings and figures of a host, without secrets
description:
  - Every secret that the host's credentials have is cut out of every file, as are private keys and what
    stands after a word such as password. Payments and accounts stand in no log.
options:
  lines: {description: Lines of each unit's log., type: int, default: 2000}
"""

import glob
import os

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.kpay_host import run
from ansible.module_utils.kpay_redact import redact

COMMANDS = {
    "units.txt": ["systemctl", "list-units", "--all", "--no-pager", "kpay*", "kafka*"],
    "disk.txt": ["df", "-m"],
    "memory.txt": ["cat", "/proc/meminfo"],
    "load.txt": ["cat", "/proc/loadavg"],
    "processes.txt": ["ps", "-eo", "user,pid,ppid,etimes,rss,nlwp,args"],
    "network.txt": ["ip", "addr"],
}
SETTINGS = ("/etc/kpay/*/*.yaml", "/etc/kafka/server.properties", "/etc/kafka/environment",
            "/etc/systemd/system/kpay-*.d/*.conf", "/opt/kpay/releases/*.json", "/var/lib/kpay-ops/lease.json")
SECRETS = ("/etc/kpay/*/credentials/sasl-password", "/etc/kpay/*/credentials/users*")


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError as error:
        return "not to be read: %s" % error


def names_of_units():
    text = run(["systemctl", "list-units", "--all", "--plain", "--no-legend", "kpay-*@*.service", "kafka.service"])[1]
    return [line.split()[0] for line in text.splitlines() if line.split()]


def main():
    module = AnsibleModule(argument_spec={"lines": {"type": "int", "default": 2000}}, supports_check_mode=True)
    secrets = [line.strip() for pattern in SECRETS for path in glob.glob(pattern) for line in read(path).splitlines()]
    files = {name: run(command)[1] for name, command in COMMANDS.items()}
    for pattern in SETTINGS:
        for path in sorted(glob.glob(pattern)):
            files["files" + path] = read(path) if not os.path.islink(path) else "-> " + os.readlink(path)
    for unit in names_of_units():
        files["units/%s.txt" % unit] = run(["systemctl", "show", unit])[1]
        files["logs/%s.txt" % unit] = run(["journalctl", "--unit", unit, "--no-pager", "--output=cat",
                                           "--lines=%d" % module.params["lines"]])[1]
    module.exit_json(changed=False, files={name: redact(text, secrets) for name, text in files.items()})


if __name__ == "__main__":
    main()
