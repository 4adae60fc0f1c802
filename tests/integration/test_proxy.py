"""R11: brokers that refuse the first Produce of each producer and take the second. Nothing is lost,
because the first travels alone: with the planted defect that lets it have company, it is."""

import time
import unittest

from proxy import Proxy
from suite import RigCase, wait_for
from victims import BIN

PAYMENTS = 30_000
KINDS = {"inflight-1": "inflight", "account-1": "account", "account-2": "account", "confirmed-1": "confirmed",
         "throughput-1": "throughput"}


class ProxyCase(RigCase):
    """All daemons meet the broker through the proxy only. What waits for them is a backlog, so that a
    partition's second frame is ready while the first is on its way."""

    PARTITIONS = 1
    DEFECT = ""

    @classmethod
    def setUpClass(cls):
        cls.BROKER = f"advertised.listeners=PLAINTEXT://127.0.0.1:{cls.PORT + 5}\n"
        cls.proxy = Proxy(cls.PORT + 5, cls.PORT).start()
        try:
            super().setUpClass()
        except BaseException:
            cls.proxy.stop()
            raise

    @classmethod
    def prepare(cls, rig):
        for instance, kind in KINDS.items():
            if not (BIN / f"kpay-{kind}").exists():
                raise AssertionError(f"no {BIN}/kpay-{kind}: run scripts/build faults fault_binaries")
            rig.add(kind, instance, binary=BIN / f"kpay-{kind}")

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.proxy.stop()

    def with_a_backlog(self):
        """Stops the daemons, writes payments, and starts them with new producers."""
        for daemon in self.rig.daemons.values():
            daemon.stop()
        self.rig.load("preload", "--count", PAYMENTS, "--accounts", self.ACCOUNTS, "--currency", "EUR", "--seed", 5,
                      capture_output=True)
        self.assertGreater(self.proxy.refusals["kpay.payments.incoming"], 0, "clients' producers meet it as well")
        self.proxy.refusals.clear()
        for daemon in self.rig.daemons.values():
            daemon.env = {"KPAY_PLANTED_BUG": self.DEFECT}
            daemon.start()

    def closed(self):
        return (self.sum_of("settle", "totals", "EUR", "completed_count") +
                self.sum_of("settle", "totals", "EUR", "failed_count") +
                self.sum_of("settle", "totals", "EUR", "failed_at_intake_count"))


class FirstTravelsAlone(ProxyCase):
    PORT = 19730

    @classmethod
    def prepare(cls, rig):
        super().prepare(rig)
        rig.add_journal()

    def test_r11_a_refused_first_produce_loses_nothing(self):
        self.with_a_backlog()
        self.rig.wait_ready()
        wait_for("all payments are closed", lambda: self.closed() == PAYMENTS, timeout=120, every=0.5)
        print(f"refused: {dict(self.proxy.refusals)}", flush=True)
        for topic in ("payments.inflight", "payments.complete", "payments.confirmed", "state.account.changelog"):
            self.assertGreater(self.proxy.refusals[f"kpay.{topic}"], 0, topic)
        self.assertEqual(self.proxy.faults, [])
        self.assert_books_balance()
        self.assert_audited()
        self.assert_oracle_agrees()


class FirstHasCompany(ProxyCase):
    PORT = 19740
    DEFECT = "first_frame_not_alone"

    def test_r11_with_the_planted_defect_the_loss_is_seen(self):
        self.with_a_backlog()

        def told():
            return [event["sender"] for daemon in self.rig.daemons.values() for event in daemon.events("SenderEarly")]

        early = wait_for("somebody misses what was acknowledged, and says so", told)
        time.sleep(5)
        closed = self.closed()
        print(f"closed {closed} of {PAYMENTS}; {early[0]}", flush=True)
        self.assertLess(closed, PAYMENTS, "what was lost came after all: this defect has to lose a frame")


if __name__ == "__main__":
    unittest.main()
