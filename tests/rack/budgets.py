"""Gates on what the system says as a whole, or when it stops: standbys, lag, dead letters, the auditor, drain records. A part
of test_rack.py."""

import tempfile

import rack as lab
from load import Load
from rack import Meanwhile, Play
from releases import made_release, other_build

STANDBY = "daemon: account, port: 9101, memory_max: 512M, settings: {state: {standbys: true}}"


class Budgets:
    """Mixed into the test case of test_rack.py."""

    def undone(self, play, why, before):
        """The upgrade of other_build was undone for that reason, and account-1 alone was ever touched."""
        self.fails(play, "UPGRADE: undone, every instance runs what it had. GATE " + why)
        after = self.processes()
        self.assertEqual([unit for unit in before if after[unit] != before[unit]], ["kpay-account@account-1.service"])
        self.assertEqual(Play("deploy").ok().changed(), {})

    def test_51_standbys_that_do_not_follow(self):
        """They are declared, and run, and follow nobody: what the instance has, none could go on with at once."""
        with tempfile.TemporaryDirectory(dir=lab.ROOT / "build/rack", prefix="alone-") as folder:
            lab.copy_of_inventory(folder, {"id: account-%d, %s" % (number, STANDBY): "id: account-%d, %s" % (
                number, STANDBY.replace("true", "false")) for number in (2, 3, 4)})
            Play("deploy", "-e", "kpay_only=account", inventory=folder).ok()
        try:
            self.stopped_before("GATE before account-1 is shut: nobody follows account/", "rolling_restart",
                                "-e", "kpay_only=account-1", "-e", "kpay_gate_timeout_s=8")
        finally:
            lab.unlock()
            Play("deploy").ok()
        Play("rolling_restart", "-e", "kpay_only=account-1").ok()

    def test_52_a_lag_beyond_its_budget(self):
        """Intake is paused and clients go on sending: more waits than may. Nothing of it is lost."""
        Play("drain", "-e", "scope=pipeline", "-e", "reason=a test").ok()
        try:
            load = Load(lab.RATE, 30, patience_s=600)
            self.addCleanup(load.end)
            before = self.processes()
            play = Play("rolling_restart", "-e", "kpay_only=throughput-1", "-e", "kpay_lag_max=50", "-e", "kpay_gate_timeout_s=8")
            self.fails(play, "GATE before throughput-1 is shut: intake/")
            self.assertRegex(play.said(), r"intake/\d on inflight-1 lags \d+ records")
            self.untouched(before)
        finally:
            lab.unlock()
            Play("resume", "-e", "scope=pipeline").ok()
        self.nothing_lost(load.report())
        self.books_are_equal()
        Play("rolling_restart", "-e", "kpay_only=throughput-1").ok()

    def test_53_dead_letters_while_a_canary_is_watched(self):
        """The canary is well; what goes wrong in its time counts against it all the same."""
        before = self.processes()
        letter = Meanwhile("after account-1", lambda: lab.append("payments.incoming", "no command"))
        try:
            play = Play("upgrade", "-e", "kpay_only=account-1", "-e", "operation_soak_s=60", release=made_release("other", other_build))
            self.assertTrue(letter.end(), "no dead letter was made: the run did not come to its soak. " + play.text[-2000:])
            self.undone(play, "soak of account-1 is shut:", before)
            self.assertRegex(play.said(), r"\d+ dead letters are open, \d+ were at the beginning")
        finally:
            letter.end()
            code, answer = lab.kpayctl("dlq", "discard", "--cause", "undecodable", "--reason", "a test", "--yes")
        self.assertEqual(code, 0, answer)
        self.books_are_equal()

    def test_54_a_gate_that_shuts_behind_the_canary(self):
        """The canary was good, and then something else goes wrong: it is taken back, too. When the auditor speaks again, the
        end is verified."""
        before = self.processes()
        silent = Meanwhile("soak of account-1", lambda: lab.freeze("node3", "kpay-journal@journal-1"))
        again = Meanwhile("back account-1", lambda: lab.thaw("node3", "kpay-journal@journal-1"))
        try:
            play = Play("upgrade", "-e", "kpay_only=account", "-e", "operation_soak_s=1", "-e", "kpay_gate_timeout_s=20",
                        release=made_release("other", other_build))
        finally:
            silent.end()
            if not again.end():
                lab.thaw("node3", "kpay-journal@journal-1")
        self.undone(play, "before account-2 is shut: not conserved, says the auditor", before)
        self.books_are_equal()

    def test_55_a_stop_without_drain_records(self):
        """It is killed when it is told to stop. The run ends at it, calls it unclean, and touches no other."""
        place = "/run/systemd/system/kpay-account@account-2.service.d"
        before = self.processes()
        lab.on("node2", "mkdir -p %s && printf '[Service]\\nExecStop=+/bin/kill -KILL $MAINPID\\n' > %s/dies.conf && systemctl daemon-reload"
               % (place, place))
        try:
            play = Play("rolling_restart", "-e", "kpay_only=account")
        finally:
            lab.on("node2", "rm -r %s && systemctl daemon-reload" % place)
        self.fails(play, "DRAIN: account-2 did not drain cleanly: it ended with 9")
        after = self.processes()
        self.assertNotIn("kpay-account@account-2.service", {unit for unit, pid in after.items() if pid != "0"})
        for unit in ("kpay-account@account-3.service", "kpay-account@account-4.service"):
            self.assertEqual(after[unit], before[unit])
        Play("resume", "-e", "host=node2").ok()
        self.books_are_equal()
