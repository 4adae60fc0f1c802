#!/usr/bin/python
"""Formats, starts or restarts this host's Kafka node, if it needs that."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_node
short_description: Formats, starts or restarts this host's Kafka node, if it needs that
description:
  - "C(plan) tells what is to be done: the running process says what it was started to run
    (-Dkpay.desired), and that is compared with what is installed."
  - "C(started) formats an empty data folder, once, and starts a node that doesn't run. C(restarted)
    restarts one that runs something else than what is installed. C(stopped) stops it, leaders first."
options:
  state: {description: What to do., type: str, choices: [plan, started, restarted, stopped], required: true}
  cluster_id: {description: Id of the cluster; a folder formatted for another is refused., type: str, required: true}
  format_release: {description: "The Kafka release whose features a new cluster begins with; empty means its own.", type: str, default: ""}
  port: {description: Port that must take connections when it has started., type: int, required: true}
  address: {description: Address of that port., type: str, required: true}
  forced: {description: Restart also what runs what is installed., type: bool, default: false}
  restart_before: {description: With C(forced), only what was started before this time., type: float, default: 0}
  operation: {description: Id of the operation., type: str, default: ""}
  token: {description: The operation's fencing token., type: int, default: 0}
  timeout_s: {description: How long a start may take., type: int, default: 120}
"""

import os
import re
import socket
import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.kpay_host import HostError, point, run, started_at, unit_state
from ansible.module_utils.kpay_lease import Lease, LeaseError

UNIT = "kafka.service"
DATA = "/var/lib/kafka"
ROOT = "/opt/kafka"
SETTINGS = "/etc/kafka/server.properties"
ENVIRONMENT = "/etc/kafka/environment"


def environment():
    try:
        with open(ENVIRONMENT, encoding="utf-8") as file:
            return dict(line.strip().split("=", 1) for line in file if "=" in line)
    except FileNotFoundError:
        return {}


def running(pid):
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as file:
            words = file.read().decode(errors="replace").split("\0")
    except OSError:
        return None
    return next((word.split("=", 1)[1] for word in words if word.startswith("-Dkpay.desired=")), None)


def plan(params):
    state = unit_state(UNIT)
    pid, wanted = int(state["MainPID"]), environment().get("KAFKA_DESIRED")
    if state["ActiveState"] != "active":
        return "start", ["is %s" % state["ActiveState"]]
    reasons = [] if running(pid) == wanted else ["runs another release, configuration or certificate"]
    if params["forced"] and (started_at(pid) or 0) < params["restart_before"]:
        reasons.append("a restart is asked for")
    fragment = state["FragmentPath"]
    if fragment and os.stat(fragment).st_mtime > (started_at(pid) or 0):
        reasons.append("was started before its unit changed")
    return ("restart" if reasons else "none"), reasons


def formatted_for():
    try:
        with open(os.path.join(DATA, "meta.properties"), encoding="utf-8") as file:
            return re.search(r"(?m)^cluster\.id=(.*)$", file.read()).group(1)
    except FileNotFoundError:
        return None


def format_if_new(cluster_id, release):
    found = formatted_for()
    if found == cluster_id:
        return False
    if found is not None:
        raise HostError("KAFKA: %s was formatted for cluster %s, the inventory says %s" % (DATA, found, cluster_id))
    if os.path.isdir(DATA) and os.listdir(DATA):
        raise HostError("KAFKA: %s is neither empty nor formatted: look at it, then empty it" % DATA)
    os.makedirs(DATA, mode=0o700, exist_ok=True)
    run(["chown", "kafka:kafka", DATA])
    code, text = run(["runuser", "-u", "kafka", "--", "java", "-Xmx128m", "-cp", environment()["KAFKA_HOME"] + "/libs/*",
                      "kafka.tools.StorageTool", "format", "--cluster-id", cluster_id, "--config", SETTINGS,
                      *(["--release-version", release] if release else [])], timeout=120)
    if code != 0:
        raise HostError("KAFKA: formatting %s failed: %s" % (DATA, text[-500:]))
    return True


def wait_until_it_listens(params):
    deadline = time.time() + params["timeout_s"]
    while True:
        try:
            socket.create_connection((params["address"], params["port"]), timeout=2).close()
            return
        except OSError as error:
            state = unit_state(UNIT)
            if state["ActiveState"] == "failed" or time.time() > deadline:
                raise HostError("KAFKA: no connection to %s:%d (%s), the unit is %s: %s" % (
                    params["address"], params["port"], error, state["ActiveState"],
                    run(["journalctl", "--identifier=kafka", "--lines=4", "--output=cat"])[1])) from error
        time.sleep(0.3)


def act(action, params):
    # The link tells who cleans up old releases which one is in use.
    point(os.path.join(ROOT, "current"), os.path.join("releases", os.path.basename(environment()["KAFKA_HOME"])))
    run(["systemctl", "daemon-reload"])
    run(["systemctl", "enable", UNIT])
    run(["systemctl", "reset-failed", UNIT])
    code, text = run(["systemctl", action, UNIT], timeout=400)
    if code != 0:
        raise HostError("KAFKA: systemctl %s: %s" % (action, text))
    if action != "stop":
        wait_until_it_listens(params)


def main():
    module = AnsibleModule(
        argument_spec={"state": {"choices": ["plan", "started", "restarted", "stopped"], "required": True},
                       "cluster_id": {"required": True}, "format_release": {"default": ""}, "port": {"type": "int", "required": True},
                       "address": {"required": True}, "forced": {"type": "bool", "default": False},
                       "restart_before": {"type": "float", "default": 0},
                       "operation": {"default": ""}, "token": {"type": "int", "default": 0, "no_log": False},
                       "timeout_s": {"type": "int", "default": 120}},
        supports_check_mode=True)
    params = module.params
    action, why = plan(params)
    if params["state"] == "stopped":
        action, why = ("none" if action == "start" else "stop"), []
    answer = {"plan": [{"id": "kafka", "action": action, "why": why}],
              "report": ["kafka: %s%s" % (action, " (%s)" % ", ".join(why) if why else "")]}
    if params["state"] == "plan" or action == "none" or (params["state"] == "started" and action == "restart"):
        module.exit_json(changed=False, **answer)
    if module.check_mode:
        module.exit_json(changed=True, **answer)
    begun = time.time()
    try:
        Lease().check(params["operation"], params["token"])
        if action == "start":
            format_if_new(params["cluster_id"], params["format_release"])
        act(action, params)
    except (HostError, LeaseError, OSError) as error:
        module.fail_json(msg=str(error), step="%s kafka" % action)
    module.exit_json(changed=True, step="%s kafka" % action, seconds=round(time.time() - begun, 1), **answer)


if __name__ == "__main__":
    main()
