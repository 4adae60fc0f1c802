"""The binaries on a bare machine: static, in a tree with nothing else, by name, over IPv6 only, after a crash.

Needs root (chroot, network namespaces) and debootstrap; the Debian 12 tree is made once, into KPAY_CACHE.
"""

import glob
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from suite import ROOT, Rig, wait_for

BIN = ROOT / "build/release/bin"
SHIPPED = ("kpay-inflight", "kpay-account", "kpay-confirmed", "kpay-throughput", "kpay-journal", "kpay-gateway", "kpay-load",
           "kpay-demo", "kpayctl")
CACHE = pathlib.Path(os.environ.get("KPAY_CACHE", pathlib.Path.home() / ".cache/kpay"))
NAME = "broker.kpay.test"
ROOTLESS = os.geteuid() != 0
NSS_PACKAGES = ("libnss-resolve", "libnss-mymachines", "libnss-systemd")


def run(*command, check=True, timeout=120, **kwargs):
    return subprocess.run([str(c) for c in command], check=check, timeout=timeout, capture_output=True, text=True,
                          **kwargs)


def bare_tree():
    """Debian 12 as debootstrap's minbase makes it; or why there is none, by SkipTest."""
    tree = CACHE / "machine-bookworm"
    if not tree.exists():
        if shutil.which("debootstrap") is None:
            raise unittest.SkipTest("no debootstrap: apt-get install debootstrap")
        new = tree.with_suffix(".new")
        shutil.rmtree(new, ignore_errors=True)
        mirror = run(ROOT / "scripts" / "deps" / "debian-mirror", "bookworm").stdout.strip()
        made = run("debootstrap", "--variant=minbase", "bookworm", new, mirror, check=False, timeout=1200)
        if made.returncode != 0:
            raise unittest.SkipTest(f"debootstrap failed: {made.stdout[-300:]}{made.stderr[-300:]}")
        new.rename(tree)
    return tree


class Tree:
    """An overlay over the bare tree, thrown away afterwards."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.root = self.folder / "root"
        for name in ("root", "tmpfs"):
            (self.folder / name).mkdir()
        lower = bare_tree()
        run("mount", "-t", "tmpfs", "-o", "size=512m", "none", self.folder / "tmpfs")
        for name in ("upper", "work"):
            (self.folder / "tmpfs" / name).mkdir()
        run("mount", "-t", "overlay", "overlay", "-o",
            f"lowerdir={lower},upperdir={self.folder}/tmpfs/upper,workdir={self.folder}/tmpfs/work", self.root)
        (self.root / "opt/kpay").mkdir(parents=True)
        for name in SHIPPED:
            shutil.copy(BIN / name, self.root / "opt/kpay" / name)

    def close(self):
        run("umount", "-l", self.root, check=False)
        run("umount", "-l", self.folder / "tmpfs", check=False)

    def write(self, path, text):
        (self.root / path).write_text(text)


class Static(unittest.TestCase):
    def test_each_shipped_binary_is_static(self):
        for name in SHIPPED:
            told = run("ldd", BIN / name, check=False)
            self.assertIn("not a dynamic executable", told.stdout + told.stderr, name)
            program = run("readelf", "--program-headers", "--dynamic", BIN / name).stdout
            self.assertNotIn("INTERP", program, name)
            self.assertNotIn("NEEDED", program, name)
            if shutil.which("file"):
                self.assertRegex(run("file", BIN / name).stdout, "statically linked|static-pie linked", name)


@unittest.skipIf(ROOTLESS, "chroot and mount need root")
class BareDebian(unittest.TestCase):
    """Everything but the broker runs in a Debian 12 tree that has nothing but itself."""
    PORT = 19590

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="kpay-bare-")
        cls.tree = Tree(cls.folder)
        cls.addClassCleanup(cls.tree.close)
        cls.rig = Rig(pathlib.Path(cls.folder) / "rig", port=cls.PORT, partitions=2)
        cls.addClassCleanup(cls.rig.__exit__)
        cls.rig.start_broker_and_topics()

    def setUp(self):
        self.tree.write("etc/hosts", f"127.0.0.1 localhost\n127.0.0.1 {NAME}\n")
        self.tree.write("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")
        self.tree.write("etc/resolv.conf", "")

    def inside(self, *command, check=True, **kwargs):
        return run("chroot", self.tree.root, *command, check=check,
                   env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "KPAY_BOOTSTRAP_SERVERS": f"{NAME}:{self.PORT}"}, **kwargs)

    def start(self, kind, instance):
        """A daemon of the rig whose program and files are the tree's."""
        wrapper = self.rig.folder / f"in-tree-{kind}"
        wrapper.write_text(f"#!/bin/sh\ncd / && exec chroot {self.tree.root} /opt/kpay/kpay-{kind} "
                           f"--config /opt/kpay/{instance}.yaml\n")
        wrapper.chmod(0o755)
        daemon = self.rig.add(kind, instance, binary=wrapper)
        daemon.write_config(state_directory=f"/opt/kpay/state-{instance}")
        text = daemon.config.read_text().replace("127.0.0.1:", f"{NAME}:")
        self.tree.write(f"opt/kpay/{instance}.yaml", text)
        self.addCleanup(daemon.kill)
        self.addCleanup(self.rig.daemons.pop, instance, None)
        return daemon.start()

    def ready(self, daemon, timeout=60):
        wait_for(f"{daemon.instance} is ready", lambda: daemon.get("/readyz")[0] == 200, timeout=timeout)

    def test_each_binary_starts(self):
        for name in SHIPPED:
            done = self.inside(f"/opt/kpay/{name}", "--help")
            self.assertIn("sage:", done.stdout, name)
        for kind in ("inflight", "account", "confirmed", "throughput", "journal", "gateway"):
            self.assertRegex(self.inside(f"/opt/kpay/kpay-{kind}", "version").stdout, rf"^kpay-{kind} \S+ \(\S+\)$")

    def test_payments_flow_by_a_brokers_name(self):
        daemons = [self.start(kind, f"{kind}-1") for kind in ("inflight", "account", "confirmed", "throughput")]
        for daemon in daemons:
            self.ready(daemon)
        ctl = "/opt/kpay/kpayctl"
        for account, opening in (("alice", "100.00"), ("bob", "0.00")):
            self.inside(ctl, "accounts", "open", account, "--currency", "EUR", "--opening", opening, "--wait")
        sent = self.inside(ctl, "payments", "send", "--from", "alice", "--to", "bob", "--amount", "12.34",
                           "--currency", "EUR", "--wait", "--json")
        self.assertEqual(json.loads(sent.stdout)["status"], "completed")
        self.inside(ctl, "books", "verify", "--wait-idle", "30")
        self.assertEqual({daemon.stop() for daemon in daemons}, {0})

    def test_names_resolve_whatever_nsswitch_names(self):
        """With the modules that a full Debian has: a static binary must not trip over them."""
        debs = pathlib.Path(self.folder) / "debs"
        debs.mkdir()
        got = run("apt-get", "download", *NSS_PACKAGES, cwd=debs, check=False)
        if got.returncode != 0:
            self.skipTest(f"apt-get download {' '.join(NSS_PACKAGES)}: {got.stderr[-200:]}")
        for deb in debs.glob("*.deb"):
            run("dpkg", "-x", deb, self.tree.root)
        self.assertTrue(list(self.tree.root.glob("lib/*/libnss_resolve.so.2")))
        self.tree.write("etc/nsswitch.conf", "passwd: files systemd\ngroup: files [SUCCESS=merge] systemd\n"
                                             "hosts: mymachines resolve files myhostname dns\n")
        daemon = self.start("account", "account-nss")
        self.ready(daemon)
        self.assertEqual(daemon.stop(), 0)

    def test_a_dead_resolver_is_waited_for_and_holds_up_no_stop(self):
        self.tree.write("etc/hosts", "127.0.0.1 localhost\n")
        self.tree.write("etc/resolv.conf", "nameserver 127.0.0.253\noptions timeout:1 attempts:1\n")
        daemon = self.start("account", "account-dead")
        wait_for("it says what it waits for",
                 lambda: any(NAME in e.get("error", "") for e in daemon.events("BrokerUnavailable")), timeout=30)
        self.assertEqual(daemon.get("/healthz")[0], 200)
        self.assertEqual(daemon.get("/readyz")[0], 503)
        began = time.monotonic()
        self.assertEqual(daemon.stop(), 0)
        self.assertLess(time.monotonic() - began, 15)
        daemon = self.start("account", "account-dead")
        time.sleep(2)
        self.tree.write("etc/hosts", f"127.0.0.1 localhost\n127.0.0.1 {NAME}\n")  # the name is there again
        self.ready(daemon)


@unittest.skipIf(ROOTLESS, "a network namespace needs root")
class OnlyIPv6(unittest.TestCase):
    PORT = 19610
    SPACE = "kpay-v6-only"

    def inside(self, *command, **kwargs):
        return run("ip", "netns", "exec", self.SPACE, *command,
                   env={**os.environ, "KPAY_BOOTSTRAP_SERVERS": f"[::1]:{self.PORT}"}, **kwargs)

    def test_payments_flow_where_there_is_no_ipv4(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="kpay-v6-"))
        run("ip", "netns", "del", self.SPACE, check=False)
        run("ip", "netns", "add", self.SPACE)
        self.addCleanup(run, "ip", "netns", "del", self.SPACE, check=False)
        self.inside("ip", "link", "set", "lo", "up")
        kafka = folder / "kafka"
        kafka.mkdir()
        # scripts/kafka asks for an answer at 127.0.0.1: it has that address until the broker is up.
        (kafka / "extra.properties").write_text(
            f"listeners=PLAINTEXT://[::]:{self.PORT},CONTROLLER://[::]:{self.PORT + 1}\n"
            f"advertised.listeners=PLAINTEXT://[::1]:{self.PORT},CONTROLLER://[::1]:{self.PORT + 1}\n"
            f"controller.quorum.voters=1@[::1]:{self.PORT + 1}\n")
        script = ROOT / "scripts/kafka/kafka"
        self.addCleanup(run, script, "stop", kafka, self.PORT, check=False)
        self.inside(script, "start", kafka, self.PORT, timeout=200)
        self.inside("ip", "-4", "addr", "flush", "dev", "lo")
        self.assertEqual(self.inside("ip", "-4", "-o", "addr").stdout, "")
        ctl = BIN / "kpayctl"
        self.inside(ctl, "topics", "apply", "--partitions", 2, "--replication", 1)
        daemons = []
        for kind in ("inflight", "account", "confirmed", "throughput"):
            config = folder / f"{kind}.yaml"
            config.write_text(f"instance: {{id: {kind}-1}}\n"
                              f"kafka: {{bootstrap_servers: ['[::1]:{self.PORT}'], partitions: 2}}\n"
                              f"state: {{directory: {folder}/{kind}}}\nhttp: {{listen: '[::1]:0'}}\n"
                              "log: {format: json}\n")
            with open(folder / f"{kind}.log", "wb") as log:
                daemons.append(subprocess.Popen(["ip", "netns", "exec", self.SPACE, str(BIN / f"kpay-{kind}"),
                                                 "--config", str(config)], stdout=log, stderr=log))
            self.addCleanup(daemons[-1].kill)
        for account, opening in (("alice", "100.00"), ("bob", "0.00")):
            self.inside(ctl, "accounts", "open", account, "--currency", "EUR", "--opening", opening, "--wait")
        sent = self.inside(ctl, "payments", "send", "--from", "alice", "--to", "bob", "--amount", "1.00",
                           "--currency", "EUR", "--wait", "--json")
        self.assertEqual(json.loads(sent.stdout)["status"], "completed")
        self.inside(ctl, "books", "verify", "--wait-idle", 30)  # asks the daemons' HTTP tables too
        for daemon in daemons:
            daemon.send_signal(signal.SIGTERM)
        self.assertEqual([daemon.wait(60) for daemon in daemons], [0, 0, 0, 0])


class CoreDump(unittest.TestCase):
    PORT = 19630

    def test_a_core_dump_resolves_to_source_lines_with_the_separate_debug_file(self):
        if shutil.which("gdb") is None:
            self.skipTest("no gdb: apt-get install gdb")
        for name in SHIPPED:
            self.assertTrue((BIN / ".debug" / f"{name}.debug").exists(), name)
            sections = run("readelf", "--sections", "--wide", BIN / name).stdout
            self.assertNotIn(".debug_info", sections, f"{name} is not stripped")
            self.assertIn(".gnu_debuglink", sections, name)
        rig = Rig(pathlib.Path(tempfile.mkdtemp(prefix="kpay-core-")) / "rig", port=self.PORT, partitions=2)
        self.addCleanup(rig.__exit__)
        self.addCleanup(os.chdir, os.getcwd())
        self.addCleanup(resource.setrlimit, resource.RLIMIT_CORE, resource.getrlimit(resource.RLIMIT_CORE))
        os.chdir(rig.folder)  # where the kernel puts it, with the usual core_pattern
        resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
        pattern = pathlib.Path("/proc/sys/kernel/core_pattern").read_text().strip()
        daemon = rig.add("account", "account-1").start()
        wait_for("it waits for a broker", lambda: daemon.events("DaemonStarted"))
        if "|" in pattern or "/" in pattern or resource.getrlimit(resource.RLIMIT_CORE)[0] == 0:
            run("gcore", "-o", "core", daemon.process.pid)
        daemon.process.send_signal(signal.SIGABRT)
        self.assertEqual(daemon.process.wait(60), -signal.SIGABRT)
        cores = glob.glob("core*")
        self.assertEqual(len(cores), 1, cores)
        told = run("gdb", "-batch", "-ex", "thread apply all bt 12", daemon.binary, cores[0], timeout=300).stdout
        self.assertRegex(told, r"kpay::daemons::\S+.* at .*src/daemons/service/service\.cc:\d+", told[-3000:])


if __name__ == "__main__":
    unittest.main()
