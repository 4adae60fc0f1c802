#!/usr/bin/python
"""Decides, on the controller, whether the system is well enough to go on."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kpay_gate
short_description: Reads the whole system's state several times in a row, by kpayctl
description:
  - "A reading is good when: every partition of every stage is run by an instance that is not stale; no
    task is held; no task lags by more than C(lag_max) records; and, with C(books), a recomputation
    from the topics finds no difference."
  - C(readings) good ones in a row open the gate; a bad one starts the count anew, until C(timeout_s).
options:
  name: {description: Which gate; for messages and the journal., type: str, required: true}
  kpayctl: {description: The tool., type: path, required: true}
  config: {description: Its configuration., type: path, required: true}
  readings: {description: How many good readings in a row., type: int, default: 3}
  interval_s: {description: Time between two readings., type: float, default: 1}
  timeout_s: {description: When to give up., type: int, default: 60}
  lag_max: {description: The largest lag of a task in records., type: int, default: 2000}
  instances: {description: Ids of the instances that there should be., type: list, elements: str, required: true}
  without: {description: An instance whose own tasks may be missing, since it is stopped., type: str, default: ""}
  books: {description: Recompute the books once, after the readings., type: bool, default: true}
  books_timeout_s: {description: How long that may take., type: int, default: 300}
"""

import json
import subprocess
import time

from ansible.module_utils.basic import AnsibleModule


class GateError(Exception):
    """kpayctl couldn't be asked; the text says why."""


def ask(params, *words, timeout=30):
    """(exit code, document, what it told people)."""
    command = [params["kpayctl"], "--config", params["config"], "--json", *words]
    try:
        done = subprocess.run(command, capture_output=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired as error:
        raise GateError("`kpayctl %s` took more than %d s" % (" ".join(words), timeout)) from error
    try:
        return done.returncode, json.loads(done.stdout or b"{}"), done.stderr.decode(errors="replace").strip()
    except ValueError as error:
        raise GateError("`kpayctl %s` exit %d: %s" % (
            " ".join(words), done.returncode, done.stderr.decode(errors="replace").strip())) from error


def reading(params):
    """What is wrong now, as a list of sentences."""
    code, status, note = ask(params, "status", "--check")
    if "error" in status and "instances" not in status:
        return ["status: %s" % status["error"].get("message")]
    wrong = []
    for instance in status["instances"]:
        name = instance["instance"]
        if instance["phase"] == "stopped" or name not in params["instances"]:
            continue
        if instance.get("stale"):
            wrong.append("%s is silent" % name)
            continue
        for task in instance["tasks"]:
            which = "%s/%d on %s" % (task["stage"], task["partition"], name)
            if task["phase"] in ("held", "failed"):
                wrong.append("%s is %s: %s" % (which, task["phase"], task.get("reason")))
            elif task["lag"] > params["lag_max"]:
                wrong.append("%s lags %d records" % (which, task["lag"]))
    if code != 0 and not wrong and not params["without"]:
        wrong.append((note or "status --check: exit %d" % code).replace("\n", "; "))
    return wrong


def books(params):
    code, answer, note = ask(params, "books", "verify", timeout=params["books_timeout_s"])
    if code == 0:
        return []
    text = answer.get("error", {}).get("message") or "; ".join(map(str, answer.get("differences", [])[:3])) or note
    return ["books verify: exit %d: %s" % (code, text)]


def pass_gate(params):
    begun, good, readings = time.time(), 0, []
    while good < params["readings"]:
        wrong = reading(params)
        readings.append({"at_s": round(time.time() - begun, 1), "wrong": wrong})
        good = 0 if wrong else good + 1
        if time.time() - begun > params["timeout_s"] and good < params["readings"]:
            return readings, wrong or ["never good %d times in a row" % params["readings"]]
        if good < params["readings"]:
            time.sleep(params["interval_s"])
    wrong = books(params) if params["books"] else []
    readings.append({"at_s": round(time.time() - begun, 1), "books": "equal" if not wrong else wrong})
    return readings, wrong


def main():
    module = AnsibleModule(
        argument_spec={"name": {"required": True}, "kpayctl": {"type": "path", "required": True},
                       "config": {"type": "path", "required": True}, "readings": {"type": "int", "default": 3},
                       "interval_s": {"type": "float", "default": 1}, "timeout_s": {"type": "int", "default": 60},
                       "lag_max": {"type": "int", "default": 2000}, "without": {"default": ""},
                       "instances": {"type": "list", "elements": "str", "required": True},
                       "books": {"type": "bool", "default": True}, "books_timeout_s": {"type": "int", "default": 300}},
        supports_check_mode=True)
    params = module.params
    begun = time.time()
    try:
        readings, wrong = pass_gate(params)
    except (GateError, OSError) as error:
        module.fail_json(msg="GATE %s: %s" % (params["name"], error), gate=params["name"])
    answer = {"gate": params["name"], "readings": readings, "seconds": round(time.time() - begun, 1)}
    if wrong:
        module.fail_json(msg="GATE %s is shut: %s" % (params["name"], "; ".join(wrong[:5])), **answer)
    module.exit_json(changed=False, **answer)


if __name__ == "__main__":
    main()
