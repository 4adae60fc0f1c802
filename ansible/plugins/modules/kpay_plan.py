#!/usr/bin/python
"""Tells what of a host's daemons differs from what is wanted, by asking the daemons."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kpay_plan
short_description: For each instance of a host, what would be done to it and why
description:
  - It compares what runs (release of the running binary, configuration hash that the daemon tells,
    credentials that it was started with, time of its start) with what is staged. Nothing is
    remembered between runs, so a run that failed half-way can't hide a needed restart.
options:
  instances:
    description: The instances, each with id, daemon, address, port and config (name of the staged file).
    type: list
    elements: dict
    required: true
  release: {description: Name of the wanted release; empty means the one that each instance has., type: str, default: ""}
  back: {description: Plan the way to what each instance had before; fail if one has none that still works., type: bool, default: false}
  prove_back: {description: Fail if what an instance has now could not be gone back to., type: bool, default: false}
  only: {description: "Plan for these only: instances, daemons.", type: list, elements: str, default: []}
  restart_before: {description: Also restart what was started before this time (seconds of the epoch)., type: float, default: 0}
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.kpay_host import RELEASES, Daemon, HostError, link_target, read_bytes, started_at
from ansible.module_utils.kpay_releases import problem_of

CREDENTIALS = ("ca.crt", "tls.crt", "tls.key", "sasl-password")


def changed_credentials(daemon, pid):
    used = "/proc/%d/root/run/credentials/%s" % (pid, daemon.unit)
    return [name for name in CREDENTIALS
            if read_bytes(os.path.join(used, name)) not in (None, read_bytes(os.path.join(daemon.credentials, name)))]


def newer_unit_files(state, since):
    paths = [state["FragmentPath"], *state["DropInPaths"].split()]
    return [path for path in paths if path and os.path.exists(path) and os.stat(path).st_mtime > since]


def runs_configuration(daemon, status, release, config, begun):
    """One with tasks tells its hash. Of the others the file is known: what the link named at the start."""
    if daemon.has_tasks:
        return status["config_hash"] == daemon.config_hash(release, os.path.join(daemon.folder, config))
    return link_target(daemon.config_link) == config and daemon.config_since() <= begun + 1


def reasons_to_restart(daemon, state, release, config, restart_before):
    reasons, pid = [], int(state["MainPID"])
    begun = started_at(pid) or 0
    running = daemon.running_release()
    if running != release:
        reasons.append("runs release %s" % running)
    status = daemon.status()
    if not runs_configuration(daemon, status, release, config, begun):
        reasons.append("runs another configuration")
    reasons += ["was started with another %s" % name for name in changed_credentials(daemon, pid)]
    reasons += ["was started before %s changed" % os.path.basename(path) for path in newer_unit_files(state, begun)]
    if begun < restart_before:
        reasons.append("a restart is asked for")
    return reasons, status


def plan_of(about, wanted, restart_before):
    daemon = Daemon(about)
    here = link_target(daemon.release_link)
    release = wanted or (os.path.basename(here) if here else "")
    config = about.get("config") or link_target(daemon.config_link)
    plan = {"id": daemon.id, "unit": daemon.unit, "release": release, "config": config, "running": False,
            "action": "none", "why": [], "partitions": 0,
            "changes": os.path.basename(here or "") != release or link_target(daemon.config_link) != config}
    if not release or not config:
        return {**plan, "why": ["nothing is installed"]}
    if not os.path.exists(daemon.binary(release)) or not os.path.exists(os.path.join(daemon.folder, config)):
        return {**plan, "action": "start", "why": ["release or configuration is not there yet"]}
    state = daemon.state()
    if state["ActiveState"] != "active":
        return {**plan, "action": "start", "why": ["is %s (%s)" % (state["ActiveState"], state["Result"])]}
    try:
        reasons, status = reasons_to_restart(daemon, state, release, config, restart_before)
    except HostError as error:
        return {**plan, "running": True, "action": "restart", "why": [str(error)]}
    return {**plan, "running": True, "action": "restart" if reasons else "none", "why": reasons,
            "partitions": len(status["tasks"])}


def prove_back(plan, about):
    """HostError if an instance that would change could not be taken back to what it has now."""
    daemon = Daemon(about)
    release = os.path.basename(link_target(daemon.release_link) or "")
    config = link_target(daemon.config_link)
    if plan["action"] != "restart" or not plan["changes"]:
        return
    problem = problem_of(os.path.join(RELEASES, release)) if release else "nothing is installed"
    if problem:
        raise HostError("%s could not be taken back to release %s: %s" % (daemon.id, release, problem))
    daemon.config_hash(release, os.path.join(daemon.folder, config))


def back_of(about):
    """The plan to go back; HostError if what was before is not there, not whole, or refused."""
    daemon = Daemon(about)
    now = [link_target(link) for link in (daemon.release_link, daemon.config_link)]
    before = [link_target(link + ".previous") for link in (daemon.release_link, daemon.config_link)]
    if before == [None, None]:
        return {"id": daemon.id, "unit": daemon.unit, "running": daemon.active(), "action": "none",
                "why": ["was never replaced"], "release": "", "config": "", "changes": False}
    release = os.path.basename(before[0] or now[0])
    config = before[1] or now[1]
    problem = problem_of(os.path.join(RELEASES, release))
    if problem:
        raise HostError("%s can't go back to release %s: %s" % (daemon.id, release, problem))
    daemon.config_hash(release, os.path.join(daemon.folder, config))
    return {"id": daemon.id, "unit": daemon.unit, "running": daemon.active(), "action": "restart",
            "why": ["back to release %s with %s" % (release, config)], "release": release, "config": config,
            "changes": False}


def main():
    module = AnsibleModule(
        argument_spec={"instances": {"type": "list", "elements": "dict", "required": True},
                       "release": {"default": ""}, "restart_before": {"type": "float", "default": 0},
                       "only": {"type": "list", "elements": "str", "default": []},
                       "prove_back": {"type": "bool", "default": False}, "back": {"type": "bool", "default": False}},
        supports_check_mode=True)
    try:
        plan = [back_of(about) if module.params["back"] else
                plan_of(about, module.params["release"], module.params["restart_before"])
                for about in module.params["instances"]
                if not module.params["only"] or {about["id"], about["daemon"]} & set(module.params["only"])]
        if module.params["prove_back"]:
            abouts = {about["id"]: about for about in module.params["instances"]}
            for one in plan:
                prove_back(one, abouts[one["id"]])
    except (HostError, OSError) as error:
        module.fail_json(msg="PLAN: %s" % error)
    lines = ["%s: %s%s" % (one["id"], one["action"], " (%s)" % ", ".join(one["why"]) if one["why"] else "")
             for one in plan]
    module.exit_json(changed=False, plan=plan, report=lines)


if __name__ == "__main__":
    main()
