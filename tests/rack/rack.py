"""What the rack's tests have in common: the hosts, the playbooks, what is asked of the whole."""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("KPAY_DEPS_CACHE") or pathlib.Path(os.environ["HOME"]) / ".cache/kpay")
FOLDER = pathlib.Path(os.environ.get("KPAY_RACK") or CACHE / "rack")
CONTROLLER = FOLDER / "controller"
OPERATIONS = CONTROLLER / "operations"
NODES = ("node1", "node2", "node3", "node4", "node5")
PARTITIONS, INSTANCES = 8, 10
RATE = int(os.environ.get("KPAY_RACK_RATE", "1000"))
LOAD_S = int(os.environ.get("KPAY_RACK_LOAD_S", "300"))
RELEASE = pathlib.Path(os.environ.get("KPAY_RELEASE") or ROOT / "build/rack/kpay.tar.gz")
LOAD = pathlib.Path(os.environ.get("KPAY_LOAD") or ROOT / "build/release/bin/kpay-load")


# One record, by a broker's own principal, whatever it says.
APPEND = r"""
printf '%%s\n' security.protocol=SSL ssl.keystore.type=PEM ssl.keystore.location=/etc/kafka/credentials/keystore.pem \
  ssl.truststore.type=PEM ssl.truststore.location=/etc/kafka/credentials/ca.crt > /run/append.properties
. /etc/kafka/environment
echo '%s' | java -Xmx128m -cp "$KAFKA_HOME/libs/*" org.apache.kafka.tools.ConsoleProducer \
  --bootstrap-server 10.77.0.11:9093 --topic 'kpay.%s' --producer.config /run/append.properties 2>&1
"""


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


def release_name():
    """What the release under test is called on the hosts."""
    return RELEASE.with_name(RELEASE.name + ".sha256").read_text()[:12]


def tool():
    """The kpayctl of the release under test, as the controller has it; else the newest that it has."""
    ours = CONTROLLER / "releases" / release_name() / "bin/kpayctl"
    known = sorted((CONTROLLER / "releases").glob("*/bin/kpayctl"), key=lambda path: path.stat().st_mtime)
    if not known:
        raise Failed("the controller has no kpayctl: nothing was deployed. Run tests 01 and 02 first, or scripts/rack/play site")
    return ours if ours.exists() else known[-1]


def kpayctl(*words, timeout=1200, program=None):
    """(exit code, document); what it tells people is not part of it."""
    done = subprocess.run([program or tool(), "--config", CONTROLLER / "operator.yaml", "--json", *words],
                          capture_output=True, timeout=timeout, check=False)
    return done.returncode, json.loads(done.stdout or b"{}")


def why_not_whole():
    """What keeps a test from beginning, with the way out; empty if nothing does."""
    code, text = run([ROOT / "scripts/rack/rack", "status"])
    if code != 0:
        return "not every host runs: make rack-up. %s" % " ".join(text.split())
    code, status = kpayctl("status", "--check")
    if "instances" not in status:
        return "the cluster can't be asked: scripts/rack/play bootstrap. %s" % status.get("error", {}).get("message")
    if status["pipeline"]["desired"] == "paused":
        return "the pipeline is paused: scripts/rack/play resume -e scope=pipeline"
    return "" if code == 0 else "some task runs nowhere: scripts/rack/play deploy"


def insist_that_it_is_whole(seconds=90):
    """The state that each test begins with: tests 01 and 02 make it, and each leaves it to the next."""
    deadline = time.time() + seconds
    while problem := why_not_whole():
        if time.time() > deadline:
            raise Failed("a test begins on a rack that is whole. " + problem)
        time.sleep(2)


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

    def said(self):
        """All that it wrote, in one line, and quotes as they were: results are YAML, folded and quoted as that does."""
        return " ".join(self.text.split()).replace("''", "'")

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
    """Its lines; without one that is being written."""
    path = folder / "journal.jsonl"
    return [json.loads(line) for line in path.read_text().split("\n")[:-1]] if path.exists() else []


def freeze(node, unit):
    """The daemon is there and does nothing; systemd's watchdog is told to leave it so."""
    on(node, "systemctl service-watchdogs no && systemctl kill --signal=STOP %s" % unit)


def thaw(node, unit):
    on(node, "systemctl kill --signal=CONT %s; sleep 5; systemctl service-watchdogs yes" % unit)


@contextlib.contextmanager
def frozen(node, unit):
    freeze(node, unit)
    try:
        yield
    finally:
        thaw(node, unit)


def unlock():
    """Ends the lock of a run that was meant to fail, as its end would have done after five minutes."""
    for node in NODES:
        run([ROOT / "scripts/rack/rack", "ssh", node,
             "python3 - <<'E'\nimport json,os\np='/var/lib/kpay-ops/lease.json'\n"
             "if os.path.exists(p):\n    d=json.load(open(p)); d.update(operation='',owner='',until=0.0)\n"
             "    json.dump(d,open(p,'w'))\nE"])


class Meanwhile:
    """Does something once, when the operation that begins next has done a step, or passed a gate, of that name."""

    def __init__(self, name, do):
        self.name, self.do, self.known, self.over, self.done = name, do, operations(), threading.Event(), False
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def _watch(self):
        while not self.over.wait(0.5):
            lines = [line for path in operations() if path not in self.known for line in journal(path)]
            if any(str(line.get(kind, "")).startswith(self.name) for line in lines for kind in ("step", "gate")):
                self.do()
                self.done = True
                return

    def end(self):
        """Whether it was done."""
        self.over.set()
        self.thread.join()
        return self.done


def append(topic, text):
    """A line of text as a record of that topic."""
    on("node1", APPEND % (text, topic))


def stop_all():
    """Every daemon on every host; brokers and the monitor run on."""
    for node in NODES:
        on(node, "systemctl stop kpay.target 'kpay-*@*'")


def open_accounts(count=500):
    return must([LOAD, "--config", CONTROLLER / "client.yaml", "accounts", "--count", str(count), "--currency", "EUR",
                 "--opening", "1000000.00", "--wait"])


def brokers():
    """{node: pid} of the brokers."""
    return {node: on(node, "systemctl show -P MainPID kafka").strip() for node in NODES[:3]}


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
