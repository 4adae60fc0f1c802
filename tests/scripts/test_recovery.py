#!/usr/bin/env python3
"""bench/recovery: what it measures as a stall, and that a bound which is passed fails it."""

import contextlib
import importlib.machinery
import importlib.util
import io
import pathlib
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def load():
    loader = importlib.machinery.SourceFileLoader("recovery", str(ROOT / "bench" / "recovery"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("recovery", loader))
    loader.exec_module(module)
    return module


recovery = load()


def measured(**changes):
    """What a run within all bounds leaves, just within each."""
    kept = {"killed": {"stall_ms": [700, 3000]}, "lost": {"stall_ms": [15_000]}, "restart": {"longest_ms": 3000},
            "rebalance": {"longest_ms": 1700}, "restore": {"log": {"rows_per_s": 300_000.0}}}
    kept.update(changes)
    for part in kept.values():
        part.setdefault("books_balance", True)
    return {**kept, "load_average": {part: (0.5, 9.25) for part in kept}}


def verdict(results):
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = recovery.verdict(results, [part for part in results if part != "load_average"])
    return code, said.getvalue()


class Stalls(unittest.TestCase):
    def test_a_stall_is_the_longest_time_between_events_or_to_an_end_of_the_interval(self):
        for inside, longest in (([1100, 1300, 1900], 600), ([1500, 1600], 500), ([1100, 1200], 800), ([], 1000)):
            self.assertEqual(recovery.longest_gap(inside, 1000, 2000), longest, inside)


class Bounds(unittest.TestCase):
    def test_each_bound_stands_beside_what_was_measured_with_the_load_average(self):
        code, said = verdict(measured())
        self.assertEqual((code, said.count("within"), said.count("beyond")), (0, 5, 0), said)
        for text in ("at most 3,000 ms", "at most 15,000 ms", "at least 300,000 rows/s", "1,700 ms", "0.5, 9.2"):
            self.assertIn(text, said)

    def test_a_bound_that_is_passed_fails_and_is_named(self):
        for part, passed, line in (
                ("killed", {"stall_ms": [3001, 700]}, "process killed"), ("lost", {"stall_ms": [15_001]}, "host lost"),
                ("restart", {"longest_ms": 3001}, "restart"), ("rebalance", {"longest_ms": 9000}, "rebalance"),
                ("restore", {"log": {"rows_per_s": 299_999.0}}, "restore")):
            code, said = verdict(measured(**{part: passed}))
            [beyond] = [text for text in said.splitlines() if "beyond" in text]
            self.assertEqual(code, 1, part)
            self.assertIn(line, beyond)

    def test_books_that_do_not_balance_fail_and_parts_that_did_not_run_have_no_line(self):
        results = measured()
        only = {"killed": {**results["killed"], "books_balance": False}, "load_average": results["load_average"]}
        code, said = verdict(only)
        self.assertEqual((code, said.count("within"), "books don't balance after: killed" in said), (1, 1, True), said)


if __name__ == "__main__":
    unittest.main()
