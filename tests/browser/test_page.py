#!/usr/bin/env python3
"""The page in a real browser: a broker, the daemons, the gateway, then suite.mjs in Chromium, first
before anything was ever sent, then with accounts, payments and dead letters.

Needs Debian's chromium, and node 20 or newer with npm (`scripts/bootstrap browser`); without them it
exits 77. KPAY_SCREENSHOTS=FOLDER keeps a picture of each screen there. What axe said, which controls
were seen and used, and which calls were made is kept in build/page/. LONG=1: each handler of the page
is then taken away, one at a time, and the test that used it has to fail.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "rig"))
from records import deposit  # noqa: E402
from rig import Rig  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
REPORTS = ROOT / "build" / "page"
PORT = 19720
PAGE_PORT = 19725  # the gateway comes again at the same address
PARTITIONS = 4
NODE_MIN = 20
INCOMING = "kpay.payments.incoming"


def node_version():
    try:
        said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
        return int(re.match(r"v(\d+)", said).group(1))
    except (OSError, subprocess.CalledProcessError, AttributeError):
        return 0


def modules():
    """The pinned playwright-core, from the lock file with its integrity, outside the source."""
    folder = ROOT / "build" / "browser"
    folder.mkdir(parents=True, exist_ok=True)
    lock = (HERE / "package-lock.json").read_text()
    if not (folder / "done").exists() or (folder / "done").read_text() != lock:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder / name)
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, check=True,
                       stdout=subprocess.DEVNULL)
        (folder / "done").write_text(lock)
    return folder


class System:
    """The rig, and what the suite asks of it by a line that begins with "@"."""

    def __init__(self, rig, gateway, chromium):
        self.rig, self.gateway = rig, gateway
        people = {name: gateway.people("users", "add", user, "--role", role)["password"]
                  for name, user, role in (("VIEWER", "vera", "viewer"), ("MAKER", "ann", "operator"),
                                           ("CHECKER", "ben", "approver"))}
        self.token = gateway.people("tokens", "add", "suite", "--role", "admin")["token"]
        self.env = {**os.environ, "KPAY_ADMIN_PASSWORD": gateway.password, "KPAY_TOKEN": self.token,
                    **{f"KPAY_{name}_PASSWORD": password for name, password in people.items()}}
        self.arguments = [f"http://{gateway.address()}/", chromium, str(modules()), str(REPORTS)]
        if os.environ.get("KPAY_SCREENSHOTS"):
            self.arguments.append(os.environ["KPAY_SCREENSHOTS"])

    def suite(self, phase, told=True, **env):
        """Runs a phase of the suite; returns its exit code."""
        node = subprocess.Popen(["node", str(HERE / "suite.mjs"), phase, *self.arguments], text=True,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**self.env, **env})
        for line in node.stdout:
            if line.startswith("@"):
                self.do(*line[1:].split())
                node.stdin.write("done\n")
                node.stdin.flush()
            elif told:
                print(line, end="", flush=True)
        return node.wait(60)

    def do(self, verb, name):
        if verb == "letters":
            self.send(0, [("-", f"00ff47{number:08x}") for number in range(int(name))])
        elif verb == "kill":
            self.rig.daemons[name].kill()
        elif verb == "start":
            self.start(self.rig.daemons[name])
        else:
            self.rig.daemons[name].process.send_signal({"freeze": signal.SIGSTOP, "thaw": signal.SIGCONT}[verb])

    @staticmethod
    def start(daemon, timeout=60):
        if not daemon.running():
            daemon.start()
        deadline = time.monotonic() + timeout
        while daemon.get("/readyz")[0] != 200:
            if time.monotonic() > deadline:
                raise SystemExit(f"{daemon.instance} is not ready within {timeout} s: {daemon.log.read_text()[-2000:]}")
            time.sleep(0.1)

    def send(self, partition, records):
        lines = "".join(f"{key} {value}\n" for key, value in records)
        subprocess.run([str(self.rig.bin / "send_record"), f"127.0.0.1:{PORT}", INCOMING, str(partition), "lines", "-"],
                       input=lines, text=True, check=True, timeout=120)

    def dead_letters(self):
        """One that nothing can read, and a deposit on another partition than its account's."""
        opened = self.rig.ctl("accounts", "open", "acc-9", "--currency", "EUR", "--dump-record", "--json")
        place = (json.loads(opened.stdout)["partition"] + 1) % PARTITIONS
        self.send(1, [("-", "00ff47")])
        self.send(place, [(b"acc-9".hex(), deposit("acc-9", 500).hex())])

    def ask(self, path, body=None):
        request = urllib.request.Request(f"http://{self.gateway.address()}/api/v1{path}",
                                         None if body is None else json.dumps(body).encode(),
                                         {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def as_before(self):
        """What a test that failed in the middle may have left is put right; two new dead letters."""
        self.ask("/pipeline:resume?wait=10", {"reason": "again"})
        self.ask("/load:stop", {"reason": "again"})
        for request in self.ask("/requests")["requests"]:
            self.ask(f"/requests/{request['id']}/decline", {"reason": "again"})
        self.rig.ctl("dlq", "discard", "--cause", "wrong_partition", "--yes", "--reason", "again", check=False)
        self.dead_letters()


def only(names):
    return "^(" + "|".join(map(re.escape, names)) + ")$"


def without_each_handler(system):
    """Takes each handler of the page away: the test that used it fails. Returns those that don't."""
    tests = json.loads((REPORTS / "main-handlers.json").read_text())
    system.as_before()
    if system.suite("main", ONLY=only(sorted(set(filter(None, tests.values()))))) != 0:
        return ["a test that can't be run twice"]
    unnoticed = []
    for handler, test in tests.items():
        system.as_before()
        red = test is not None and system.suite("main", told=False, BLANK=handler, ONLY=only([test])) != 0
        print(f"{'ok     ' if red else 'FAILED '} without {handler}: {test}", flush=True)
        if not red:
            unnoticed.append(handler)
    return unnoticed


def main():
    chromium = shutil.which("chromium")
    if chromium is None or shutil.which("npm") is None or node_version() < NODE_MIN:
        print(f"skipped: needs chromium, npm and node {NODE_MIN} or newer (scripts/bootstrap browser)")
        return 77
    long = os.environ.get("LONG") == "1"
    shutil.rmtree(REPORTS, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="kpay-browser-") as place:
        with Rig(pathlib.Path(place) / "rig", port=PORT, partitions=PARTITIONS) as rig:
            rig.start_broker_and_topics()
            gateway = rig.add_gateway(PAGE_PORT, users=True)
            rig.add_journal()
            rig.start_daemons()
            system = System(rig, gateway, chromium)
            code = system.suite("empty")
            rig.load("accounts", "--count", 120, "--currency", "EUR", "--opening", "1000.00", "--wait",
                     capture_output=True)
            system.dead_letters()
            code = system.suite("main", **({"TAGGED": "1"} if long else {})) or code
            if long and code == 0:
                unnoticed = without_each_handler(system)
                print(f"nobody noticed: {unnoticed}")
                code = 1 if unnoticed else 0
            return code


if __name__ == "__main__":
    sys.exit(main())
