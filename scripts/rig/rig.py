"""A whole kpay on this machine: one broker on loopback, the topics, the daemons as processes.

The demo, the integration tests and the bench all stand on this. Everything a Rig starts is ended by
stop(), by its process id; nothing else is touched. Standard library only.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Which daemons make a whole kpay: name -> instances. Two account processors share the partitions.
DAEMONS = {"inflight": 1, "account": 2, "confirmed": 1, "throughput": 1}


class RigError(Exception):
    """Something that should have come up or answered didn't; the text says what and where to look."""


class Daemon:
    """One daemon process: its configuration, its log, and the process while it runs."""

    def __init__(self, rig, kind, instance, binary=None, env=None):
        self.rig, self.kind, self.instance = rig, kind, instance
        self.binary = binary or rig.bin / f"kpay-{kind}"
        self.env = env or {}
        self.folder = rig.folder / instance
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / "log"
        self.config = self.folder / "config.yaml"
        self.process = None

    def write_config(self, **overrides):
        state = overrides.pop("state_directory", self.folder / "state")
        checkpoint = overrides.pop("checkpoint", "{}")
        self.config.write_text(
            f"instance: {{id: {self.instance}}}\n"
            f"kafka:\n  bootstrap_servers: [127.0.0.1:{self.rig.port}]\n"
            f"  partitions: {self.rig.partitions}\n  session_timeout: {overrides.pop('session_timeout', '6s')}\n"
            f"state: {{directory: {state}, standbys: {overrides.pop('standbys', 'false')}}}\n"
            f"checkpoint: {checkpoint}\n"
            # None by themselves: the inputs are kept for a snapshot (R20), and runs here are short.
            f"snapshots: {overrides.pop('snapshots', '{every: 0s}')}\n"
            "log: {format: json}\n" + overrides.pop("extra", ""))

    def start(self):
        if not self.config.exists():
            self.write_config()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(self.binary), "--config", str(self.config)], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env={**os.environ, **self.env}, start_new_session=True)
        return self

    def running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """kill -9: no chance to say or write anything."""
        if self.running():
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def stop(self, timeout=40):
        """SIGTERM: a task drain. Returns the exit code."""
        if self.process is None:
            return None
        if self.running():
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode

    def events(self, name=None):
        """The log's lines as objects, of one kind if `name` is given."""
        found = []
        for line in self.log.read_text(errors="replace").splitlines() if self.log.exists() else []:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if name is None or event.get("event") == name:
                found.append(event)
        return found

    def address(self):
        started = self.events("DaemonStarted")
        return started[-1]["http_address"] if started else None

    def get(self, path, timeout=5):
        """(status, body) of an HTTP GET; (None, text) when nobody answers."""
        address = self.address()
        if address is None:
            return None, "not started"
        try:
            with urllib.request.urlopen(f"http://{address}{path}", timeout=timeout) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return None, str(error)

    def status(self):
        code, body = self.get("/status")
        return json.loads(body) if code == 200 else None


class Gateway(Daemon):
    """kpay-gateway: it has no tasks, and its page and API are where `port` says (0: a free one)."""

    def __init__(self, rig, instance="gateway-1", port=0, users=False):
        super().__init__(rig, "gateway", instance)
        self.port = port
        self.users = self.folder / "users" if users else None
        self.password = None

    def init_users(self):
        """Makes the people's file; the admin's password is told once, and kept here."""
        if self.password is None:
            self.password = self.people("users", "init")["password"]

    def people(self, *arguments):
        """What `kpay-gateway users` or `tokens` says: a list, or the one object."""
        done = subprocess.run([str(self.rig.bin / "kpay-gateway"), *map(str, arguments), "--file", str(self.users), "--json"],
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise RigError(f"{' '.join(map(str, arguments))}: exit {done.returncode}: {done.stderr}")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return lines[0] if len(lines) == 1 else lines

    def write_config(self, **overrides):
        self.config.write_text(
            f"instance: {{id: {self.instance}}}\n"
            f"kafka:\n  bootstrap_servers: [127.0.0.1:{self.rig.port}]\n  partitions: {self.rig.partitions}\n"
            + (f"http: {{listen: '127.0.0.1:{self.port}'{self.tls}}}\n" if "http" not in overrides else overrides["http"])
            + self.access()
            + "log: {format: json}\n" + overrides.pop("extra", ""))

    tls = ""

    def access(self):
        if self.kind != "gateway":
            return ""
        return f"access: {{users_file: {self.users}}}\n" if self.users else "access: {mode: none}\n"

    def start(self):
        if self.users:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.init_users()
        super().start()
        self._write_lock()
        return self

    def _write_lock(self):
        (self.folder / "state").mkdir(exist_ok=True)  # where Rig.wipe() looks for what was left running
        (self.folder / "state" / "lock").write_text(str(self.process.pid))

    def status(self):
        return {"tasks": []} if self.get("/healthz")[0] == 200 else None


class Journal(Gateway):
    """kpay-journal: it has no tasks either, and says how the books are at /audit."""

    def __init__(self, rig, instance="journal-1"):
        Daemon.__init__(self, rig, "journal", instance)
        self.port, self.users = 0, None

    def write_config(self, **overrides):
        own = (f"state: {{directory: {self.folder / 'state'}}}\n"
               f"query: {{directory: {self.folder / 'query'}, keep_days: {overrides.pop('keep_days', 90)}, "
               f"changes: {overrides.pop('changes', 'false')}}}\n")
        super().write_config(extra=own + overrides.pop("extra", ""), **overrides)

    def query(self, path):
        """(status, document) of a question to the query side."""
        code, body = self.get("/query" + path)
        return code, json.loads(body) if code else body

    def audit(self):
        """The newest statement, or None."""
        code, body = self.get("/audit")
        return json.loads(body) if code == 200 else None

    def findings(self):
        code, body = self.get("/tables/findings?limit=1000")
        return [row["row"] for row in json.loads(body)["rows"]] if code == 200 else None


class LoadService(Gateway):
    """kpay-load serve, which may load this system; it has no HTTP."""

    def __init__(self, rig, instance="load-1"):
        super().__init__(rig, instance)
        self.kind = "load"

    def start(self):
        self.config.write_text(f"kafka: {{bootstrap_servers: [127.0.0.1:{self.rig.port}], "
                               f"partitions: {self.rig.partitions}}}\n")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(self.rig.bin / "kpay-load"), "--config", str(self.config), "serve", "--allow-load",
                 "--instance", self.instance], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        self._write_lock()
        return self

    def get(self, path, timeout=5):
        return (200, "") if path == "/readyz" and self.running() else (None, "it serves no HTTP")

    def status(self):
        return {"tasks": []} if self.running() else None


class Rig:
    """A folder, a port, and what runs there."""

    def __init__(self, folder, port=19092, partitions=6, build="release", clean=True):
        self.folder = pathlib.Path(folder)
        self.port, self.partitions = port, partitions
        self.bin = ROOT / "build" / build / "bin"
        self.daemons = {}
        if clean:
            self.wipe()
        self.folder.mkdir(parents=True, exist_ok=True)

    # -- the broker

    def kafka(self, command):
        done = subprocess.run([str(ROOT / "scripts/kafka/kafka"), command, str(self.folder / "kafka"),
                               str(self.port)], capture_output=True, text=True)
        if command == "start" and done.returncode != 0:
            raise RigError(f"the broker did not start: {done.stderr}\nsee {self.folder}/kafka/kafka.log")
        return done

    def kafka_pid(self):
        return int((self.folder / "kafka" / "kafka.pid").read_text())

    def kill_kafka(self):
        os.kill(self.kafka_pid(), signal.SIGKILL)

    def wipe(self):
        """Ends what an earlier run left behind in this folder, then removes the folder."""
        if (self.folder / "kafka").exists():
            self.kafka("stop")
        for config in self.folder.glob("*/config.yaml"):
            self._end_leftover(config)
        shutil.rmtree(self.folder, ignore_errors=True)

    @staticmethod
    def _end_leftover(config):
        lock = config.parent / "state" / "lock"
        try:
            pid = int(lock.read_text())
            command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return
        if str(config).encode() in command:  # ours, and from this folder
            os.kill(pid, signal.SIGKILL)

    # -- tools

    def ctl(self, *arguments, check=True, timeout=300):
        """Runs kpayctl; returns the finished process. With --json among the arguments: its object."""
        return self._tool("kpayctl", arguments, check, timeout)

    def ctl_begun(self, *arguments):
        """kpayctl as a process that goes on; its outputs are pipes of text."""
        return subprocess.Popen([str(self.bin / "kpayctl"), *map(str, arguments)], env=self.tool_env(), text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def tool_env(self):
        return {**os.environ, "KPAY_BOOTSTRAP_SERVERS": f"127.0.0.1:{self.port}"}

    def load(self, *arguments, check=True, timeout=900, **kwargs):
        return self._tool("kpay-load", arguments, check, timeout, **kwargs)

    def _tool(self, name, arguments, check, timeout, **kwargs):
        command = [str(self.bin / name), *map(str, arguments)]
        env = self.tool_env()
        if kwargs:
            return subprocess.run(command, env=env, timeout=timeout, check=check, **kwargs)
        done = subprocess.run(command, env=env, timeout=timeout, capture_output=True, text=True)
        if check and done.returncode != 0:
            raise RigError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    # -- the whole

    def start_broker_and_topics(self):
        self.kafka("start")
        self.ctl("topics", "apply", "--partitions", self.partitions, "--replication", 1)

    def set_topic(self, topic, setting, value):
        """Changes a setting of a topic (its whole name), whether or not it is one that kpay accepts."""
        self._tool("cluster_admin", (f"127.0.0.1:{self.port}", "setting", topic, setting, value), True, 60)

    def add(self, kind, instance, **kwargs):
        self.daemons[instance] = Daemon(self, kind, instance, **kwargs)
        return self.daemons[instance]

    def add_gateway(self, port=0, users=False):
        """The page and the API, and the load generator that they drive; start_daemons() starts both.
        With users, people log in, and the admin's password is gateway.password."""
        self.daemons["load-1"] = LoadService(self)
        self.daemons["gateway-1"] = Gateway(self, port=port, users=users)
        return self.daemons["gateway-1"]

    def add_journal(self):
        """The auditor of the books; start_daemons() starts it."""
        self.daemons["journal-1"] = Journal(self)
        return self.daemons["journal-1"]

    def start_daemons(self, wait=True):
        for kind, count in DAEMONS.items():
            for number in range(1, count + 1):
                instance = f"{kind}-{number}"
                if instance not in self.daemons:
                    self.add(kind, instance)
        for daemon in self.daemons.values():
            if not daemon.running():
                daemon.start()
        if wait:
            self.wait_ready()

    def wait_ready(self, timeout=60):
        """Until every daemon is ready and every task of every stage runs somewhere."""
        deadline = time.monotonic() + timeout
        waiting = "nothing asked yet"
        while time.monotonic() < deadline:
            waiting = self._not_ready()
            if not waiting:
                return
            time.sleep(0.1)
        raise RigError(f"not ready within {timeout} s: {waiting}; logs are in {self.folder}/*/log")

    def _not_ready(self):
        running = {}
        for daemon in self.daemons.values():
            if not daemon.running():
                code = daemon.process.returncode if daemon.process else None
                return f"{daemon.instance} ended with {code}"
            status = daemon.status()
            if status is None:
                return f"{daemon.instance} doesn't answer"
            if daemon.get("/readyz")[0] != 200:
                return f"{daemon.instance} isn't ready"
            for task in status["tasks"]:
                if task["phase"] == "running":
                    running.setdefault(task["stage"], set()).add(task["partition"])
        for stage in ("intake", "account", "settle", "confirmed", "throughput"):
            missing = set(range(self.partitions)) - running.get(stage, set())
            if missing:
                return f"stage {stage}: partitions {sorted(missing)} are not running yet"
        return ""

    def stop(self):
        """Every daemon by SIGTERM, all at once, then the broker. Exit codes by instance."""
        for daemon in self.daemons.values():
            if daemon.running():
                daemon.process.send_signal(signal.SIGTERM)
        codes = {name: daemon.stop() for name, daemon in self.daemons.items()}
        self.kafka("stop")
        return codes

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for daemon in self.daemons.values():
            daemon.kill()
        self.kafka("stop")
