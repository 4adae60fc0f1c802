"""Who may use the gateways, kept by kpay-gateway's own tool. Needs kpay-gateway (KPAY_BIN, build/release/bin or
build/debug/bin). Run by scripts/rack/ansible-env python, which has Ansible."""

import json
import os
import pathlib
import subprocess
import tempfile
import time
import unittest

from test_modules import ROOT, module

FOLDERS = [pathlib.Path(os.environ["KPAY_BIN"])] if "KPAY_BIN" in os.environ else [ROOT / "build/release/bin", ROOT / "build/debug/bin"]
GATEWAY = next((folder / "kpay-gateway" for folder in FOLDERS if (folder / "kpay-gateway").exists()), None)


@unittest.skipUnless(GATEWAY, "no kpay-gateway: scripts/build release binaries")
class ThePeople(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="kpay-people-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        for name in ("ada", "bob", "cyd"):
            self.password(name, "a password of " + name)
        self.users = [{"name": "bob", "roles": ["operator", "auditor"]}, {"name": "ada", "roles": ["admin"]}]

    def password(self, name, word):
        (self.folder / ("gateway-%s.password" % name)).write_text(word)

    def keep(self, check=False, **more):
        return module("kpay_people", {"folder": str(self.folder), "gateway": str(GATEWAY), "users": self.users, **more}, check)

    def listed(self, kind="users"):
        text = subprocess.run([GATEWAY, kind, "list", "--json", "--file", self.folder / "gateway-users"], check=True,
                              capture_output=True, text=True).stdout
        return {one["name"]: one for one in map(json.loads, text.splitlines())}

    def test_declared_users_are_there_once_and_others_go(self):
        self.assertTrue(self.keep()[1]["changed"])
        self.assertEqual({name: set(one["roles"].split(",")) for name, one in self.listed().items()},
                         {"ada": {"admin"}, "bob": {"operator", "auditor"}})
        self.assertFalse(self.keep()[1]["changed"])
        self.users = [{"name": "ada", "roles": ["admin", "approver"]}, {"name": "cyd", "roles": ["viewer"]}]
        answer = self.keep()[1]
        self.assertEqual(answer["made"], ["cyd: new", "ada: has the roles admin, approver", "bob: gone"])
        self.assertEqual(set(self.listed()), {"ada", "cyd"})

    def test_no_password_is_shown_or_kept_in_the_file(self):
        code, answer = self.keep()
        self.assertEqual(code, 0, answer)
        for text in (json.dumps(answer), (self.folder / "gateway-users").read_text()):
            self.assertNotIn("a password of", text)
        self.assertEqual((self.folder / "gateway-users").stat().st_mode & 0o777, 0o600)

    def test_a_password_that_is_newer_is_set_again(self):
        self.keep()
        before = (self.folder / "gateway-users").read_text()
        later = time.time() + 5
        self.password("bob", "another password of bob")
        os.utime(self.folder / "gateway-bob.password", (later, later))
        self.assertEqual(self.keep()[1]["made"], ["bob: a new password"])
        self.assertNotEqual((self.folder / "gateway-users").read_text(), before)

    def test_a_token_is_made_once_and_anew_before_it_ends(self):
        tokens = [{"name": "ci", "roles": ["viewer"], "days": 30}]
        self.assertIn("token ci: new", self.keep(tokens=tokens)[1]["made"])
        word = (self.folder / "gateway-ci.token").read_text()
        self.assertTrue(word.startswith("kpay_"), word[:5])
        self.assertFalse(self.keep(tokens=tokens)[1]["changed"])
        self.assertEqual(self.keep(tokens=tokens, renew_days=40)[1]["made"], ["token ci: revoked", "token ci: new"])
        self.assertNotEqual((self.folder / "gateway-ci.token").read_text(), word)
        self.assertEqual(self.keep()[1]["made"], ["token ci: gone"])
        self.assertEqual(self.listed("tokens"), {})

    def test_check_mode_tells_and_does_nothing(self):
        self.assertTrue(self.keep(check=True)[1]["changed"])
        self.assertFalse((self.folder / "gateway-users").exists())

    def test_without_an_admin_nothing_is_done(self):
        self.users = self.users[:1]
        self.assertIn("no user is an admin", self.keep()[1]["msg"])


if __name__ == "__main__":
    unittest.main()
