#!/usr/bin/python
"""Lets a staged release check a staged configuration on its host, as the daemon's user, without running it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kpay_selfcheck
short_description: Runs `kpay-X selfcheck` with what is staged, under the same user and credentials
description:
  - Configuration, credentials, brokers, and each topic are checked by the new release while the old
    one still runs. The state folder is the only thing that differs (the running daemon has its own
    locked), so the check has an empty one for itself.
options:
  instance: {description: "The instance: id, daemon, address, port, config.", type: dict, required: true}
  release: {description: Name of the release., type: str, required: true}
"""

import itertools
import os
import re
import tempfile
import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.kpay_host import Daemon, run

TRIES, TRY_S = 10, 3
PASSING = ("Not coordinator", "Coordinator load in progress", "Coordinator not available")
CREDENTIALS = ("ca.crt", "tls.crt", "tls.key", "sasl-password")


def with_other_folders(text, folder):
    """(The configuration, with each of its folders within that one, how many): state, snapshots, the query side."""
    numbers = itertools.count(1)
    return re.subn(r"(?m)^([ \t]+directory:).*$", lambda match: "%s %s/%d" % (match.group(1), folder, next(numbers)), text)


def copy_with_other_state(daemon, config, folder):
    with open(os.path.join(daemon.folder, config), encoding="utf-8") as file:
        text = file.read()
    text, count = with_other_folders(text, "/run/kpay-selfcheck/%s" % daemon.id)
    if daemon.has_tasks and count == 0:
        raise ValueError("%s names no state folder" % config)
    path = os.path.join(folder, "config.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, 0o644)
    os.chmod(folder, 0o755)
    return path


def settled(command):
    """(exit code, output), asked again while a group's coordinator moves or loads: brokers say so, and it passes."""
    for attempt in range(TRIES):
        code, text = run(command, timeout=120)
        if code == 0 or not any(word in text for word in PASSING) or attempt == TRIES - 1:
            break
        time.sleep(TRY_S)
    return code, text


def main():
    module = AnsibleModule(argument_spec={"instance": {"type": "dict", "required": True}, "release": {"required": True}},
                           supports_check_mode=True)
    daemon, release = Daemon(module.params["instance"]), module.params["release"]
    config = module.params["instance"]["config"]
    if not os.path.exists(os.path.join(daemon.folder, config)) or not os.path.exists(daemon.binary(release)):
        if module.check_mode:
            module.exit_json(changed=False, report=["not staged yet"])
        module.fail_json(msg="SELFCHECK: %s or %s is not there" % (daemon.binary(release), config))
    with tempfile.TemporaryDirectory(prefix="kpay-selfcheck-") as folder:
        try:
            path = copy_with_other_state(daemon, config, folder)
        except (OSError, ValueError) as error:
            module.fail_json(msg="SELFCHECK: %s: %s" % (daemon.id, error))
        command = ["systemd-run", "--quiet", "--wait", "--pipe", "--collect", "--property=User=kpay",
                   "--property=RuntimeDirectory=kpay-selfcheck/%s" % daemon.id, "--property=UMask=0077"]
        command += ["--property=LoadCredential=%s:%s/%s" % (name, daemon.credentials, name) for name in CREDENTIALS]
        code, text = settled([*command, daemon.binary(release), "selfcheck", "--config", path])
    if code != 0:
        module.fail_json(msg="SELFCHECK: release %s, %s, %s: exit %d: %s" % (
            release, daemon.id, config, code, "; ".join(line for line in text.splitlines() if not line.endswith(" ok"))))
    module.exit_json(changed=False, report=text.splitlines())


if __name__ == "__main__":
    main()
