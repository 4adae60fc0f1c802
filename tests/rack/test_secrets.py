"""The controller's secrets: a new CA, step by step. Run by scripts/rack/ansible-env python, which has Ansible."""

import pathlib
import shutil
import ssl
import tempfile
import time
import unittest

from cryptography import x509

from test_modules import module

STEPS = ("trusted", "signing", "alone")


class ANewCa(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="kpay-secrets-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name) / "now"
        self.begun = time.time() + 1
        self.ask(anew=0)
        time.sleep(2)  # a certificate's beginning is in whole seconds, and the operation begins after the first CA

    def ask(self, **more):
        code, answer = module("kpay_secrets", {
            "folder": str(self.folder), "site": "x", "certificates": [{"name": "a", "addresses": ["127.0.0.1"]}],
            "passwords": ["p"], "anew": self.begun, "only": ["ca"], **more})
        self.assertEqual(code, 0, answer)
        return answer

    def kept(self, name):
        """A copy of the folder as it is now."""
        return pathlib.Path(shutil.copytree(self.folder, self.folder.parent / name))

    def trusted(self):
        return len(x509.load_pem_x509_certificates((self.folder / "ca.crt").read_bytes()))

    def talks(self, client, server):
        """Whether one that has these files accepts who has those, each proving itself to the other."""
        to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
        here = ssl.create_default_context(cafile=client / "ca.crt")
        here.load_cert_chain(client / "a.crt", client / "a.key")
        there = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        there.load_cert_chain(server / "a.crt", server / "a.key")
        there.load_verify_locations(server / "ca.crt")
        there.verify_mode = ssl.CERT_REQUIRED
        ends = [here.wrap_bio(to_client, to_server, server_hostname="127.0.0.1"), there.wrap_bio(to_server, to_client, server_side=True)]
        try:
            for turn in range(10):
                try:
                    ends[turn % 2].do_handshake()
                except ssl.SSLWantReadError:
                    continue
            for end in ends:
                end.do_handshake()
        except ssl.SSLError:
            return False
        return True

    def test_at_every_step_who_was_restarted_and_who_was_not_accept_each_other(self):
        states = [self.kept("before")]
        for step, count in zip(STEPS, (2, 2, 1)):
            self.assertTrue(self.ask(ca=step)["changed"])
            self.assertEqual(self.trusted(), count)
            states.append(self.kept(step))
        for old, new in zip(states, states[1:]):
            for client, server in ((old, new), (new, old), (new, new)):
                self.assertTrue(self.talks(client, server), (client.name, server.name))
        self.assertFalse(self.talks(states[0], states[-1]), "the old CA is trusted for ever")
        self.assertFalse(self.talks(states[-1], states[0]), "the old CA is trusted for ever")

    def test_a_step_that_is_run_again_changes_nothing_and_passwords_stay(self):
        word = (self.folder / "p.password").read_bytes()
        for done in range(len(STEPS)):
            self.ask(ca=STEPS[done])
            for step in STEPS[:done + 1]:
                self.assertFalse(self.ask(ca=step)["changed"], (STEPS[done], step))
        self.assertEqual((self.folder / "p.password").read_bytes(), word)
        self.assertFalse((self.folder / "ca-next.key").exists())

    def test_one_that_is_begun_anew_instead_of_taken_up_goes_on_trusting_whoever_is_in_use(self):
        self.ask(ca="trusted")
        self.ask(ca="signing")
        half = self.kept("half")
        self.begun = time.time() + 60
        self.ask(ca="trusted")
        self.assertEqual(self.trusted(), 3)
        self.assertTrue(self.talks(half, self.kept("anew")))

    def test_a_key_that_belongs_to_no_certificate_is_refused(self):
        self.ask(ca="trusted")
        (self.folder / "ca-next.key").rename(self.folder / "ca.key.kept")
        (self.folder / "ca.crt").write_bytes((self.folder / "a.crt").read_bytes())
        code, answer = module("kpay_secrets", {"folder": str(self.folder), "site": "x"})
        self.assertNotEqual(code, 0)
        self.assertIn("ca.key belongs to none", answer["msg"])


if __name__ == "__main__":
    unittest.main()
