#!/usr/bin/env python3
"""The checkers of simulator and oracle are those of the table in docs/trust.md: each has a line that
says where it is looked at and what it was shown to find, and no verdict goes without its name."""

import re
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SIM, ORACLE = ROOT / "tests" / "sim", ROOT / "tests" / "oracle"
sys.path.insert(0, str(ORACLE))

import checkers  # noqa: E402


def table():
    """{name: (what, where, shown by)} of the table under "## Checkers"."""
    text = (ROOT / "docs" / "trust.md").read_text(encoding="utf-8")
    part = text.split("\n## Checkers\n", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| `([^`]+)` \| (.+?) \| (.+?) \| (.+?) \|$", part, re.M)
    return {name: rest for name, *rest in rows}


def names_of_the_simulator():
    text = (SIM / "checker.h").read_text(encoding="utf-8")
    listed = text.split("kCheckers{", 1)[1].split("};", 1)[0]
    return re.findall(r'"([^"]+)"', listed)


class Checkers(unittest.TestCase):
    def test_the_simulators_are_the_tables(self):
        told = [name for name, (_, where, _) in table().items() if "sim" in re.split(r"\W+", where)]
        self.assertEqual(sorted(names_of_the_simulator()), sorted(told))

    def test_the_oracles_are_the_tables(self):
        told = [name for name, (_, where, _) in table().items()
                if "oracle" in re.split(r"\W+", where)]
        self.assertEqual(sorted(checkers.NAMES), sorted(told))

    def test_each_was_shown_to_find_a_defect_that_is_there(self):
        known = set(re.findall(r"KPAY_PLANT\((\w+)\)", "\n".join(
            path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.[ch]*"))))
        tests = (ORACLE / "test_oracle.py").read_text(encoding="utf-8")
        for name, (_, where, shown) in table().items():
            for what in re.findall(r"`([^`]+)`", shown):
                if what.startswith("test_") and "." not in what:
                    self.assertIn("def %s(" % what, tests, name)
                elif re.fullmatch(r"\w+", what):
                    self.assertIn(what, known, name)
                else:
                    self.assertTrue((ROOT / what).exists(), "%s: %s" % (name, what))
            if {"sim", "oracle"} & set(re.split(r"\W+", where)):
                self.assertRegex(shown, "`", "%s was shown to find nothing" % name)

    def test_no_verdict_goes_without_a_name(self):
        for path in sorted(SIM.glob("*.cc")):
            text = path.read_text(encoding="utf-8")
            self.assertNotRegex(text, r'(return|wrong =|fail\()\s*"[a-z ]+: ', path.name)
            self.assertNotRegex(text, r"\bfail\((?!Checker\b|Checker::)", path.name)
        for path in sorted(ORACLE.glob("*.py")):
            for call in re.findall(r"(?:\bexpect|Difference)\(([^,)]+)",
                                   path.read_text(encoding="utf-8")):
                self.assertRegex(call, r"^([A-Z_]+|checker\b.*|checker, .*|Exception)$",
                                 "%s: %s" % (path.name, call))


if __name__ == "__main__":
    unittest.main()
