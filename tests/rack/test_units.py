"""The units: exposure at most 1.5, and systemd takes them. No rack needed."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

UNITS = pathlib.Path(__file__).resolve().parents[2] / "systemd"
EXPOSURE_MAX = 15  # tenths
DAEMONS = sorted(path.name for path in UNITS.glob("kpay-*@.service"))


class Units(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(tempfile.mkdtemp(prefix="kpay-units-"))
        cls.addClassCleanup(shutil.rmtree, cls.root)
        shutil.copytree(UNITS, cls.root / "etc/systemd/system")

    def exposure(self, unit):
        return subprocess.run(["systemd-analyze", "security", "--offline=true", "--root=%s" % self.root,
                               "--threshold=%d" % EXPOSURE_MAX, "--no-pager", unit],
                              capture_output=True, text=True, check=False)

    def test_every_daemon_has_a_unit(self):
        self.assertEqual(DAEMONS, ["kpay-account@.service", "kpay-confirmed@.service", "kpay-gateway@.service",
                                   "kpay-inflight@.service", "kpay-journal@.service", "kpay-throughput@.service"])

    def test_exposure_is_at_most_1_5(self):
        for unit in [name.replace("@", "@x-1") for name in DAEMONS] + ["kafka.service", "monitor-kpay.service"]:
            with self.subTest(unit):
                done = self.exposure(unit)
                self.assertEqual(done.returncode, 0, done.stdout[-300:] + done.stderr)

    def test_without_the_common_settings_a_unit_is_exposed(self):
        """The check can fail: the daemons' own files alone are far above the limit."""
        shutil.move(self.root / "etc/systemd/system/kpay-.service.d", self.root / "aside")
        try:
            self.assertNotEqual(self.exposure("kpay-account@x-1.service").returncode, 0)
        finally:
            shutil.move(self.root / "aside", self.root / "etc/systemd/system/kpay-.service.d")

    def test_exit_codes_that_no_restart_helps_are_those_of_the_daemons(self):
        header = (UNITS.parent / "src/daemons/service/exit_codes.h").read_text()
        numbers = {name: line.split("=")[1].split(";")[0].strip() for line in header.splitlines()
                   for name in ("kExitUsage", "kExitConfig", "kExitFenced", "kExitCorrupt") if name + " =" in line}
        wanted = "RestartPreventExitStatus=" + " ".join(
            numbers[name] for name in ("kExitUsage", "kExitConfig", "kExitFenced", "kExitCorrupt"))
        self.assertIn(wanted, (UNITS / "kpay-.service.d/10-kpay.conf").read_text().splitlines())


if __name__ == "__main__":
    unittest.main()
