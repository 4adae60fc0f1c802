"""The decisions of gates and plans, without hosts. Run by scripts/rack/ansible-env python, which has Ansible."""

import contextlib
import json
import pathlib
import shutil
import tempfile
import unittest

import yaml

from test_modules import ROOT, module  # noqa: F401  (it also finds the module_utils)

from certificates import ending_in

import kpay_agree  # noqa: E402
import kpay_preflight  # noqa: E402
import kpay_surplus  # noqa: E402
from ansible.module_utils import kpay_questions as questions  # noqa: E402
from ansible.module_utils.kpay_redact import CUT, redact  # noqa: E402


def instance(name, tasks=(), standbys=(), **about):
    return {"instance": name, "daemon": "kpay-" + name.split("-")[0], "phase": "running", "stale": False,
            "tasks": [{"stage": "account", "partition": p, "phase": "running", "lag": 0, "checkpoint": 100, **more}
                      for p, more in tasks],
            "standbys": [{"stage": "account", "partition": p, "phase": phase, "checkpoint": at}
                         for p, phase, at in standbys], **about}


def status(*instances):
    return {"instances": list(instances)}


class TheDaemons(unittest.TestCase):
    def test_a_whole_system_has_nothing_wrong(self):
        self.assertEqual(questions.unwell(status(instance("account-1", [(0, {})])), ["account-1"], 10), [])

    def test_silent_held_failed_and_lagging_are_named(self):
        for wrong, expected in (
                (instance("account-1", stale=True), "account-1 is silent"),
                (instance("account-1", [(3, {"phase": "held", "reason": "a hole"})]), "account/3 on account-1 is held: a hole"),
                (instance("account-1", [(3, {"phase": "failed"})]), "account/3 on account-1 is failed: None"),
                (instance("account-1", [(3, {"lag": 11})]), "account/3 on account-1 lags 11 records")):
            self.assertEqual(questions.unwell(status(wrong), ["account-1"], 10), [expected])

    def test_one_that_was_stopped_or_is_not_placed_is_nobodys_fault(self):
        system = status(instance("account-1", stale=True, phase="stopped"), instance("account-9", stale=True))
        self.assertEqual(questions.unwell(system, ["account-1"], 10), [])

    def test_dead_letters_are_counted_where_tasks_run(self):
        system = status(instance("account-1", [(0, {"dead_letters_open": 2}), (1, {"dead_letters_open": 1})]),
                        instance("account-2", [(0, {"dead_letters_open": 7})], phase="stopped"))
        self.assertEqual(questions.open_letters(system), 3)

    def test_one_without_tasks_is_idle(self):
        system = status(instance("account-1", [(0, {})]), instance("account-2"))
        self.assertEqual(questions.idle(system, ["account-1", "account-2", "account-3"]),
                         ["account-2 has no task yet", "account-3 has no task yet"])


class Standbys(unittest.TestCase):
    OWNER = instance("account-1", [(0, {}), (1, {})])

    def ask(self, *others, declared=("account-1", "account-2", "account-3")):
        return questions.unfollowed(status(self.OWNER, *others), "account-1", declared, 10)

    def test_followed_by_one_or_by_several(self):
        self.assertEqual(self.ask(instance("account-2", standbys=[(0, "standby", 100), (1, "standby", 91)])), [])
        self.assertEqual(self.ask(instance("account-2", standbys=[(0, "standby", 100)]),
                                  instance("account-3", standbys=[(1, "standby", 100), (0, "standby", 3)])), [])

    def test_a_task_that_nobody_follows_is_named(self):
        self.assertEqual(self.ask(instance("account-2", standbys=[(0, "standby", 100)])), ["nobody follows account/1 on account-1"])
        self.assertEqual(self.ask(instance("account-2", standbys=[(0, "standby", 100), (1, "restoring", 100)])),
                         ["nobody follows account/1 on account-1"])

    def test_a_standby_that_is_behind_is_named(self):
        self.assertEqual(self.ask(instance("account-2", standbys=[(0, "standby", 100), (1, "standby", 89)])),
                         ["the standby of account/1 on account-1 is 11 checkpoints behind"])

    def test_a_silent_follower_does_not_count(self):
        self.assertEqual(len(self.ask(instance("account-3"), instance(
            "account-2", standbys=[(0, "standby", 100), (1, "standby", 100)], stale=True))), 2)

    def test_when_all_that_are_declared_are_stopped_nobody_follows(self):
        for gone in ({"phase": "stopped"}, {"stale": True}):
            self.assertEqual(self.ask(instance("account-2", **gone)),
                             ["nobody follows account/0 on account-1", "nobody follows account/1 on account-1"])

    def test_where_none_are_declared_none_are_asked_for(self):
        self.assertEqual(self.ask(instance("account-2"), declared=()), [])


class ThePlan(unittest.TestCase):
    def plan(self, **changes):
        return {"node1": [{"id": "account-1", "action": "restart", "release": "aa", "config": "c1", "why": ["new"], **changes}],
                "node2": [{"id": "account-2", "action": "none", "release": "aa", "config": "c2", "why": []}]}

    def test_the_hash_is_of_what_would_be_done(self):
        same = kpay_agree.hash_of(self.plan())
        self.assertEqual(kpay_agree.hash_of(self.plan(why=["worded in another way"])), same)
        for change in ({"release": "bb"}, {"config": "c9"}, {"action": "start"}, {"id": "account-7"}):
            self.assertNotEqual(kpay_agree.hash_of(self.plan(**change)), same)

    def test_another_plan_than_the_one_looked_at_ends_the_run(self):
        arguments = {"plans": self.plan(), "operations": "/nonexistent"}
        found = module("kpay_agree", arguments)[1]["hash"]
        self.assertEqual(module("kpay_agree", {**arguments, "wanted": found})[0], 0)
        code, answer = module("kpay_agree", {**arguments, "plans": self.plan(release="bb"), "wanted": found})
        self.assertNotEqual(code, 0)
        self.assertIn("something has changed since it was looked at", answer["msg"])

    def test_pauses_come_from_former_operations(self):
        with tempfile.TemporaryDirectory() as folder:
            journal = pathlib.Path(folder) / "op/journal.jsonl"
            journal.parent.mkdir()
            journal.write_text("".join(json.dumps({"step": "restart account-1", "outcome": outcome, "seconds": s}) + "\n"
                                       for outcome, s in (("ok", 4.0), ("failed", 90.0), ("ok", 6.0))))
            report = module("kpay_agree", {"plans": self.plan(), "operations": folder})[1]["report"]
        self.assertEqual(report[0], "node1 account-1: restart (new), a pause of about 5.0 s")


class Preflight(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kpay-preflight-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def certificate(self, days):
        (self.folder / "tls.crt").write_bytes(ending_in(days))

    def ask(self):
        old, kpay_preflight.CERTIFICATES = kpay_preflight.CERTIFICATES, (str(self.folder / "*.crt"),)
        with contextlib.ExitStack() as stack:
            stack.callback(setattr, kpay_preflight, "CERTIFICATES", old)
            return [*kpay_preflight.check_certificates({"certificate_days": 7})]

    def test_a_certificate_that_ended_or_will_soon(self):
        for days, words in ((-3, "expired 3.0 days ago"), (5, "expires in 5.0 days, 7 are needed")):
            self.certificate(days)
            found = self.ask()
            self.assertEqual([one[0] for one in found], ["PRE-CERT"])
            self.assertIn(words, found[0][1])
        self.certificate(30)
        self.assertEqual(self.ask(), [])

    def test_a_file_that_is_no_certificate(self):
        (self.folder / "tls.crt").write_text("nonsense")
        self.assertIn("can't be read", self.ask()[0][1])

    def test_a_clock_that_is_behind_and_a_disk_without_room(self):
        code, answer = module("kpay_preflight", {"now": 4e9, "free_mb": 1 << 40})
        self.assertNotEqual(code, 0)
        self.assertIn("PRE-CLOCK", answer["msg"])

    def test_a_waived_check_is_told_and_does_not_count(self):
        code, answer = module("kpay_preflight", {"now": 4e9, "fsync_ms": 60000, "waived": ["PRE-CLOCK", "PRE-DISK", "PRE-CERT"]})
        self.assertEqual(code, 0, answer)
        self.assertIn("PRE-CLOCK", answer["waived"][0])


class Redaction(unittest.TestCase):
    def test_no_secret_leaves_a_host(self):
        key = "-----BEGIN PRIVATE KEY-----\nMIIEv\nabc\n-----END PRIVATE KEY-----"
        text = "user x hunter2secret\npassword=open-sesame\n%s\nsasl.jaas.password: \"two words\"\n{\"token\": \"t0k\"}" % key
        cut = redact(text, ["hunter2secret"])
        for secret in ("hunter2secret", "open-sesame", "MIIEv", "two words", "t0k"):
            self.assertNotIn(secret, cut)
        self.assertEqual(cut.count(CUT), 5)

    def test_a_key_that_was_cut_off_is_cut_out_to_the_end(self):
        self.assertEqual(redact("-----BEGIN EC PRIVATE KEY-----\nMIIEv"), CUT)

    def test_names_of_files_and_ordinary_words_stay(self):
        text = "sasl_password_file: ${CREDENTIALS_DIRECTORY}/sasl-password\npassword: /etc/x\nfencing of partition 3\n"
        self.assertEqual(redact(text, ["of"]), text)


class Secrets(unittest.TestCase):
    def test_what_is_older_than_the_moment_is_made_anew_once_and_the_ca_stays(self):
        with tempfile.TemporaryDirectory() as folder:
            about = {"folder": folder, "site": "x", "certificates": [{"name": "a", "addresses": ["10.0.0.1"]}], "passwords": ["p"]}
            self.assertEqual(module("kpay_secrets", about)[0], 0)
            before = {path.name: path.read_bytes() for path in pathlib.Path(folder).iterdir()}
            later = {**about, "anew": (pathlib.Path(folder) / "p.password").stat().st_mtime + 0.001}
            self.assertTrue(module("kpay_secrets", later)[1]["changed"])
            after = {path.name: path.read_bytes() for path in pathlib.Path(folder).iterdir()}
            self.assertEqual({name for name in before if before[name] != after[name]}, {"a.crt", "a.key", "p.password"})
            self.assertFalse(module("kpay_secrets", later)[1]["changed"])


class Documentation(unittest.TestCase):
    def test_every_modules_documentation_is_read_and_names_the_module(self):
        for path in sorted((ROOT / "ansible/plugins/modules").glob("*.py")):
            with self.subTest(path.stem):
                about = yaml.safe_load(path.read_text().split('r"""')[1].split('"""')[0])
                self.assertEqual(about["module"], path.stem)
                self.assertTrue(about["short_description"] and about["options"])


class Surplus(unittest.TestCase):
    def test_the_address_is_found_in_a_configuration_as_it_is_written(self):
        for line in ("  listen: 10.77.0.13:9104\n", "  listen: '10.77.0.13:9104'\n"):
            self.assertEqual(kpay_surplus.LISTEN.search("http:\n" + line).groups(), ("10.77.0.13", "9104"))

    def test_a_units_folder_names_daemon_and_instance(self):
        self.assertEqual(kpay_surplus.UNIT.fullmatch("kpay-account@account-5.service.d").groups(), ("account", "account-5"))
        self.assertIsNone(kpay_surplus.UNIT.fullmatch("kpay-.service.d"))


if __name__ == "__main__":
    unittest.main()
