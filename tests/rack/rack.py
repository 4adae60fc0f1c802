"""What the rack's tests have in common: the hosts, the playbooks, the load, the clock of each test."""

import json
import os
import pathlib
import shutil
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = pathlib.Path(os.environ.get("KPAY_RACK") or pathlib.Path(
    os.environ.get("KPAY_DEPS_CACHE") or pathlib.Path(os.environ["HOME"]) / ".cache/kpay") / "rack")
CONTROLLER = FOLDER / "controller"
OPERATIONS = CONTROLLER / "operations"
NODES = ("node1", "node2", "node3", "node4", "node5")
PARTITIONS, INSTANCES = 8, 10
RATE = int(os.environ.get("KPAY_RACK_RATE", "1000"))
LOAD_S = int(os.environ.get("KPAY_RACK_LOAD_S", "300"))
LOAD = pathlib.Path(os.environ.get("KPAY_LOAD") or ROOT / "build/release/bin/kpay-load")


class Failed(Exception):
    """A command that had to work didn't; the text has its end."""


def run(command, timeout=900, environment=None, stdin=b""):
    done = subprocess.run([str(word) for word in command], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=timeout, check=False, cwd=ROOT, env={**os.environ, **(environment or {})})
    return done.returncode, done.stdout.decode(errors="replace")


def must(command, **options):
    code, text = run(command, **options)
    if code != 0:
        raise Failed("%s: exit %d\n%s" % (" ".join(map(str, command)), code, text[-4000:]))
    return text


def rack(*words, **options):
    return must([ROOT / "scripts/rack/rack", *words], **options)


def on(node, command):
    return rack("ssh", node, command)


def kpayctl(*words, timeout=300):
    """(exit code, document)."""
    tool = sorted((CONTROLLER / "releases").glob("*/bin/kpayctl"))[-1]
    done = subprocess.run([tool, "--config", CONTROLLER / "operator.yaml", "--json", *words],
                          capture_output=True, timeout=timeout, check=False)
    return done.returncode, json.loads(done.stdout or b"{}")


class Play:
    """One run of a playbook: its exit code, output, recap, and journal."""

    def __init__(self, verb, *options, release=None, inventory=None, timeout=1500):
        environment = {"KPAY_RELEASE": str(release)} if release else {}
        environment["ANSIBLE_NOCOLOR"] = "1"
        before = operations()
        begun = time.time()
        where = ["-i", str(inventory)] if inventory else []
        self.code, self.text = run([ROOT / "scripts/rack/play", verb, *where, *options], timeout=timeout,
                                   environment=environment)
        self.seconds = time.time() - begun
        new = [path for path in operations() if path not in before]
        self.operation = new[-1].name if new else ""
        self.journal = journal(new[-1]) if new else []

    def ok(self):
        if self.code != 0:
            raise Failed("the play ended with %d:\n%s" % (self.code, self.text[-6000:]))
        return self

    def recap(self):
        """{host: {ok, changed, failed, …}}."""
        lines = self.text.rpartition("PLAY RECAP")[2].splitlines()[1:]
        rows = [line.split(":", 1) for line in lines if " : " in line]
        return {name.strip(): {word.split("=")[0]: int(word.split("=")[1]) for word in rest.split()}
                for name, rest in rows}

    def changed(self):
        return {host: row["changed"] for host, row in self.recap().items() if row["changed"]}

    def steps(self, words):
        """Lines of the journal whose step begins with these words."""
        return [line for line in self.journal if str(line.get("step", "")).startswith(words)]


def operations():
    return sorted(path for path in OPERATIONS.glob("*") if path.is_dir()) if OPERATIONS.exists() else []


def journal(folder):
    path = folder / "journal.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def unlock():
    """Ends the lock of a run that was meant to fail, as its end would have done after five minutes."""
    for node in NODES:
        run([ROOT / "scripts/rack/rack", "ssh", node,
             "python3 - <<'E'\nimport json,os\np='/var/lib/kpay-ops/lease.json'\n"
             "if os.path.exists(p):\n    d=json.load(open(p)); d.update(operation='',owner='',until=0.0)\n"
             "    json.dump(d,open(p,'w'))\nE"])


class Load:
    """Payments from outside the hosts, over TLS and SCRAM, while something is done to the rack."""

    def __init__(self, rate, seconds, accounts=500, patience_s=120):
        self.process = subprocess.Popen(
            [str(LOAD), "--config", str(CONTROLLER / "client.yaml"), "--json", "run", "--rate", str(rate),
             "--duration", "%ds" % seconds, "--accounts", str(accounts), "--timeout", str(patience_s)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def running(self):
        return self.process.poll() is None

    def report(self):
        out, unused = self.process.communicate(timeout=900)
        return {**json.loads(out or b"{}"), "exit": self.process.returncode}

    def end(self):
        if self.running():
            self.process.kill()
            self.process.communicate()


def open_accounts(count=500):
    return must([LOAD, "--config", CONTROLLER / "client.yaml", "accounts", "--count", str(count), "--currency", "EUR",
                 "--opening", "1000000.00", "--wait"])


def brokers():
    """{node: pid} of the brokers."""
    return {node: on(node, "systemctl show -P MainPID kafka").strip() for node in NODES[:3]}


def figures(report):
    """What a load's report says in a line."""
    return {name: report.get(name) for name in ("rate", "sent", "confirmed", "rejected", "failed_count", "unanswered",
                                                "latency_ms")}


def tasks_of(instance):
    """Stages and partitions that an instance runs now."""
    found = [one for one in kpayctl("status")[1]["instances"] if one["instance"] == instance and one["phase"] != "stopped"]
    return ["%s/%d" % (task["stage"], task["partition"]) for one in found for task in one["tasks"]]


def plan_hash(play):
    return next(line["hash"] for line in play.journal if line.get("hash"))


def copy_of_inventory(folder, changes):
    """The lab's inventory in another folder, with some of its text replaced."""
    shutil.copytree(ROOT / "inventories/lab", folder, dirs_exist_ok=True)
    hosts = pathlib.Path(folder) / "hosts.yml"
    text = hosts.read_text()
    for old, new in changes.items():
        if old not in text:
            raise Failed("the lab's inventory has no %r" % old)
        text = text.replace(old, new)
    hosts.write_text(text)
