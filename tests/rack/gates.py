"""Gates beyond those of deploying and restarting, each with its fault injected. A part of test_rack.py."""

import tempfile
import time

import rack as lab
from certificates import ending_in
from load import Load, Loads
from rack import Play
from releases import AHEAD, RELEASE, ahead, ahead_and_dying, made_release, other_build, wrapped

ONE = ("-e", "kpay_only=throughput-1")  # where a gate is planted to say ok, no more than this is touched

def freezing_account(folder):
    """Starts well and is ready, and then does nothing more."""
    wrapped(folder, '(sleep 25; kill -STOP $$) &\nexec "$(dirname "$0")/kpay-account.real" "$@"\n')


class Gates:
    """Mixed into the test case of test_rack.py."""

    def stopped_before(self, message, *play, **options):
        """The play is stopped with this message, and no daemon was touched."""
        before = self.processes()
        self.fails(Play(*play, **options), message)
        self.assertEqual(self.processes(), before)

    def test_40_an_instance_on_a_host_of_another_plane(self):
        with tempfile.TemporaryDirectory(dir=lab.ROOT / "build/rack", prefix="broken-") as folder:
            lab.copy_of_inventory(folder, {"daemon: throughput": "daemon: confirmed"})
            self.fails(Play("verify", inventory=folder), "INV-PLANE node3: throughput-1 is of plane business")

    def test_41_a_full_disk(self):
        lab.on("node5", "mount -t tmpfs -o size=8m tmpfs /opt/kpay/archives")
        try:
            self.stopped_before("PRE-DISK /opt/kpay/archives has 8 MB free", "rolling_restart", *ONE)
        finally:
            lab.on("node5", "umount /opt/kpay/archives")

    def test_42_an_expired_certificate(self):
        place = "/etc/kpay/account-3/credentials/tls.crt"
        lab.on("node4", "cp -a %s /root/kept.crt" % place)
        lab.rack("ssh", "node4", "cat > " + place, stdin=ending_in(-1))
        try:
            self.stopped_before("PRE-CERT %s expired" % place, "rolling_restart", *ONE)
        finally:
            lab.on("node4", "mv /root/kept.crt " + place)

    def test_43_an_unclean_drain(self):
        """A daemon that can't write its clean markers is not called drained; its host stays in service, all of it."""
        before = self.processes()
        with lab.frozen("node4", "kpay-account@account-3"):
            play = Play("drain", "-e", "host=node4", "-e", "kpay_standstill=true", "-e", "kpay_gate_timeout_s=8")
        self.fails(play, "DRAIN: account-3 did not drain cleanly")
        self.untouched(before)
        Play("resume", "-e", "host=node4").ok()

    def test_44_a_canary_that_freezes_in_its_soak_is_taken_back_by_itself(self):
        release, before = made_release("freezing", freezing_account), self.processes()
        self.rest()
        play, report = self.measured("upgrade that is undone", Loads(lab.RATE),
                                     lambda: Play("upgrade", "-e", "operation_soak_s=90", release=release))
        self.fails(play, "UPGRADE: undone, every instance runs what it had")
        # By its own gates, not by that of the next instance; on a busy machine it may be frozen before its soak.
        self.assertRegex(play.said(), "GATE (soak of|after) account-1 is shut")
        after = self.processes()
        self.assertEqual([unit for unit in before if after[unit] != before[unit]], ["kpay-account@account-1.service"])
        self.assertEqual(Play("deploy").ok().changed(), {})
        self.nothing_lost(report)
        self.books_are_equal()

    def test_45_an_upgrade_that_could_not_be_undone_does_not_begin(self):
        link = lab.on("node5", "readlink -f /opt/kpay/instances/account-4").strip()
        lab.on("node5", "cp -a %s/bin/kpayctl /root/kept && echo x >> %s/bin/kpayctl" % (link, link))
        try:
            self.stopped_before("could not be taken back to release", "upgrade", "-e", "kpay_only=account-4",
                                release=made_release("other", other_build))
        finally:
            lab.on("node5", "mv /root/kept %s/bin/kpayctl" % link)

    def without_node5(self, until, *play):
        """The play, by an inventory that declares node5 absent until that date."""
        with tempfile.TemporaryDirectory(dir=lab.ROOT / "build/rack", prefix="absent-") as folder:
            lab.copy_of_inventory(folder, {
                "failure_domain: rack-b\n      kpay_instances:\n        - {id: account-4":
                "failure_domain: rack-b\n      kpay_absent: {reason: mainboard is on its way, until: '%s'}\n"
                "      kpay_instances:\n        - {id: account-4" % until,
                "    absent:\n      hosts: {}": "    absent:\n      hosts: {node5: {}}"})
            return Play(*play, inventory=folder)

    def test_46_a_host_that_is_declared_absent_blocks_nothing(self):
        """Until the date that was declared; from then on the run is stopped before any host is touched."""
        before = self.processes()
        lab.rack("kill", "node5")
        try:
            self.fails(self.without_node5("2020-01-01", "rolling_restart", *ONE),
                       "INV-ABSENT node5: was declared absent until 2020-01-01, which is over")
            after = self.processes_but("node5")
            self.assertEqual(after, {unit: before[unit] for unit in after})
            time.sleep(15)
            self.without_node5("2099-01-01", "rolling_restart", *ONE).ok()
            self.assertNotEqual(self.processes_but("node5")["kpay-throughput@throughput-1.service"],
                                before["kpay-throughput@throughput-1.service"])
        finally:
            lab.rack("start", "node5")
        Play("resume", "-e", "host=node5").ok()

    def test_47_an_auditor_that_says_nothing(self):
        lab.on("node3", "systemctl stop kpay-journal@journal-1")
        try:
            self.stopped_before("GATE before account-1 is shut: not conserved, says the auditor", "rolling_restart",
                                "-e", "kpay_only=account-1", "-e", "kpay_gate_timeout_s=8")
        finally:
            lab.on("node3", "systemctl start kpay-journal@journal-1")
        Play("verify").ok()

    def test_49_a_canary_of_another_logic_version_without_a_switch_record(self):
        """It takes nothing over and emits nothing (R21), so it can be taken back."""
        before = self.processes()
        play = Play("upgrade", "-e", "operation_soak_s=5", "-e", "kpay_gate_timeout_s=30", release=made_release("ahead", ahead))
        self.fails(play, "refused by version")
        self.assertIn("UPGRADE: undone, every instance runs what it had", play.said())
        after = self.processes()
        self.assertEqual([unit for unit in before if after[unit] != before[unit]], ["kpay-account@account-1.service"])
        self.books_are_equal()

    def logic(self, *words):
        """What the kpayctl of the next logic version answered."""
        code, answer = lab.kpayctl("logic", *words, program=AHEAD / "kpayctl")
        self.assertEqual(code, 0, answer)
        return answer

    def test_98_another_logic_version_that_has_emitted_and_then_dies(self):
        """Behind its switch records the former release can't have the state back. The run stops; what was sent waits in the
        log; a release of the same version that lives goes on from there. This rack stays with that version."""
        dying = made_release("dying", ahead_and_dying)
        version = self.logic("show")["this_build"]["version"]
        self.logic("switch", "--to", str(version), "--reason", "a test", "--yes")
        lab.stop_all()
        load = Load(20, 30, patience_s=1500)
        self.addCleanup(load.end)
        # It lives for 30 s at first: the last gate reads for longer.
        self.fails(Play("deploy", "-e", "operation_readings=40", release=dying), "account-")
        emitted = [task for task in self.logic("show")["tasks"] if task["task"].startswith("account/") and not task["switched"]]
        self.assertTrue(emitted, "no task of account went on behind its switch record")
        lab.stop_all()
        self.fails(Play("deploy", release=RELEASE), "refused by version")
        lab.stop_all()
        Play("deploy", release=made_release("ahead", ahead)).ok()
        self.nothing_lost(load.report())
        self.books_are_equal()

    def test_99_broken_books(self):
        """A public result that no payment stands for. It stays in the log, so this is the end of this rack."""
        lab.append("payments.confirmed", "forged")
        deadline = time.time() + 60
        while lab.kpayctl("audit", "show")[1].get("statement", {}).get("state") != "broken" and time.time() < deadline:
            time.sleep(2)
        self.stopped_before("GATE before throughput-1 is shut: not conserved, says the auditor: broken", "rolling_restart",
                            *ONE, "-e", "kpay_gate_timeout_s=8")
        lab.rack("down")
