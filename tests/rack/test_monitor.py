"""The monitor's rules and settings, without hosts. promtool, where it is installed, reads and tries them. Run by
scripts/rack/ansible-env python, which has Ansible."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROLE = ROOT / "ansible/roles/monitor"
PROMTOOL = os.environ.get("PROMTOOL") or shutil.which("promtool")
TELEMETRY = (ROOT / "docs/telemetry.md").read_text()
RULES = [rule for group in yaml.safe_load((ROLE / "files/alerts.yml").read_text())["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((ROLE / "files/dashboard.json").read_text())


def expressions():
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for panel in DASHBOARD["panels"]:
        yield panel["title"], panel["targets"][0]["expr"]


def settings():
    """The lab's prometheus.yml, as the role would write it."""
    with tempfile.TemporaryDirectory(prefix="kpay-monitor-") as folder:
        archive = pathlib.Path(folder) / "kpay.tar.gz"
        archive.with_name("kpay.tar.gz.sha256").write_text("0" * 64 + "  kpay.tar.gz\n")
        words = ["ansible", "node3", "--playbook-dir", "ansible/playbooks", "-m", "ansible.builtin.copy", "-c", "local", "-a",
                 "dest=%s/out content={{ lookup('ansible.builtin.template', '%s') }}" % (folder, ROLE / "templates/prometheus.yml.j2"),
                 "-e", "@%s" % (ROLE / "defaults/main.yml"), "-e", "ansible_python_interpreter=/usr/bin/python3"]
        done = subprocess.run(words, cwd=ROOT, env={**os.environ, "KPAY_RELEASE": str(archive)}, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(done.stdout + done.stderr)
        return (pathlib.Path(folder) / "out").read_text()


class TheRules(unittest.TestCase):
    def test_every_alert_has_a_page_that_is_there_and_is_listed(self):
        index = (ROOT / "docs/runbooks/README.md").read_text()
        for rule in RULES:
            page = rule["annotations"]["runbook"]
            with self.subTest(rule["alert"]):
                self.assertIn(rule["labels"]["severity"], ("page", "ticket"))
                self.assertTrue((ROOT / "docs/runbooks" / page).exists(), page)
                self.assertIn("(%s)" % page, index)

    def test_every_metric_and_event_is_one_that_daemons_have(self):
        for where, text in expressions():
            with self.subTest(where):
                names = set(re.findall(r"\bkpay_[a-z_]+", text))
                self.assertTrue(names or "up" in text)
                for name in names:
                    self.assertIn("| `%s` |" % name, TELEMETRY)
                for events in re.findall(r'event=~?"([^"]+)"', text):
                    for event in events.split("|"):
                        self.assertIn("| `%s` |" % event, TELEMETRY)

    @unittest.skipUnless(PROMTOOL, "no promtool: Debian's package prometheus has it")
    def test_alerts_come_when_they_should_and_not_before(self):
        done = subprocess.run([PROMTOOL, "test", "rules", str(ROOT / "tests/rack/alerts_test.yml")], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class TheSettings(unittest.TestCase):
    def test_every_instance_is_asked_once_and_the_gateway_where_it_listens(self):
        text = settings()
        jobs = {job["job_name"]: job for job in yaml.safe_load(text)["scrape_configs"]}
        asked = [target for job in jobs.values() for one in job["static_configs"] for target in one["targets"]]
        self.assertEqual(len(asked), 10)
        self.assertEqual(len(set(asked)), 10)
        self.assertIn("10.77.0.14:9101", asked)
        self.assertEqual(jobs["kpay"]["scheme"], "https")
        self.assertEqual(jobs["kpay-gateway"]["static_configs"][0]["targets"], ["127.0.0.1:8080"])
        if PROMTOOL:
            with tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder) / "prometheus.yml"
                path.write_text(text)
                done = subprocess.run([PROMTOOL, "check", "config", "--syntax-only", str(path)], capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
