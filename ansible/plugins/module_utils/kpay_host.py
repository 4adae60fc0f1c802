"""What modules ask of a host: its units, its daemons, its links."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import subprocess
import time

RELEASES = "/opt/kpay/releases"
INSTANCES = "/opt/kpay/instances"
SETTINGS = "/etc/kpay"
# Daemons that have neither tasks nor state nor an admin socket: a stop with 0 is all that they can prove.
WITHOUT_TASKS = ("journal", "gateway")


class HostError(Exception):
    """Something on this host isn't as it must be; the text says what."""


def run(command, timeout=60, environment=None):
    """(exit code, output): standard output and error together."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout, check=False,
                          env={**os.environ, **(environment or {})})
    return done.returncode, done.stdout.decode(errors="replace").strip()


def unit_state(unit):
    """What systemd knows of a unit; every value is text."""
    names = ("LoadState,ActiveState,SubState,MainPID,ExecMainStatus,ExecMainCode,Result,NRestarts,StatusText,"
             "FragmentPath,DropInPaths,UnitFileState,NeedDaemonReload,ExecMainStartTimestampMonotonic")
    code, text = run(["systemctl", "show", "--property=" + names, unit])
    if code != 0:
        raise HostError("systemctl show %s: %s" % (unit, text))
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def started_at(pid):
    """When a process was started, in seconds of the epoch; None if it isn't there."""
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8") as file:
            ticks = int(file.read().rpartition(")")[2].split()[19])
        with open("/proc/stat", encoding="utf-8") as file:
            boot = next(int(line.split()[1]) for line in file if line.startswith("btime "))
    except (OSError, StopIteration):
        return None
    return boot + ticks / os.sysconf("SC_CLK_TCK")


def read_bytes(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def link_target(path):
    return os.readlink(path) if os.path.islink(path) else None


def point(link, target):
    """Makes the link name the target, in one step; a missing target means no link."""
    if target is None:
        if os.path.lexists(link):
            os.unlink(link)
        return
    if link_target(link) == target:
        return
    new = link + ".new"
    if os.path.lexists(new):
        os.unlink(new)
    os.symlink(target, new)
    os.replace(new, link)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Daemon:
    """One instance on this host. `about` has id, daemon, address, port, and tls: false if it answers in the clear."""

    def __init__(self, about):
        self.id, self.kind = about["id"], about["daemon"]
        self.address, self.port, self.tls = about["address"], int(about["port"]), about.get("tls", True)
        self.has_tasks = self.kind not in WITHOUT_TASKS
        self.unit = "kpay-%s@%s.service" % (self.kind, self.id)
        self.folder = os.path.join(SETTINGS, self.id)
        self.credentials = os.path.join(self.folder, "credentials")
        self.config_link = os.path.join(self.folder, "config.yaml")
        self.release_link = os.path.join(INSTANCES, self.id)

    def binary(self, release):
        return os.path.join(RELEASES, release, "bin", "kpay-" + self.kind)

    def state(self):
        return unit_state(self.unit)

    def active(self):
        return self.state()["ActiveState"] in ("active", "activating", "deactivating", "reloading")

    def pid(self):
        return int(self.state()["MainPID"])

    def running_release(self):
        """The release whose binary the process runs, whatever the links say."""
        try:
            path = os.readlink("/proc/%d/exe" % self.pid())
        except OSError:
            return None
        parts = path.split("/")
        return parts[4] if path.startswith(RELEASES + "/") and len(parts) > 5 else path

    def ask(self, path, timeout=3):
        """(status, document) of the daemon's own HTTP; HostError if it doesn't answer."""
        try:
            connection = self._connection(timeout)
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"{}")
        except (OSError, ssl.SSLError, http.client.HTTPException, ValueError) as error:
            raise HostError("%s does not answer on %s:%d%s: %s" % (
                self.id, self.address, self.port, path, error)) from error

    def _connection(self, timeout):
        if not self.tls:
            return http.client.HTTPConnection(self.address, self.port, timeout=timeout)
        context = ssl.create_default_context(cafile=os.path.join(self.credentials, "ca.crt"))
        context.load_cert_chain(os.path.join(self.credentials, "tls.crt"), os.path.join(self.credentials, "tls.key"))
        return http.client.HTTPSConnection(self.address, self.port, timeout=timeout, context=context)

    def status(self):
        """What it says of itself; one without tasks says only that it is there."""
        return self.ask("/status")[1] if self.has_tasks else {"tasks": [], "up": self.ask("/healthz")[0]}

    def config_since(self):
        """When the link to the configuration was last pointed elsewhere."""
        return os.lstat(self.config_link).st_mtime

    def command(self, request, timeout=60):
        """(status, document) of a command on the admin socket (docs/control.md)."""
        try:
            connection = UnixConnection("/run/kpay/%s/admin.sock" % self.id, timeout)
            connection.request("POST", request)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"{}")
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise HostError("%s: no answer on its admin socket: %s" % (self.id, error)) from error

    def config_hash(self, release, config):
        """The hash that this release would give this file; HostError if it refuses the file."""
        environment = {"CREDENTIALS_DIRECTORY": "/run/credentials/" + self.unit}
        code, text = run([self.binary(release), "config", "check", config], environment=environment)
        if code != 0:
            raise HostError("release %s refuses %s: %s" % (release, config, text))
        return text.rsplit(" ", 1)[-1]

    def events(self, since, names):
        """The daemon's own log events since a moment, oldest first."""
        code, text = run(["journalctl", "--unit", self.unit, "--output=cat", "--no-pager",
                          "--since=@%d" % int(since)])
        if code != 0:
            raise HostError("journalctl: %s" % text)
        found = []
        for line in text.splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict) and event.get("event") in names and moment_of(event) >= since:
                found.append(event)
        return found

    def last_lines(self, count=5):
        return run(["journalctl", "--unit", self.unit, "--output=cat", "--no-pager", "--lines=%d" % count])[1]


def moment_of(event):
    import calendar
    text = event.get("ts", "")
    try:
        return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) + float("0" + text[19:-1])
    except ValueError:
        return 0.0
