"""Daemons that die or freeze at named steps (src/base/failpoint.h), each again and again, under load."""

import collections
import pathlib
import random
import re
import signal
import time

from suite import ROOT, Daemon

BIN = ROOT / "build" / "faults" / "bin"

# Step -> how late it may strike (its passage is drawn from 1 to that), and how it is come by.
OUTPUTS = {"before_output": 200, "after_output": 200, "output_acknowledged": 200}
CHECKPOINT = {"before_freeze": 8, "after_freeze": 8, "before_rows": 8, "within_rows": 12, "before_marker": 8,
              "after_marker": 8, "changelog_acknowledged": 12, "marker_read_back": 8, "before_commit": 8,
              "after_commit": 8}
BASE = {"after_renewal": 2, "renewal_read_back": 2, "base_begun": 2, "within_base": 3, "after_base_marker": 2,
        "base_read_back": 2, "before_trim": 2, "after_trim": 2}
START = {"after_takeover_marker": 2, "takeover_acknowledged": 2, "while_restoring": 40, "restored": 2, "resumed": 2}
# These need an end in good order: the daemon is asked to stop once it runs.
SWITCH = {"at_switch": 1}  # met once, at a switch record: test_switch.py
RELEASE = {"after_clean_marker": 2, "revoke_begun": 1, "revoke_finished": 1}
# Died at, but not frozen: whoever is asked to end goes by itself when it wakes, so no pair is left to fence.
NEVER_FROZEN = RELEASE
POINTS = {**OUTPUTS, **CHECKPOINT, **BASE, **START, **RELEASE}
# So that what was handed over has left the process when it dies; else it dies with it.
HOLD_MS = 40

PATIENCE_S = 15  # for a step to be come by
BOTH_S = 30  # that a woken process and its successor may both live, at most


def points_in_source():
    """Every failpoint of src/."""
    found = set()
    for path in (ROOT / "src").rglob("*.cc"):
        found.update(re.findall(r"KPAY_FAILPOINT\((\w+)", path.read_text(encoding="utf-8")))
    return found


class Order:
    """One step to strike at, in one instance."""

    def __init__(self, point, action, random_source):
        self.point, self.action, self.tries = point, action, 0
        self.passage = random_source.randint(1, POINTS[point])
        self.hold_ms = random_source.choice((0, HOLD_MS))

    def spec(self):
        return f"{self.point}:{self.passage}:{self.action}:{self.hold_ms}"


class Victim:
    """An instance with a list of orders. It has two state folders: who replaces a frozen process
    can't share the first's. advance() is one look at it, and never waits."""

    def __init__(self, rig, kind, instance, seed):
        self.rig, self.kind, self.instance = rig, kind, instance
        self.random = random.Random(f"{seed} {instance}")
        self.orders = collections.deque()
        self.order, self.side, self.zombie, self.told = None, 0, None, 0
        self.frozen_at, self.both_live = None, []
        self.began = self.woken = 0.0
        self.hits, self.misses, self.codes = collections.Counter(), [], collections.Counter()
        self.daemon = Daemon(rig, kind, instance, binary=BIN / f"kpay-{kind}")
        self.configs = [self.daemon.folder / "config.yaml", self.daemon.folder / "other.yaml"]
        for side, config in enumerate(self.configs):
            self.daemon.config = config
            self.daemon.write_config(state_directory=self.daemon.folder / ("state", "state-other")[side],
                                     checkpoint="{interval: 200ms, base_every: 3}")
        self.daemon.config = self.configs[0]
        rig.daemons[instance] = self.daemon

    def add(self, point, action):
        self.orders.append(Order(point, action, self.random))

    def idle(self):
        return self.order is None and not self.orders and self.zombie is None

    def start(self, order=None):
        self.order = order
        self.daemon.env = {"KPAY_FAILPOINT": order.spec()} if order else {}
        self.began, self.asked, self.told = time.monotonic(), False, self.log_size()
        self.daemon.start()

    def log_size(self):
        return self.daemon.log.stat().st_size if self.daemon.log.exists() else 0

    def said(self):
        """Whether this life's log has the failpoint's last words."""
        with open(self.daemon.log, "rb") as log:
            log.seek(self.told)
            return f"failpoint {self.order.spec()}\n".encode() in log.read()

    def ready(self):
        """It runs tasks, and not only those of a moment ago."""
        status = self.daemon.status()
        return (status is not None and self.daemon.get("/readyz")[0] == 200 and status["tasks"] and
                all(task["phase"] == "running" for task in status["tasks"]))

    def frozen(self):
        try:
            stat = pathlib.Path(f"/proc/{self.daemon.process.pid}/stat").read_text()
        except OSError:
            return False
        return stat.rpartition(")")[2].split()[0] == "T"

    def age(self):
        return time.monotonic() - self.began

    def advance(self):
        if self.zombie is not None:
            self.advance_zombie()
        elif self.order is None:
            if self.orders:
                self.daemon.kill()
                self.start(self.orders.popleft())
            elif not self.daemon.running():
                self.start()
        elif not self.daemon.running():
            self.on_death()
        elif self.order.action == "stop" and self.frozen():
            self.hits[self.order.point, "stop"] += 1
            self.zombie, self.woken, self.frozen_at = self.daemon.process, 0.0, self.order.point
            self.side = 1 - self.side
            self.daemon.config = self.configs[self.side]
            self.start()
        elif self.order.point in RELEASE and not self.asked and self.age() > 1 and self.ready():
            self.asked = True
            self.daemon.process.send_signal(signal.SIGTERM)
        elif self.age() > PATIENCE_S:
            self.daemon.kill()
            self.on_miss("not come by")

    def on_death(self):
        code = self.daemon.process.returncode
        self.codes[code] += 1
        if code == -signal.SIGKILL and self.said():
            self.hits[self.order.point, "kill"] += 1
            self.order = None
        else:
            self.on_miss(f"ended with {code}")

    def on_miss(self, why):
        self.misses.append(f"{self.order.spec()}: {why}")
        self.order.tries += 1
        self.order.passage = 1
        if self.order.tries < 3:
            self.orders.appendleft(self.order)
        self.order = None

    def advance_zombie(self):
        """Awake once its successor has all it had; then one of the two goes, fenced by the group."""
        ended = self.zombie.poll() is not None
        if not self.woken:
            if not self.daemon.running():  # the other one is asked again
                self.codes[self.daemon.process.returncode] += 1
                self.start()
            elif self.age() > 0.5 and self.ready():
                self.zombie.send_signal(signal.SIGCONT)
                self.woken = time.monotonic()
                self.hits[self.frozen_at, "woken"] += 1
        elif ended or not self.daemon.running():
            gone = self.zombie if ended else self.daemon.process
            self.codes[gone.returncode] += 1
            if not ended:  # it is the successor that went
                self.daemon.process = self.zombie
                self.side = 1 - self.side
                self.daemon.config = self.configs[self.side]
            self.zombie = None
        elif time.monotonic() - self.woken > BOTH_S:
            self.both_live.append(f"{self.instance}, frozen at {self.frozen_at}")
            self.kill_zombie()

    def kill_zombie(self):
        if self.zombie is not None:
            self.zombie.kill()
            self.zombie.wait()
            self.zombie = None

    def end(self):
        self.kill_zombie()
        self.daemon.kill()

    def set_aside(self):
        """Reasons for which a state file was set aside."""
        return [event["reason"] for event in self.daemon.events("StoreSetAside")]
