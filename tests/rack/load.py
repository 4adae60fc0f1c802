"""Payments from outside the hosts, over TLS and SCRAM, while something is done to the rack, and what they felt of it."""

import json
import pathlib
import subprocess
import tempfile
import threading
import time

import rack as lab

SEGMENT_S = 30
PERCENTILES = {"p50": 50, "p99": 99, "max": 100}
COUNTED = ("sent", "confirmed", "failed_count", "rejected", "unanswered")


def steps_of(text):
    """[(latency in ms, payments that took so long)] of a histogram as kpay-load writes it."""
    steps, before = [], 0
    for words in (line.split() for line in text.splitlines()):
        if len(words) == 4 and words[2].isdigit():
            steps.append((float(words[0]), int(words[2]) - before))
            before = int(words[2])
    return steps


def latency_of(steps):
    """p50, p99 and the longest of all of them, in ms."""
    steps, total = sorted(steps), sum(count for unused, count in steps)
    found, counted = {"count": total}, 0
    for value, count in steps:
        counted += count
        for name, percent in PERCENTILES.items():
            if name not in found and counted * 100 >= percent * total:
                found[name] = value
    return found


class Load:
    """One kpay-load, of so many seconds. It reads its password and whom it trusts when it starts."""

    def __init__(self, rate, seconds, accounts=500, patience_s=120):
        self.folder = tempfile.TemporaryDirectory(prefix="kpay-rack-load-")
        self.histogram = pathlib.Path(self.folder.name) / "latencies"
        self.said = open(pathlib.Path(self.folder.name) / "said", "w+b")
        self.process = subprocess.Popen(
            [str(lab.LOAD), "--config", str(lab.CONTROLLER / "client.yaml"), "--json", "run", "--rate", str(rate),
             "--duration", "%ds" % seconds, "--accounts", str(accounts), "--timeout", str(patience_s),
             "--histogram", str(self.histogram)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.said)

    def running(self):
        return self.process.poll() is None

    def report(self, timeout=1800):
        out, unused = self.process.communicate(timeout=timeout)
        report = json.loads(out or b"{}")
        if "sent" not in report:
            self.said.seek(0)
            raise lab.Failed("kpay-load ended with %d: %s%s" % (
                self.process.returncode, out.decode(errors="replace")[-500:], self.said.read().decode(errors="replace")[-500:]))
        steps = steps_of(self.histogram.read_text()) if self.histogram.exists() else []
        return {**report, "exit": self.process.returncode, "steps": steps, "latency_ms": latency_of(steps)}

    def end(self):
        if self.running():
            self.process.kill()
            self.process.communicate()
        self.said.close()
        self.folder.cleanup()


class Loads:
    """As long as it takes: one load after the other, each begun when the one before has sent all of its own, whether or not
    that has its answers. So a standstill is felt to its end, and each load knows the secrets of its time, as clients do."""

    def __init__(self, rate, patience_s=300):
        self.rate, self.patience_s, self.over = rate, patience_s, threading.Event()
        self.loads = [Load(rate, SEGMENT_S, patience_s=patience_s)]
        self.thread = threading.Thread(target=self._go_on, daemon=True)
        self.thread.start()

    def _go_on(self):
        while not self.over.wait(SEGMENT_S):
            self.loads.append(Load(self.rate, SEGMENT_S, patience_s=self.patience_s))

    def report(self):
        """What all of them together came to."""
        self.over.set()
        self.thread.join()
        reports = [load.report() for load in self.loads]
        return {**{name: sum(report[name] for report in reports) for name in COUNTED},
                "exit": max(report["exit"] for report in reports),
                "latency_ms": latency_of([step for report in reports for step in report["steps"]])}

    def end(self):
        self.over.set()
        self.thread.join()
        for load in self.loads:
            load.end()


def stalls(since, until, node="node1"):
    """{account partition: the longest time in ms without anything new}, as the broker of that host has it in its files."""
    script = pathlib.Path(__file__).with_name("stalls.py").read_bytes()
    return json.loads(lab.rack("ssh", node, "python3 - %d %d" % (since * 1000, until * 1000), stdin=script))


def under(load, work):
    """What the work gave, the load's report, and the stalls of that time."""
    time.sleep(5)  # so that there is something to hold up
    since = time.time()
    done = work()
    until = time.time()
    return done, load.report(), stalls(since, until)
