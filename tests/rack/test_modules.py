"""The modules' decisions, without hosts: inventory checks, lease, questions to a cluster, releases, files.
Run by scripts/rack/ansible-env python, which has Ansible."""

import datetime
import io
import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import unittest

import ansible.module_utils
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
ansible.module_utils.__path__.append(str(ROOT / "ansible/plugins/module_utils"))
sys.path.insert(0, str(ROOT / "ansible/plugins/modules"))
sys.dont_write_bytecode = True

import kpay_selfcheck  # noqa: E402
import kpay_validate  # noqa: E402
from ansible.module_utils import kafka_questions, kpay_releases  # noqa: E402
from ansible.module_utils.kpay_lease import Lease, LeaseError  # noqa: E402

TODAY = datetime.date(2026, 11, 22)
PLANES = {"business": ["inflight", "account", "confirmed"], "instrumentation": ["throughput", "journal"], "web": ["gateway"]}


def fleet():
    """A site without a fault."""
    def host(number, domain, instances, node=None):
        return {"planes": ["business", "instrumentation"], "address": "10.0.0.%d" % number, "failure_domain": domain, "kafka_node_id": node,
                "instances": [{"id": i, "daemon": i.split("-")[0], "port": 9101 + n} for n, i in enumerate(instances)]}
    return {"a": host(1, "x", ["account-1", "inflight-1"], 1), "b": host(2, "y", ["account-2", "confirmed-1"], 2),
            "c": host(3, "x", ["throughput-1"], 3)}


def ids(hosts, waivers=(), partitions=8):
    return [f[0] for f in kpay_validate.findings(hosts, PLANES, partitions, 1024, list(waivers), TODAY)[0]]


class SelfCheck(unittest.TestCase):
    def test_each_folder_of_a_configuration_is_another_one(self):
        text = "query:\n  changes: true\n  directory: /var/lib/kpay/j/query\nstate:\n  directory: /var/lib/kpay/j\n"
        self.assertEqual(kpay_selfcheck.with_other_folders(text, "/run/x"), (
            "query:\n  changes: true\n  directory: /run/x/1\nstate:\n  directory: /run/x/2\n", 2))
        self.assertEqual(kpay_selfcheck.with_other_folders("http:\n  listen: a:1\n", "/run/x")[1], 0)


class Inventory(unittest.TestCase):
    def test_a_good_site_has_no_findings(self):
        self.assertEqual(ids(fleet()), [])

    def broken(self, finding, change, **options):
        hosts = fleet()
        change(hosts)
        self.assertEqual(set(ids(hosts, **options)), {finding})

    def test_each_check_names_its_fault(self):
        one = lambda hosts: hosts["a"]["instances"][0]  # noqa: E731
        cases = {
            "INV-ADDRESS": [lambda h: h["a"].update(address="node-a"), lambda h: h["a"].update(address="10.0.0.2")],
            "INV-INSTANCE": [lambda h: one(h).update(id="Account_1"), lambda h: one(h).update(id="account-2")],
            "INV-DAEMON": [lambda h: one(h).update(daemon="acount") or h["c"]["instances"].append(
                {"id": "account-3", "daemon": "account", "port": 9105})],
            "INV-PORT": [lambda h: one(h).update(port=9092), lambda h: one(h).update(port=9102)],
            "INV-MISSING": [lambda h: h["c"]["instances"].clear()],
            "INV-SPREAD": [lambda h: h["b"].update(failure_domain="x") or h["c"].update(failure_domain="y")],
            "INV-QUORUM": [lambda h: h["c"].update(kafka_node_id=None), lambda h: h["c"].update(kafka_node_id=2)],
            "INV-CHANGES": [lambda h: h["c"]["instances"].extend(
                {"id": "journal-%d" % n, "daemon": "journal", "port": 9105 + n, "settings": {"query": {"changes": True}}} for n in (1, 2))],
            "INV-MEMORY": [lambda h: one(h).update(memory_max="512M") or h["a"].update(memory_mb=2100),
                           lambda h: one(h).update(memory_max="half")],
            "INV-ABSENT": [lambda h: h["c"].update(is_absent=True, absent={"reason": "mainboard"}),
                           lambda h: h["c"].update(is_absent=True, absent={"reason": "mainboard", "until": "2026-11-21"}),
                           lambda h: h["c"].update(absent={"reason": "mainboard", "until": "2026-11-23"}),
                           lambda h: h["c"].update(is_absent=True)],
            "INV-PLANE": [lambda h: h["c"].update(planes=["business"]), lambda h: h["c"].update(planes=[]),
                          lambda h: h["c"]["instances"].append({"id": "gateway-1", "daemon": "gateway", "port": 8080})],
        }
        for finding, changes in cases.items():
            for number, change in enumerate(changes):
                with self.subTest(finding, number=number):
                    self.broken(finding, change)

    def test_more_instances_than_partitions(self):
        self.broken("INV-PARTITIONS", lambda hosts: None, partitions=1)

    def test_a_waiver_counts_until_its_date_and_then_is_a_finding_itself(self):
        hosts = fleet()
        hosts["c"]["instances"].clear()
        waiver = {"id": "INV-MISSING", "reason": "throughput comes next week", "until": "2026-11-22"}
        self.assertEqual(ids(hosts, [waiver]), [])
        self.assertEqual(ids(hosts, [{**waiver, "until": "2026-11-21"}]), ["INV-MISSING", "INV-WAIVER"])
        self.assertEqual(ids(hosts, [{**waiver, "reason": "later"}]), ["INV-WAIVER"])


class TheLease(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.now = 1000.0
        self.lease = Lease(folder.name, lambda: self.now)

    def test_one_operation_at_a_time(self):
        self.lease.acquire("op-1", "ada", 1, 60)
        with self.assertRaisesRegex(LeaseError, "op-1 of ada holds this host"):
            self.lease.acquire("op-2", "bob", 2, 60)
        self.lease.check("op-1", 1)

    def test_a_lease_ends_by_itself_and_its_owner_is_fenced_for_good(self):
        self.lease.acquire("op-1", "ada", 1, 60)
        self.now += 61
        with self.assertRaisesRegex(LeaseError, "ended"):
            self.lease.check("op-1", 1)
        self.lease.acquire("op-2", "bob", 2, 60)
        for act in (lambda: self.lease.check("op-1", 1), lambda: self.lease.renew("op-1", 1, 60)):
            with self.assertRaisesRegex(LeaseError, "does not hold"):
                act()
        self.lease.release("op-1", 1)
        self.lease.check("op-2", 2)

    def test_a_lease_that_is_over_can_be_renewed_until_another_takes_it(self):
        self.lease.acquire("op-1", "ada", 1, 60)
        self.now += 61
        self.lease.renew("op-1", 1, 60)
        self.lease.check("op-1", 1)

    def test_a_token_is_never_used_twice(self):
        self.lease.acquire("op-1", "ada", 7, 60)
        self.lease.release("op-1", 7)
        for token in (6, 7):
            with self.assertRaisesRegex(LeaseError, "not above 7"):
                self.lease.acquire("op-2", "bob", token, 60)
        self.lease.acquire("op-2", "bob", 8, 60)

    def test_the_same_operation_takes_itself_up_again(self):
        self.lease.acquire("op-1", "ada", 1, 60)
        self.lease.acquire("op-1", "ada", 1, 60)
        self.lease.check("op-1", 1)


def cluster(*partitions):
    return {"brokers": {1: "a", 2: "b", 3: "c"}, "topics": {"t": [
        {"partition": n, "leader": isr[0] if isr else -1, "replicas": replicas, "isr": isr}
        for n, (replicas, isr) in enumerate(partitions)]}}


class Questions(unittest.TestCase):
    def test_may_a_broker_stop(self):
        all_in = cluster(([1, 2, 3], [1, 2, 3]))
        one_out = cluster(([1, 2, 3], [1, 3]))
        self.assertEqual(kafka_questions.below_minimum_without(all_in, {"t": "2"}, 1), [])
        self.assertEqual(kafka_questions.below_minimum_without(one_out, {"t": "2"}, 1),
                         ["t/0 would have 1 in sync, 2 are needed"])
        self.assertEqual(len(kafka_questions.below_minimum_without(one_out, {"t": "2"}, 2)), 0)

    def test_a_partition_that_can_lose_no_replica_does_not_block_for_ever(self):
        self.assertEqual(kafka_questions.below_minimum_without(cluster(([1], [1])), {"t": "1"}, 1), [])

    def test_can_it_be_written_now(self):
        self.assertEqual(kafka_questions.below_minimum_without(cluster(([1, 2, 3], [3])), {"t": "2"}, None),
                         ["t/0 would have 1 in sync, 2 are needed"])

    def test_whole_means_every_replica(self):
        self.assertEqual(kafka_questions.under_replicated(cluster(([1, 2, 3], [1, 2, 3]), ([1, 2, 3], [2, 1]))),
                         ["t/1 has 2 of 3 replicas in sync"])

    def test_the_quorum_counts_only_who_is_current(self):
        def quorum(ends):
            return {"error": 0, "leader": 1, "voters": {n: {"end": end} for n, end in enumerate(ends, 1)}}
        self.assertEqual(kafka_questions.quorum_without(quorum([900, 900, 890]), 3, 100), [])
        self.assertEqual(kafka_questions.quorum_without(quorum([900, 900, 10]), 2, 100),
                         ["1 of 3 voters would be current, 2 are needed"])


def module(name, arguments, check=False):
    """Runs a module as Ansible does: (exit code, answer)."""
    text = json.dumps({"ANSIBLE_MODULE_ARGS": {**arguments, "_ansible_check_mode": check, "_ansible_diff": True}})
    starter = ("import sys, runpy, ansible.module_utils; ansible.module_utils.__path__.append(%r); "
               "sys.argv = ['x']; runpy.run_path(%r, run_name='__main__')" % (
                   str(ROOT / "ansible/plugins/module_utils"), str(ROOT / "ansible/plugins/modules" / (name + ".py"))))
    done = subprocess.run([sys.executable, "-B", "-c", starter], input=text, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout.strip().splitlines()[-1])


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, content, check=False, secret=False):
        return module("kpay_files", {
            "folders": [{"path": str(self.folder / "d")}],
            "files": [{"path": str(self.folder / "d/f"), "content": content, "mode": "0600", "secret": secret}]}, check)[1]

    def test_writes_once_and_then_changes_nothing(self):
        self.assertTrue(self.write("a\n")["changed"])
        stamp = (self.folder / "d/f").stat().st_mtime_ns
        self.assertFalse(self.write("a\n")["changed"])
        self.assertEqual((self.folder / "d/f").stat().st_mtime_ns, stamp)

    def test_check_mode_tells_and_does_nothing(self):
        answer = self.write("a\n", check=True)
        self.assertTrue(answer["changed"])
        self.assertFalse((self.folder / "d").exists())

    def test_a_secret_is_not_shown(self):
        self.write("old-secret\n", secret=True)
        answer = self.write("new-secret\n", secret=True)
        self.assertTrue(answer["changed"])
        self.assertNotIn("secret\\n", json.dumps(answer["diff"]))


class Releases(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def archive(self, content=b"one", name="kpay/bin/x"):
        path = self.root / "a.tar.gz"
        with tarfile.open(path, "w:gz") as tar:
            about = tarfile.TarInfo(name)
            about.size = len(content)
            tar.addfile(about, io.BytesIO(content))
        return path, kpay_releases.sha256_of(path)

    def put(self, path, sha):
        return module("kpay_release", {"root": str(self.root), "sha256": sha, "archive": str(path)})

    def test_unpacks_what_has_the_right_checksum(self):
        path, sha = self.archive()
        self.assertTrue(self.put(path, sha)[1]["changed"])
        self.assertEqual((self.root / "releases" / sha[:12] / "bin/x").read_bytes(), b"one")
        self.assertFalse(module("kpay_release", {"root": str(self.root), "sha256": sha})[1]["missing"])

    def test_refuses_another_checksum(self):
        path, unused = self.archive()
        code, answer = self.put(path, "0" * 64)
        self.assertNotEqual(code, 0)
        self.assertIn("nothing was unpacked", answer["msg"])
        self.assertFalse((self.root / "releases").exists())

    def test_a_file_that_changed_later_is_found(self):
        path, sha = self.archive()
        self.put(path, sha)
        (self.root / "releases" / sha[:12] / "bin/x").write_bytes(b"two")
        answer = module("kpay_release", {"root": str(self.root), "sha256": sha})[1]
        self.assertTrue(answer["missing"])
        self.assertIn("bin/x", answer["problem"])

    def test_nothing_is_unpacked_outside_of_its_folder(self):
        path, sha = self.archive(name="../evil")
        code, answer = self.put(path, sha)
        self.assertNotEqual(code, 0)
        self.assertIn("no plain file", answer["msg"])


class Roles(unittest.TestCase):
    def test_argument_specs_are_the_defaults(self):
        for folder in sorted((ROOT / "ansible/roles").iterdir()):
            with self.subTest(folder.name):
                defaults = yaml.safe_load((folder / "defaults/main.yml").read_text())
                options = yaml.safe_load((folder / "meta/argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
                self.assertEqual(set(defaults), set(options))
                for name, option in options.items():
                    if "{{" not in str(defaults[name]):
                        self.assertEqual(option.get("default"), defaults[name], name)

    def test_only_the_controllers_own_tasks_run_in_check_mode(self):
        """check_mode: false makes --check a lie, except for what stays on the controller."""
        allowed = {"certificates/tasks/main.yml", "certificates/tasks/tools.yml"}
        found = {str(path.relative_to(ROOT / "ansible/roles")) for path in (ROOT / "ansible").rglob("*.yml")
                 if "check_mode: false" in path.read_text()}
        self.assertEqual(found, allowed)


if __name__ == "__main__":
    unittest.main()
