#!/usr/bin/python
"""Stops, starts or replaces one daemon, and proves what became of its tasks."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kpay_instance
short_description: Drains and stops a daemon, points it to a release and a configuration, starts it
description:
  - "C(restart): drain, stop, point, start, wait until it is ready. C(stop): drain and stop. C(start):
    point and start. C(back): if it points to the release and configuration given here, it gets those
    that it had before; else it keeps what it has; then it is started. C(rebuild): a restart whose state
    folder is put aside, so that the state comes from the log alone, and is compared with what it was.
    C(retire): a stop for good; settings go, the state folder is put aside."
  - A stop counts only if the daemon ended with 0 and told, for each task it had, that the task was
    released at a clean marker (the drain record). A start counts only if it is ready within the time
    and each task that came straight back was restored exactly where its drain record ended.
  - Nothing is done without the operation's lease on this host.
options:
  instance: {description: "The instance: id, daemon, address, port.", type: dict, required: true}
  action: {description: What to do., type: str, choices: [restart, stop, start, back, rebuild, retire], required: true}
  release: {description: Release to point to., type: str, default: ""}
  config: {description: Name of the staged configuration to point to., type: str, default: ""}
  operation: {description: Id of the operation., type: str, required: true}
  token: {description: The operation's fencing token., type: int, required: true}
  ready_s: {description: How long it may take to be ready., type: int, default: 120}
  hand_over: {description: Before the stop, let other instances take the tasks (admin socket)., type: bool, default: false}
  drain_s: {description: The deadline of that., type: int, default: 25}
  allow_unclean: {description: Go on after a stop without drain records and call it unclean., type: bool, default: false}
"""

import os
import shutil
import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.kpay_host import Daemon, HostError, link_target, point, run
from ansible.module_utils.kpay_lease import Lease, LeaseError

POLL_S = 0.1
STATE = "/var/lib/kpay"


def key_of(task):
    return "%s/%d" % (task["stage"], task["partition"])


def proof_of(record):
    return {"position": record["position"], "marker": record.get("marker", record.get("checkpoint")),
            "hash": record.get("hash", record.get("state_hash"))}


def hand_over(daemon, deadline_s, allow_unclean):
    """Lets the other members of its groups take its tasks, and the daemon run on without any. A
    daemon that can't do so cleanly gets its tasks back: nothing has happened."""
    code, answer = daemon.command("/drain?deadline_ms=%d" % (deadline_s * 1000), timeout=deadline_s + 30)
    unclean = ["%s: %s" % (key_of(r), r.get("reason")) for r in answer.get("records", []) if not r["clean"]]
    if code == 200 and answer["clean"] or allow_unclean:
        return answer
    daemon.command("/resume")
    raise HostError("DRAIN: %s did not drain cleanly: %s. It was told to resume, nothing was stopped. "
                    "`-e kpay_allow_unclean=true` goes on and says so" % (
                        daemon.id, "; ".join(unclean) or answer.get("detail", "status %d" % code)))


def drain_and_stop(daemon, params):
    """{tasks: {task: drain record}, clean, why, seconds}."""
    begun = time.time()
    try:
        had = [key_of(task) for task in daemon.status()["tasks"]]
        if params["hand_over"] and daemon.has_tasks:
            hand_over(daemon, params["drain_s"], params["allow_unclean"])
    except HostError as error:
        if params["hand_over"] and not params["allow_unclean"]:
            raise error if str(error).startswith("DRAIN") else HostError(
                "DRAIN: %s did not drain cleanly: %s. Nothing was stopped" % (daemon.id, error)) from error
        had = None  # it doesn't answer: its own log has to tell
    code, text = run(["systemctl", "stop", daemon.unit], timeout=600)
    seconds = time.time() - begun
    state = daemon.state()
    told = daemon.events(begun, ("TaskRevoked",))
    records = {key_of(e): proof_of(e) for e in told if e.get("clean")}
    why = ""
    if code != 0 or state["ExecMainStatus"] != "0" or state["ActiveState"] != "inactive":
        why = "it ended with %s (%s)" % (state["ExecMainStatus"], state["Result"])
    elif had is None:
        why = "it did not answer before the stop, so nobody knows which tasks it had"
    elif set(had) - set(records):
        why = "no drain record of %s" % ", ".join(sorted(set(had) - set(records)))
    if why and not params["allow_unclean"]:
        raise HostError("DRAIN: %s did not drain cleanly: %s. It is stopped; its tasks are replayed when it starts. "
                        "`-e kpay_allow_unclean=true` goes on and says so" % (daemon.id, why))
    return {"tasks": records, "clean": not why, "why": why, "seconds": round(seconds, 3)}


def point_to(daemon, release, config):
    """Points both links, and remembers what they were."""
    for link, target in ((daemon.release_link, os.path.join("..", "releases", release) if release else None),
                         (daemon.config_link, config or None)):
        now = link_target(link)
        if target is None or now == target:
            continue
        if now is not None:
            point(link + ".previous", now)
        point(link, target)


def previous_of(daemon):
    release, config = (link_target(link + ".previous") for link in (daemon.release_link, daemon.config_link))
    if release is None and config is None:
        raise HostError("BACK: %s has no previous release or configuration" % daemon.id)
    return (os.path.basename(release) if release else ""), config or ""


def points_to(daemon, release, config):
    here = link_target(daemon.release_link)
    return os.path.basename(here or "") == release and link_target(daemon.config_link) == config


def put_aside(daemon, kind):
    """The state folder, out of the daemon's way; one that was put aside before goes. None if it has none."""
    state, aside = os.path.join(STATE, daemon.id), os.path.join(STATE, "." + kind, daemon.id)
    if not os.path.isdir(state):
        return None
    os.makedirs(os.path.dirname(aside), mode=0o700, exist_ok=True)
    shutil.rmtree(aside, ignore_errors=True)
    os.replace(state, aside)
    return aside


def forget(daemon):
    """What makes it an instance of this host: its unit's settings, its configuration, its links."""
    run(["systemctl", "disable", daemon.unit])
    for path in (daemon.folder, "/etc/systemd/system/%s.d" % daemon.unit):
        shutil.rmtree(path, ignore_errors=True)
    for link in (daemon.release_link, daemon.release_link + ".previous"):
        point(link, None)
    run(["systemctl", "daemon-reload"])


def failure(daemon, what):
    state = daemon.state()
    return HostError("START: %s %s (%s, exit %s, %s). Its last words: %s" % (
        daemon.id, what, state["ActiveState"], state["ExecMainStatus"], state["StatusText"] or "no status",
        " | ".join(daemon.last_lines(3).splitlines())))


def start(daemon, release, ready_s):
    begun = time.time()
    run(["systemctl", "daemon-reload"])
    run(["systemctl", "enable", "kpay.target", daemon.unit])
    run(["systemctl", "reset-failed", daemon.unit])
    code, text = run(["systemctl", "start", "--no-block", daemon.unit])
    if code != 0:
        raise HostError("START: systemctl start %s: %s" % (daemon.unit, text))
    restarts = int(daemon.state()["NRestarts"])
    while True:
        state = daemon.state()
        if state["ActiveState"] == "failed" or int(state["NRestarts"]) > restarts:
            raise failure(daemon, "ended instead of getting ready")
        if state["ActiveState"] == "active" and daemon.ask("/readyz")[0] == 200:
            break
        if time.time() - begun > ready_s:
            raise failure(daemon, "is not ready after %d s" % ready_s)
        time.sleep(POLL_S)
    if release and daemon.running_release() != release:
        raise failure(daemon, "runs release %s instead of %s" % (daemon.running_release(), release))
    restored = {}
    for event in daemon.events(begun, ("TaskRestored",)):
        restored.setdefault(key_of(event), proof_of(event))
    return {"tasks": restored, "seconds": round(time.time() - begun, 3)}


def compare(daemon, drain, restored):
    """The tasks that another instance had meanwhile. One that came straight back must begin exactly
    where its drain record ended, with the same state; none may begin before. (Builds before the
    admin socket told only the position.)"""
    wrong, elsewhere = [], []
    for task, now in sorted(restored["tasks"].items()):
        then = drain["tasks"].get(task)
        if then is None or then["marker"] is None:
            continue
        if now["marker"] > then["marker"]:
            elsewhere.append(task)
        elif now != then:
            wrong.append("%s was drained at %s and restored at %s" % (task, then, now))
    if wrong:
        raise HostError("RESTORE: %s: %s" % (daemon.id, "; ".join(wrong)))
    return elsewhere


def act(daemon, params):
    release, config, action = params["release"], params["config"], params["action"]
    if action == "back":
        release, config = previous_of(daemon) if points_to(daemon, release, config) else ("", "")
    answer, drain = {}, None
    if action != "start" and daemon.active():
        drain = answer["drain"] = drain_and_stop(daemon, params)
    if action == "retire":
        answer["aside"] = put_aside(daemon, "retired")
        forget(daemon)
    if action in ("stop", "retire"):
        return answer
    if action == "rebuild":
        answer["aside"] = put_aside(daemon, "wiped")
    point_to(daemon, release, config)
    restored = answer["restored"] = start(daemon, release, params["ready_s"])
    if drain and drain["clean"]:
        restored["elsewhere_meanwhile"] = compare(daemon, drain, restored)
    answer["seconds"] = round((drain or {}).get("seconds", 0) + restored["seconds"], 3)
    return answer


def situation(daemon):
    return {"active": daemon.state()["ActiveState"], "release": daemon.running_release(),
            "config": link_target(daemon.config_link)}


def main():
    module = AnsibleModule(
        argument_spec={"instance": {"type": "dict", "required": True},
                       "action": {"choices": ["restart", "stop", "start", "back", "rebuild", "retire"], "required": True},
                       "release": {"default": ""}, "config": {"default": ""},
                       "operation": {"required": True}, "token": {"type": "int", "required": True, "no_log": False},
                       "hand_over": {"type": "bool", "default": False}, "drain_s": {"type": "int", "default": 25},
                       "ready_s": {"type": "int", "default": 120}, "allow_unclean": {"type": "bool", "default": False}},
        supports_check_mode=True)
    params = module.params
    daemon = Daemon(params["instance"])
    step = "%s %s" % (params["action"], daemon.id)
    before = situation(daemon)
    if params["action"] == "stop" and before["active"] == "inactive":
        module.exit_json(changed=False, step=step, before=before, after=before)
    params["hand_over"] |= params["action"] == "retire"
    if module.check_mode:
        module.exit_json(changed=True, step=step, before=before)
    try:
        Lease().check(params["operation"], params["token"])
        answer = act(daemon, params)
    except (HostError, LeaseError, OSError) as error:
        module.fail_json(msg=str(error), step=step, before=before, after=situation(daemon))
    module.exit_json(changed=True, step=step, before=before, after=situation(daemon), **answer)


if __name__ == "__main__":
    main()
