"""What operations ask of the daemons, as pure functions of what `kpayctl status --json` answered."""

from __future__ import annotations


def named(task, instance):
    return "%s/%d on %s" % (task["stage"], task["partition"], instance["instance"])


def unwell(status, expected, lag_max):
    """What is wrong with the instances that there should be, as sentences. A stopped one is nobody's fault."""
    wrong = []
    for instance in status["instances"]:
        if instance["phase"] == "stopped" or instance["instance"] not in expected:
            continue
        if instance.get("stale"):
            wrong.append("%s is silent" % instance["instance"])
            continue
        for task in instance["tasks"]:
            if task["phase"] in ("held", "switched", "failed"):
                wrong.append("%s is %s: %s" % (named(task, instance), task["phase"], task.get("reason")))
            elif task["lag"] > lag_max:
                wrong.append("%s lags %d records" % (named(task, instance), task["lag"]))
    return wrong


def unfollowed(status, stopping, declared, behind_max):
    """Tasks of the instance that is to stop which no other one could go on with at once, though
    standbys are declared for its daemon: nobody follows them, or from too far behind."""
    live = {i["instance"]: i for i in status["instances"] if i["phase"] != "stopped" and not i.get("stale")}
    mine = live.get(stopping)
    if mine is None:
        return []
    # One that is declared and stopped, or silent, follows nobody; it doesn't make the declaration void.
    followers = [i for i in status["instances"]
                 if i["instance"] != stopping and i["instance"] in declared and i["daemon"] == mine["daemon"]]
    if not followers:
        return []
    best = {}
    for follower in (i for i in followers if i["instance"] in live):
        for standby in follower.get("standbys", []):
            if standby["phase"] == "standby":
                key = standby["stage"], standby["partition"]
                best[key] = max(best.get(key, -1), standby["checkpoint"])
    wrong = []
    for task in mine["tasks"]:
        at = best.get((task["stage"], task["partition"]))
        if at is None:
            wrong.append("nobody follows %s" % named(task, mine))
        elif task["checkpoint"] - at > behind_max:
            wrong.append("the standby of %s is %d checkpoints behind" % (named(task, mine), task["checkpoint"] - at))
    return wrong


def idle(status, instances):
    """Those of the instances that have no task."""
    busy = {i["instance"] for i in status["instances"] if i["phase"] != "stopped" and i["tasks"]}
    return ["%s has no task yet" % name for name in instances if name not in busy]


def open_letters(status):
    """Open dead letters of all tasks that run."""
    return sum(task.get("dead_letters_open", 0) for i in status["instances"]
               if i["phase"] != "stopped" and not i.get("stale") for task in i["tasks"])
