"""Operations on the rack under load, beyond deploying and restarting. A part of test_rack.py."""

import json
import shutil
import tarfile
import tempfile
import time

import figures
import load as loads
import rack as lab
from load import Load, Loads
from rack import Play
from releases import RELEASE, made_release, other_build

RATE, REST_S = lab.RATE, 30


class Operations:
    """Mixed into the test case of test_rack.py."""

    rested = False

    def measured(self, operation, load, work):
        """What the work gave, done while payments come from outside. None may be lost; the figures are kept."""
        self.addCleanup(load.end)
        begun = time.time()
        done, report, stalls = loads.under(load, work)
        seconds = done.seconds if done else time.time() - begun
        line = figures.note(figures.line_of(operation, seconds, RATE, report, stalls, test=self._testMethodName[5:7],
                                             release=lab.release_name()))
        print("\n" + " | ".join(figures.row_of(line, None)))
        if done is None or done.code == 0:
            self.nothing_lost(report)
        return done, report

    def rest(self):
        """The same rack with nothing done to it, once in a run: what the figures of operations stand beside."""
        if not Operations.rested:
            self.measured(figures.REST, Load(RATE, REST_S), lambda: time.sleep(REST_S - 10))
            Operations.rested = True

    def under_load(self, *play, seconds=0, **options):
        """The play, done while payments come from outside, for as long as it takes, or for so many seconds."""
        self.rest()
        done, report = self.measured(play[0], Load(RATE, seconds) if seconds else Loads(RATE), lambda: Play(*play, **options))
        done.ok()
        self.nothing_lost(report)
        self.books_are_equal()
        return done

    def nothing_lost(self, report):
        self.assertEqual(report["unanswered"], 0, report)
        self.assertEqual(report["confirmed"] + report["failed_count"] + report["rejected"], report["sent"])
        self.assertGreater(report["confirmed"], 0, "no payment was confirmed: are there accounts? (test 02 opens them)")

    # ---- the planes, and what is planned

    def test_12_payments_flow_while_every_other_plane_is_stopped(self):
        units = "kpay-throughput@throughput-1 kpay-journal@journal-1 kpay-gateway@gateway-1"
        lab.on("node3", "systemctl stop " + units)
        try:
            load = Load(RATE, 15)
            self.addCleanup(load.end)
            self.nothing_lost(load.report())
        finally:
            lab.on("node3", "systemctl start " + units)
        self.books_are_equal()

    def test_13_a_plan_changes_nothing_and_its_hash_can_be_insisted_on(self):
        other = made_release("other", other_build)
        before = self.processes()
        plan = Play("deploy", "-e", "plan_only=true", release=other).ok()
        found = lab.plan_hash(plan)
        self.assertRegex(plan.said(), "a pause of about|its pause was never measured")
        self.assertEqual(self.processes(), before)
        self.fails(Play("deploy", "-e", "plan_hash=%s" % found, release=RELEASE), "something has changed since it was looked at")
        self.assertEqual(self.processes(), before)

    # ---- operations under load

    def test_14_upgrade_by_canary_and_rollback_under_load(self):
        other = made_release("other", other_build)
        play = self.under_load("upgrade", "-e", "operation_soak_s=15", release=other)
        self.assertEqual(len(play.steps("restart ")), lab.INSTANCES)
        back = self.under_load("rollback", release=RELEASE)
        self.assertEqual(len(back.steps("restart ")), lab.INSTANCES)

    def test_15_scale_out_to_one_more_host_and_in_again_under_load(self):
        with tempfile.TemporaryDirectory(dir=lab.ROOT / "build/rack", prefix="wider-") as folder:
            lab.copy_of_inventory(folder, {
                "      kpay_instances:\n        - {id: throughput-1": "      kpay_instances:\n"
                "        - {id: account-5, daemon: account, port: 9105, settings: {state: {standbys: true}}}\n"
                "        - {id: throughput-1",
                "node5: {}}\n        instrumentation": "node5: {}, node3: {}}\n        instrumentation"})
            play = self.under_load("scale_out", inventory=folder)
        self.assertEqual([line["step"] for line in play.steps("start ")], ["start account-5"])
        self.assertTrue(lab.tasks_of("account-5"))
        self.under_load("scale_in")
        self.assertEqual(lab.on("node3", "ls /etc/kpay").split(), ["gateway-1", "journal-1", "throughput-1"])
        self.assertEqual(lab.tasks_of("account-5"), [])

    def test_16_wipe_and_rebuild_of_one_instance_under_load(self):
        play = self.under_load("wipe_and_rebuild", "-e", "instance=account-2")
        step = play.steps("rebuild account-2")[0]
        self.assertTrue(step["drain"]["clean"])
        self.assertTrue(step["aside"].endswith("/.wiped/account-2"))
        self.assertTrue(step["restored"]["tasks"])
        # The runtime takes only a state whose hash the log's markers confirm. Tasks that nobody had meanwhile
        # (the restart was quicker than the group's session timeout) must be exactly what was drained, too.
        straight = set(step["restored"]["tasks"]) & set(step["drain"]["tasks"]) - set(step["restored"]["elsewhere_meanwhile"])
        print("rebuilt from the log: %d tasks, %d of them straight" % (len(step["restored"]["tasks"]), len(straight)))
        self.assertEqual({t: step["restored"]["tasks"][t] for t in straight}, {t: step["drain"]["tasks"][t] for t in straight})

    def test_17_maintenance_of_a_host_with_a_reboot_under_load(self):
        before = self.processes()
        play = self.under_load("host_maintenance", "-e", "host=node1", "-e", '{"maintenance_commands": ["touch /root/patched"]}')
        self.assertEqual(lab.on("node1", "ls /root/patched").strip(), "/root/patched")
        self.assertTrue(play.steps("stop kafka"))
        self.assertEqual(lab.on("node1", "systemctl is-active kafka").strip(), "active")
        after = self.processes()
        self.assertEqual({unit for unit in before if before[unit] != after[unit]},
                         {"kpay-account@account-1.service", "kpay-confirmed@confirmed-1.service"})

    def test_18_pipeline_drain_and_resume(self):
        play = Play("drain", "-e", "scope=pipeline", "-e", "reason=a test").ok()
        after = play.steps("pipeline drained")[0]["after"]
        self.assertTrue(after["drained"])
        Play("resume", "-e", "scope=pipeline").ok()
        self.books_are_equal()

    def test_19_bootstrap_after_everything_stopped(self):
        lab.stop_all()
        for node in lab.NODES[:3]:
            lab.on(node, "systemctl stop --no-block kafka")
        for node in lab.NODES[:3]:
            lab.on(node, "systemctl kill --signal=KILL kafka; systemctl stop kafka || true")
        play = Play("bootstrap", timeout=3600).ok()
        order = [line["step"].split()[1].split("-")[0] for line in play.steps("start ")]
        self.assertEqual(order[:3], ["kafka"] * 3)
        self.assertLess(max(i for i, one in enumerate(order) if one == "account"), order.index("inflight"))
        self.assertLess(order.index("throughput"), order.index("account"))
        self.books_are_equal()

    def test_30_rotation_of_every_secret_under_load(self):
        before = (lab.CONTROLLER / "kpay-account.password").read_text()
        # One load of which the password is the old one: it keeps its connections. A client that begins meanwhile needs the
        # password that the brokers have just then.
        play = self.under_load("rotate_secrets", seconds=lab.LOAD_S)
        self.assertNotEqual((lab.CONTROLLER / "kpay-account.password").read_text(), before)
        self.assertEqual(len(play.steps("restart kafka")), 3)
        self.assertEqual(Play("site").ok().changed(), {})

    def monitored(self, question):
        """What Prometheus answers, asked on its own host."""
        script = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:9090/api/v1/%s', timeout=10).read().decode())"
        return json.loads(lab.rack("ssh", "node3", "python3 -", stdin=(script % question).encode()))["data"]

    def firing(self):
        """Names of the alerts that call somebody; those about what former tests did may be among them."""
        return {one["labels"]["alertname"] for one in self.monitored("alerts")["alerts"] if one["state"] == "firing"}

    def test_50_the_monitor_hears_every_instance_and_calls_when_one_is_gone(self):
        time.sleep(15)
        targets = self.monitored("targets?state=active")["activeTargets"]
        self.assertEqual({one["labels"]["unit"]: one["health"] for one in targets}, {unit.split("@")[1][:-8]: "up" for unit in self.processes()})
        self.assertFalse({"InstanceDown", "HostDown", "NotConserved"} & self.firing())
        lab.on("node5", "systemctl stop kpay-confirmed@confirmed-2")
        try:
            deadline = time.time() + 180
            while "InstanceDown" not in self.firing() and time.time() < deadline:
                time.sleep(5)
            self.assertIn("InstanceDown", self.firing())
            self.assertNotIn("HostDown", self.firing())
        finally:
            lab.on("node5", "systemctl start kpay-confirmed@confirmed-2")

    def test_31_a_bundle_has_what_is_needed_and_no_secret(self):
        Play("bundle").ok()
        path = sorted((lab.CONTROLLER / "bundles").glob("*.tar.gz"))[-1]
        with tarfile.open(path) as tar:
            files = {one.name.split("/", 1)[1]: tar.extractfile(one).read().decode() for one in tar.getmembers()}
        self.assertIn("node4/logs/kpay-inflight@inflight-1.service.txt", files)
        self.assertTrue(json.loads(files["status.json"])["answer"]["instances"])
        whole = "\n".join(files.values())
        for secret in lab.CONTROLLER.glob("*.password"):
            self.assertNotIn(secret.read_text().strip(), whole, secret.name)
        self.assertNotIn("PRIVATE KEY", whole)
        shutil.rmtree(lab.CONTROLLER / "bundles")

    def test_32_each_operation_leaves_its_evidence(self):
        Play("rolling_restart", "-e", "kpay_only=throughput-1").ok()
        folder = lab.operations()[-1]
        evidence = json.loads((folder / "evidence.json").read_text())
        self.assertEqual(len(evidence["tasks"]), 5 * lab.PARTITIONS)
        self.assertEqual(evidence["audit"]["state"], "conserved")
        self.assertTrue(any("gate" in line for line in lab.journal(folder)))
