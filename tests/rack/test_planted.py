"""That the planted gates (planted.py) and the list of tests (docs/operating.md) are those of the rack's tests. No rack needed.
Run by scripts/rack/ansible-env python, which has Ansible."""

import re
import unittest

import yaml

from test_modules import ROOT
from planted import PLANTED, replaced

TEST = re.compile(r"    def test_(\d\d)_")
ROW = re.compile(r"(?m)^\| (\d\d(?:, \d\d)*) \| (.*?) \|")


def numbers():
    """Of each test, once for each time that it is there."""
    return sorted(match.group(1) for path in (ROOT / "tests/rack").glob("*.py")
                  for match in map(TEST.match, path.read_text().splitlines()) if match)


def rows():
    """{number: what it shows} of the table in docs/operating.md."""
    text = (ROOT / "docs/operating.md").read_text().split("| test | what it shows")[1]
    return {number: what for both, what in ROW.findall(text) for number in both.split(", ")}


class Planted(unittest.TestCase):
    def test_every_decision_is_there_once_and_what_is_planted_can_be_read(self):
        for number, path, decision, always, unused in PLANTED:
            with self.subTest(number, path=path):
                text = replaced(path, decision, always)
                if path.endswith(".py"):
                    compile(text, path, "exec")
                else:
                    self.assertTrue(yaml.safe_load(text))

    def test_one_that_is_not_there_once_is_named(self):
        for decision in ("no such decision", "\n"):
            with self.assertRaisesRegex(SystemExit, "1 is right"):
                replaced("playbooks/open.yml", decision, "")

    def test_every_gate_is_planted(self):
        gates = {number for number, what in rows().items() if "gate:" in what}
        self.assertEqual(gates - {number for number, *unused in PLANTED}, set())

    def test_what_spends_the_log_comes_last(self):
        self.assertEqual([number for number, *unused in PLANTED], sorted(number for number, *unused in PLANTED))


class TheTable(unittest.TestCase):
    def test_every_test_has_a_number_of_its_own_and_a_row(self):
        self.assertEqual(numbers(), sorted(rows()))


if __name__ == "__main__":
    unittest.main()
