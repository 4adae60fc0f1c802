"""Dead letters by two people: who asked can't approve, and what was approved is done once (R24)."""

import json
import secrets
import time
import unittest
import uuid

from suite import RigCase, wait_for
from rig import Gateway
from test_access import Client
from records import deposit, uuid7
from test_dlq import INCOMING

STATE = "kpay.control.state"


class Requests(RigCase):
    PORT = 19705
    PARTITIONS = 2
    ACCOUNTS = 10

    @classmethod
    def prepare(cls, rig):
        cls.gateway = rig.add_gateway(users=True)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.passwords = {name: cls.gateway.people("users", "add", name, "--role", role)["password"]
                         for name, role in (("ann", "operator"), ("ben", "approver"), ("vera", "viewer"))}
        cls.ann, cls.ben, cls.vera = (cls.client(name) for name in cls.passwords)

    @classmethod
    def client(cls, name, gateway=None):
        client = Client(gateway or cls.gateway)
        wait_for(f"{name} can log in", lambda: client.log_in(name, cls.passwords[name])[0] == 200, 20, 0.5)
        return client

    def send(self, topic, partition, key, value):
        self.rig._tool("send_record", (f"127.0.0.1:{self.PORT}", topic, partition, "raw", key.encode().hex(), value.hex()), True, 30)

    def letter(self, partition, value):
        """Sends what becomes a dead letter; the letter, as the API lists it."""
        known = {each["id"] for each in self.ann.ask("/dead-letters?limit=200")[1]["letters"]}
        self.send(INCOMING, partition, "k", value)

        def came():
            return [each for each in self.ann.ask("/dead-letters?limit=200")[1]["letters"] if each["id"] not in known]
        return wait_for("the dead letter", came, 30)[0]

    def misplaced(self, account, minor):
        """A deposit on the wrong partition: a dead letter that a replay moves."""
        opened = self.rig.ctl("accounts", "open", account, "--currency", "EUR", "--dump-record", "--json")
        return self.letter(1 - json.loads(opened.stdout)["partition"], deposit(account, minor))

    def state_of(self, letter):
        return self.json("dlq", "show", letter["id"])["state"]

    def balance(self, account):
        return self.json("accounts", "get", account)["balance_minor"]

    def waiting(self, who=None):
        status, answer = (who or self.ann).ask("/requests")
        self.assertEqual(status, 200, answer)
        return {each["id"]: each for each in answer["requests"]}

    def ask_for(self, what, *letters, who=None):
        status, made = (who or self.ann).ask("/requests", {"what": what, "ids": [each["id"] for each in letters],
                                                           "reason": "a client's partitioner"})
        self.assertEqual((status, made.get("expired"), made.get("yours")), (201, False, True), made)
        return made

    def approve(self, who, request):
        return who.ask(f"/requests/{request['id']}/approve", {"reason": "looked at each"})

    def decline(self, who, request):
        return who.ask(f"/requests/{request['id']}/decline", {"reason": "not now"})

    def test_a_replay_that_one_asks_for_and_another_approves_is_done_once(self):
        letter, before = self.misplaced("acc-1", 700), self.balance("acc-1")
        status, dry = self.vera.ask("/dead-letters:check", {"ids": [letter["id"]]})
        self.assertEqual((status, dry["would_pass"], dry["letters"][0]["verdict"]), (200, 1, "moves"), dry)
        by_reason = self.vera.ask("/dead-letters:check", {"reason_code": letter["reason"], "stage": "intake"})[1]
        self.assertIn(letter["id"], [each["id"] for each in by_reason["letters"]])
        self.assertEqual(self.vera.ask("/requests", {"what": "replay", "ids": [letter["id"]], "reason": "x"})[1]["code"],
                         "not_allowed")
        request = self.ask_for("replay", letter)
        self.assertEqual(self.state_of(letter), "open", "asking does nothing")
        self.assertEqual(self.waiting()[request["id"]]["reason"], "a client's partitioner")
        self.assertEqual(self.approve(self.ann, request)[1]["code"], "not_allowed")

        # A gateway that starts meanwhile has it, too, and the one that took it may be gone.
        second = Gateway(self.rig, instance="gateway-2", users=True)
        second.users, second.password = self.gateway.users, self.gateway.password
        self.rig.daemons["gateway-2"] = second.start()
        wait_for("the second gateway is ready", lambda: second.get("/readyz")[0] == 200, 30)
        ben = self.client("ben", second)
        seen = self.waiting(ben)[request["id"]]
        self.assertEqual((seen["maker"], seen["yours"], seen["ids"]), ("ann", False, [letter["id"]]))
        status, done = self.approve(ben, request)
        self.assertEqual((status, done["ended"], done["author"]), (200, True, "ann, approved by ben"), done)
        self.assertEqual([each["became"] for each in done["result"]["letters"]], ["moved"])
        wait_for("the deposit", lambda: self.balance("acc-1") == before + 700)
        self.assertEqual(self.state_of(letter), "moved")
        wait_for("it waits nowhere any more", lambda: request["id"] not in self.waiting(), 10)
        self.assertEqual(self.approve(ben, request)[1]["code"], "not_found")
        shown = self.json("dlq", "show", letter["id"])["operators"]
        self.assertEqual([(each["author"], each["verdict"]) for each in shown], [("ann, approved by ben", "done")])
        self.assertIn("approved: looked at each", shown[0]["reason"])
        self.assertEqual(self.balance("acc-1"), before + 700)
        self.assertEqual(self.ann.ask("/requests", {"what": "replay", "ids": [letter["id"]], "reason": "x"})[1]["code"],
                         "letters_closed")
        second.stop()

    def test_whoever_asked_can_not_approve_by_no_way(self):
        name = "max-" + secrets.token_hex(3)
        password = self.gateway.people("users", "add", name, "--role", "operator,approver,admin")["password"]
        self.passwords[name] = password
        maker, letter = self.client(name), self.letter(0, b"\xff\xff\xff")
        request = self.ask_for("discard", letter, who=maker)
        token = self.gateway.people("tokens", "add", name, "--role", "admin")["token"]
        machine = Client(self.gateway, token)
        wait_for("the token is known", lambda: machine.ask("/requests")[0] == 200, 20)
        for who in (maker, self.client(name), machine):
            status, refused = self.approve(who, request)
            self.assertEqual((status, refused["code"]), (403, "same_person"), refused)
        self.assertEqual(self.state_of(letter), "open")
        self.assertEqual(self.decline(self.ann, request)[1]["code"], "not_allowed", "it isn't hers")
        self.assertEqual(self.decline(maker, request)[0], 200, "he may take it back")
        self.assertNotIn(request["id"], self.waiting())
        self.assertEqual(self.approve(self.ben, request)[1]["code"], "not_found")
        self.assertEqual(self.state_of(letter), "open")

    def test_a_discard_closes_for_good_and_what_would_fail_is_not_replayed(self):
        letter = self.letter(1, b"\xff\xff\xff\xff")
        self.assertEqual(self.vera.ask("/dead-letters:check", {"ids": [letter["id"]]})[1]["why"], {"undecodable": 1})
        status, done = self.approve(self.ben, self.ask_for("replay", letter))
        self.assertEqual((status, done["result"]["not_sent"], done["result"]["changed"]), (200, 1, False), done)
        self.assertEqual(self.state_of(letter), "open")
        first, twice = self.ask_for("discard", letter), self.ask_for("discard", letter)
        status, done = self.approve(self.ben, first)
        self.assertEqual((status, done["result"]["letters"][0]["became"]), (200, "discarded"), done)
        status, done = self.approve(self.ben, twice)
        self.assertEqual((status, done["result"]["closed_before"], done["result"]["changed"]), (200, 1, False), done)
        self.assertEqual(self.state_of(letter), "discarded")
        self.assertEqual(self.waiting(), {})

    def test_an_approval_that_was_cut_off_is_brought_to_its_end(self):
        """As a gateway leaves it that is killed after it wrote the approval: by whom doesn't change."""
        letter, ident = self.letter(0, b"\xff\xfe"), str(uuid7())
        now = int(time.time() * 1000)
        value = {"what": "discard", "ids": [letter["id"]], "reason": "noise", "maker": "ann", "at_ms": now,
                 "expires_ms": now + 1, "approver": "ben", "approve_reason": "is noise", "approved_at_ms": now}
        self.send(STATE, 0, f"request/{ident}", json.dumps(value).encode())
        wait_for("it is there", lambda: ident in self.waiting(), 10)
        self.assertEqual(self.decline(self.ben, {"id": ident})[1]["code"], "request_approved")
        status, done = self.approve(self.ben, {"id": ident})
        self.assertEqual((status, done["author"], self.state_of(letter)), (200, "ann, approved by ben", "discarded"), done)

    def test_an_expired_request_is_shown_and_can_not_be_approved(self):
        letter, ident = self.letter(0, b"\xfe"), str(uuid7())
        value = {"what": "discard", "ids": [letter["id"]], "reason": "noise", "maker": "ann", "at_ms": 1,
                 "expires_ms": int(time.time() * 1000) - 1}
        self.send(STATE, 0, f"request/{ident}", json.dumps(value).encode())
        wait_for("it is there", lambda: ident in self.waiting(), 10)
        self.assertTrue(self.waiting()[ident]["expired"])
        status, refused = self.approve(self.ben, {"id": ident})
        self.assertEqual((status, refused["code"], self.state_of(letter)), (409, "request_expired", "open"), refused)
        self.assertEqual(self.decline(self.ben, {"id": ident})[0], 200)

    def test_what_names_nothing_is_told(self):
        for path, body, code in (("/dead-letters:check", {"ids": ["intake/0@999999.0"]}, "not_found"),
                                 ("/dead-letters:check", {"ids": ["nonsense"]}, "field_invalid"),
                                 ("/dead-letters:check", {"stage": "nobody"}, "field_invalid")):
            self.assertEqual(self.vera.ask(path, body)[1]["code"], code)
        for body, code in (({"what": "replay", "ids": ["intake/0@999999.0"], "reason": "r"}, "not_found"),
                           ({"what": "replay", "ids": [], "reason": "r"}, "field_invalid"),
                           ({"what": "erase", "ids": ["intake/0@1.0"], "reason": "r"}, "field_invalid"),
                           ({"what": "replay", "ids": ["intake/0@1.0"]}, "field_missing")):
            self.assertEqual(self.ann.ask("/requests", body)[1]["code"], code)
        self.assertEqual(self.approve(self.ben, {"id": uuid.uuid4()})[1]["code"], "not_found")
        self.assertEqual(self.decline(self.ben, {"id": "nonsense"})[1]["code"], "not_found")

    def test_z_with_keys_enrolled_nothing_is_done_and_the_command_is_named(self):
        """Last: from here on operators' records have to be signed."""
        letter, before = self.misplaced("acc-2", 300), self.balance("acc-2")
        request = self.ask_for("replay", letter)
        key = self.json("keys", "generate", self.rig.folder / "ann.pem")["public_key"]
        self.json("keys", "enrol", key, "--owner", "ann", "--reason", "a test", "--yes")
        wait_for("the tables show it", lambda: [each["partitions"] for each in self.json("keys", "list", check=False)["keys"]]
                 == [self.PARTITIONS], 20)
        status, refused = self.approve(self.ben, request)
        self.assertEqual((status, refused["code"]), (409, "not_signed"), refused)
        self.assertIn(f"kpayctl dlq replay {letter['id']} ", refused["expected"])
        self.assertIn("--propose", refused["expected"])
        self.assertIn(request["id"], self.waiting())
        self.assertEqual((self.state_of(letter), self.balance("acc-2")), ("open", before), "not even the command went on")
        self.assertEqual(self.decline(self.ben, request)[0], 200)


if __name__ == "__main__":
    unittest.main()
