"""Dead letters: listed, shown, replayed and discarded by operators' records, each once (R24)."""

import json
import os
import pty
import subprocess
import time
import unittest

from suite import ROOT, RigCase, wait_for
from records import deposit, uuid7

INCOMING = "kpay.payments.incoming"


class DeadLetters(RigCase):
    PORT = 19640
    PARTITIONS = 2

    def send(self, partition, *records):
        """(key, value, headers) each, as they are."""
        lines = "".join(" ".join([key.hex() or "-", value.hex() or "-",
                                  *(f"{name}={content.hex()}" for name, content in headers)]) + "\n"
                        for key, value, headers in records)
        done = subprocess.run([str(self.rig.bin / "send_record"), f"127.0.0.1:{self.PORT}", INCOMING,
                               str(partition), "lines", "-"], input=lines, text=True, capture_output=True,
                              timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)

    def letters(self, *arguments):
        return self.json("dlq", "list", "--limit", 10000, *arguments)["letters"]

    def new_letters(self, count, known):
        def came():
            new = [letter for letter in self.letters() if letter["id"] not in known]
            return new if len(new) >= count else None
        return wait_for(f"{count} dead letters", came, timeout=60)

    def known(self):
        return {letter["id"] for letter in self.letters()}

    def place_of(self, account):
        done = self.rig.ctl("accounts", "open", account, "--currency", "EUR", "--dump-record", "--json")
        return json.loads(done.stdout)["partition"]

    def balance(self, account):
        return self.json("accounts", "get", account)["balance_minor"]

    def test_z_export_as_test_is_a_case_that_the_unit_tests_run(self):
        known = self.known()
        self.send(1, (b"k", b"\xff\xfe\xfd", []))
        [letter] = self.new_letters(1, known)
        case = self.json("dlq", "export", letter["id"], "--as-test")
        self.assertEqual((case["stage"], case["partition"], case["partitions"]), ("intake", 1, 2))
        self.assertEqual((case["bytes"], case["expected"]), ("fffefd", letter["reason"]))
        kept = json.loads(next((ROOT / "tests/golden/letters").glob("intake-*.json")).read_text())
        self.assertEqual(set(case), set(kept), "the kept cases are of this form")
        self.assertEqual(self.rig.ctl("dlq", "export", letter["id"], check=False).returncode, 2)

    def show(self, ident):
        return self.json("dlq", "show", ident)

    def tearDown(self):
        self.assert_books_balance()

    def test_what_no_build_can_read_is_shown_and_discarded(self):
        known = self.known()
        self.send(0, (b"some key", b"\xff\xff\xff\xff", [("traceparent", b"00-ab")]),
                  (b"", bytes.fromhex("fa3f03010203"), []))
        bad, unknown = sorted(self.new_letters(2, known), key=lambda letter: letter["reason"])
        self.assertEqual([bad["reason"], unknown["reason"]], ["undecodable", "unknown_kind"])
        shown = self.show(bad["id"])
        self.assertEqual(shown["state"], "open")
        self.assertEqual(shown["bytes"], "ffffffff")
        self.assertIsNone(shown["decoded"])
        self.assertEqual(shown["record"]["key"], b"some key".hex())
        self.assertEqual(shown["record"]["headers"], [{"name": "traceparent", "value": b"00-ab".hex()}])

        dry = self.json("dlq", "replay", bad["id"], unknown["id"], "--dry-run")
        self.assertEqual((dry["would_pass"], dry["would_fail"]), (0, 2))
        self.assertEqual(dry["why"], {"undecodable": 1, "unknown_kind": 1})
        self.assertIn("not known", dry["cannot_know"])
        # The task itself says the same, and nothing has changed.
        done = self.rig.ctl("dlq", "replay", bad["id"], "--force", "--reason", "try", "--yes", "--json", check=False)
        self.assertEqual(done.returncode, 7, done.stdout)
        self.assertEqual(json.loads(done.stdout)["failed_again"], 1)
        self.assertEqual(self.show(bad["id"])["state"], "open")
        self.assertEqual(self.show(bad["id"])["operators"][0]["failed"], "undecodable")

        for arguments, code in (((), 2), (("--no-input",), 2)):
            done = self.rig.ctl("dlq", "discard", bad["id"], "--reason", "noise", *arguments, check=False)
            self.assertEqual(done.returncode, code, "a confirmation is needed")
        self.assertEqual(self.rig.ctl("dlq", "discard", bad["id"], "--yes", check=False).returncode, 2, "and a reason")
        self.assertEqual(self.rig.ctl("dlq", "discard", "--reason", "x", "--yes", check=False).returncode, 2)
        self.assertEqual(self.json("dlq", "discard", bad["id"], "--dry-run")["would_discard"], 1)
        answer = self.json("dlq", "discard", bad["id"], "--reason", "noise of a scanner", "--yes")
        self.assertEqual(answer["discarded"], 1)
        again = self.json("dlq", "discard", bad["id"], "--reason", "noise of a scanner", "--yes")
        self.assertEqual((again["closed_before"], again["letters"], again["changed"]), (1, [], False))
        shown = self.show(bad["id"])
        self.assertEqual(shown["state"], "discarded")
        closing = shown["operators"][-1]
        self.assertEqual((closing["asked"], closing["verdict"], closing["reason"]),
                         ("discard", "done", "noise of a scanner"))
        self.assertEqual(closing["record_id"], answer["letters"][0]["record_id"])
        # A closed one can't be replayed.
        late = self.json("dlq", "replay", bad["id"], "--force", "--reason", "late", "--yes")
        self.assertEqual(late["closed_before"], 1)
        self.rig.ctl("dlq", "discard", unknown["id"], "--reason", "noise", "--yes")

    def test_a_discard_is_confirmed_by_typing_it(self):
        known = self.known()
        self.send(1, (b"k", b"\xff\xfe", []))
        ident = self.new_letters(1, known)[0]["id"]
        for typed, code, state in (("y", 4, "open"), ("discard 1", 0, "discarded")):
            controller, terminal = pty.openpty()
            process = subprocess.Popen(
                [str(self.rig.bin / "kpayctl"), "dlq", "discard", ident, "--reason", "noise", "--bootstrap",
                 f"127.0.0.1:{self.PORT}"], stdin=terminal, stdout=terminal, stderr=terminal)
            os.write(controller, (typed + "\n").encode())
            self.assertEqual(process.wait(60), code)
            os.close(terminal)
            os.close(controller)
            self.assertEqual(self.show(ident)["state"], state)

    def test_a_record_on_the_wrong_partition_is_sent_where_it_belongs(self):
        known, place, before = self.known(), self.place_of("acc-2"), self.balance("acc-2")
        self.send(1 - place, (b"acc-2", deposit("acc-2", 700), [("source", b"batch 7")]))
        letter = self.new_letters(1, known)[0]
        self.assertEqual(letter["reason"], "wrong_partition")
        self.assertEqual(self.show(letter["id"])["decoded"]["amount"], "7.00 EUR")
        dry = self.json("dlq", "replay", letter["id"], "--dry-run")
        self.assertEqual((dry["would_pass"], dry["letters"][0]["verdict"]), (1, "moves"))
        self.assertEqual(self.balance("acc-2"), before)
        answer = self.json("dlq", "replay", letter["id"], "--reason", "the client's partitioner", "--yes")
        self.assertEqual(answer["moved"], 1)
        wait_for("the deposit", lambda: self.balance("acc-2") == before + 700)
        shown = self.show(letter["id"])
        self.assertEqual(shown["state"], "moved")
        self.assertEqual(shown["operators"][0]["moved_to_partition"], place)

    def test_one_whose_id_has_expired_would_be_refused_and_is_not_sent(self):
        known, place = self.known(), self.place_of("acc-3")
        old = uuid7(time.time() * 1000 - 13 * 3600 * 1000)
        self.send(1 - place, (b"acc-3", deposit("acc-3", 100, old), []))
        letter = self.new_letters(1, known)[0]
        dry = self.json("dlq", "replay", letter["id"], "--dry-run")
        self.assertEqual(dry["why"], {"refused: id_expired": 1})
        done = self.rig.ctl("dlq", "replay", letter["id"], "--reason", "r", "--yes", "--json", check=False)
        self.assertEqual((done.returncode, json.loads(done.stdout)["not_sent"]), (7, 1))
        self.rig.ctl("dlq", "discard", letter["id"], "--reason", "too old", "--yes")

    def test_kpayctl_killed_half_way_and_run_again_replays_each_once(self):
        count = 200
        known, place, before = self.known(), self.place_of("acc-1"), self.balance("acc-1")
        self.send(1 - place, *((b"acc-1", deposit("acc-1", 100), [("n", str(n).encode())]) for n in range(count)))
        self.new_letters(count, known)
        command = ["dlq", "replay", "--cause", "wrong_partition", "--since", "1h", "--reason", "partitioner fixed",
                   "--yes"]
        self.assertEqual(self.json(*command, "--dry-run")["would_pass"], count)
        process = self.rig.ctl_begun(*command, "--rate", 40)
        wait_for("some were moved",
                 lambda: len([m for m in self.letters("--state", "moved") if m["id"] not in known]) > 20,
                 timeout=60)
        process.kill()
        process.communicate()
        moved = len([m for m in self.letters("--state", "moved") if m["id"] not in known])
        self.assertLess(moved, count, "it was killed before the end")
        # Run again, twice at once: whatever both send has one effect.
        both = [self.rig.ctl_begun(*command, "--json", "--rate", 1000) for _ in range(2)]
        answers = [json.loads(each.communicate(timeout=120)[0]) for each in both]
        self.assertEqual([each.returncode for each in both], [0, 0], answers)
        wait_for("all deposits", lambda: self.balance("acc-1") == before + count * 100)
        self.assertEqual([l for l in self.letters("--cause", "wrong_partition") if l["state"] == "open"], [])
        self.assertEqual(self.json(*command)["changed"], False)
        time.sleep(1)
        self.assertEqual(self.balance("acc-1"), before + count * 100)
        stats = {(c["stage"], c["cause"]): c for c in self.json("dlq", "stats")["causes"]}
        self.assertEqual(stats["intake", "wrong_partition"]["open"], 0)
        self.assertGreaterEqual(stats["intake", "wrong_partition"]["moved"], count)

    def test_with_keys_enrolled_two_people_sign(self):
        """Last of its class: from here on operators' records have to be signed."""
        folder, keys = self.rig.folder / "keys", {}
        folder.mkdir()
        for name in ("ann", "ben", "eve"):
            keys[name] = self.json("keys", "generate", folder / f"{name}.pem")["public_key"]
        self.assertEqual(self.rig.ctl("keys", "generate", folder / "ann.pem", check=False).returncode, 4)
        ann, ben, eve = (("--key", folder / f"{name}.pem") for name in keys)

        def listed(state):
            keys = self.json("keys", "list", check=False)["keys"]  # exit 7 while partitions differ
            return {key["owner"]: (key["key"], key["partitions"]) for key in keys if key["state"] == state}

        def ran(*arguments):
            done = self.rig.ctl(*arguments, "--reason", "a test", "--yes", "--json", check=False)
            return done.returncode, json.loads(done.stdout)

        self.assertEqual(listed("enrolled"), {})
        self.assertEqual(ran("keys", "enrol", keys["ann"], "--owner", "ann"),
                         (0, {"changed": True, "sent": 2, "done": 2, "unanswered": 0}))
        self.assertEqual(ran("keys", "enrol", keys["ben"], "--owner", "ben"),
                         (4, {"changed": False, "sent": 2, "not_signed": 2, "unanswered": 0}))
        self.assertEqual(ran("keys", "enrol", keys["ben"], "--owner", "ben", *ann)[0], 0)
        wait_for("both keys on both partitions", lambda: listed("enrolled") == {
            "ann": (keys["ann"], 2), "ben": (keys["ben"], 2)})
        self.assertEqual(ran("keys", "enrol", keys["eve"], "--owner", "eve", *ann)[0], 4, "it takes two now")

        known = self.known()
        self.send(0, (b"k", b"\xff\xff\xff\xff", []))
        letter = self.new_letters(1, known)[0]["id"]
        for signed in ((), eve, ann):
            code, answer = ran("dlq", "replay", letter, "--force", *signed)
            self.assertEqual((code, answer["not_signed"]), (7, 1), answer)
        proposal = folder / "replay.json"
        code, answer = ran("dlq", "replay", letter, "--force", "--propose", proposal, *ann)
        self.assertEqual((code, answer["records"], answer["changed"]), (0, 1, False))
        shown = self.json("proposals", "show", proposal)["records"][0]
        self.assertEqual((shown["asks"], shown["signed_by"], shown["signatures_wanted"]),
                         (f"replay {letter}", [keys["ann"]], 2))
        done = self.rig.ctl("proposals", "send", proposal, "--yes", "--json", check=False)
        self.assertEqual((done.returncode, json.loads(done.stdout)["not_signed"]), (4, 1))
        self.rig.ctl("proposals", "sign", proposal, *ben)
        self.assertEqual(sorted(self.json("proposals", "show", proposal)["records"][0]["signed_by"]),
                         sorted([keys["ann"], keys["ben"]]))
        done = self.rig.ctl("proposals", "send", proposal, "--yes", "--json", check=False)
        self.assertEqual(json.loads(done.stdout)["failed_again"], 1, "the task looked at it, and can't read it either")
        self.assertEqual(ran("dlq", "discard", letter, *ben)[1]["discarded"], 1)

        self.assertEqual(ran("keys", "revoke", keys["eve"], *ann, *ben)[1]["unknown_key"], 2)
        self.assertEqual(ran("keys", "revoke", keys["ben"], *ann, *ben)[0], 0)
        self.assertEqual(ran("keys", "enrol", keys["ben"], "--owner", "ben", *ann)[1]["was_revoked"], 2)
        wait_for("ben's is revoked", lambda: "ben" in listed("revoked"))

    def test_what_names_no_dead_letter_is_told(self):
        for arguments, code in ((("show", "intake/0@999999.0"), 3), (("show", "nonsense"), 2),
                                (("replay", "intake/0@999999.0", "--reason", "r", "--yes"), 3),
                                (("list", "--since", "yesterday"), 2)):
            done = self.rig.ctl("dlq", *arguments, check=False)
            self.assertEqual(done.returncode, code, done.stderr)


if __name__ == "__main__":
    unittest.main()
