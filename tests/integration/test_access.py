"""Who may use the gateway: users, roles, sessions, tokens, what is audited, and what no log may hold."""

import http.client
import json
import os
import pathlib
import secrets
import subprocess
import tempfile
import time
import unittest

from suite import RigCase, wait_for
from test_gateway import new_id


class Client:
    """One browser or machine: keeps its cookie and its session's token."""

    def __init__(self, gateway, token=None):
        self.gateway, self.token, self.cookie, self.csrf = gateway, token, None, None

    def ask(self, path, body=None, headers=None, key=None):
        """(status, document)"""
        host, port = self.gateway.address().rsplit(":", 1)
        sent = {"Host": f"{host}:{port}", **(headers or {})}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if self.cookie:
            sent["Cookie"] = self.cookie
        if body is not None:
            sent["Content-Type"] = "application/json"
            if self.csrf and "X-Kpay-Csrf" not in sent:
                sent["X-Kpay-Csrf"] = self.csrf
        if key:
            sent["Idempotency-Key"] = key
        connection = http.client.HTTPConnection(host, int(port), timeout=20)
        try:
            connection.request("GET" if body is None else "POST", "/api/v1" + path,
                               None if body is None else json.dumps(body), sent)
            answer = connection.getresponse()
            text = answer.read()
            if answer.getheader("Set-Cookie"):
                self.cookie = answer.getheader("Set-Cookie").split(";")[0]
            return answer.status, json.loads(text)
        finally:
            connection.close()

    def log_in(self, user, password):
        status, answer = self.ask("/session", {"user": user, "password": password})
        if status == 200:
            self.csrf = answer["csrf"]
        return status, answer


class Access(RigCase):
    PORT = 19740
    ACCOUNTS = 10

    @classmethod
    def prepare(cls, rig):
        cls.gateway = rig.add_gateway(users=True)

    def setUp(self):
        self.admin = Client(self.gateway)
        self.assertEqual(self.admin.log_in("admin", self.gateway.password)[0], 200)

    def user(self, role):
        """A client that is logged in with that role, and its name."""
        name = f"{role.split(',')[0]}-{secrets.token_hex(3)}"
        password = self.gateway.people("users", "add", name, "--role", role)["password"]
        client = Client(self.gateway)
        wait_for(f"{name} can log in", lambda: client.log_in(name, password)[0] == 200, 20, 0.5)
        return client, name

    def actions(self, **wanted):
        """What the audit has of it."""
        def found():
            listed = self.admin.ask("/audit/actions?limit=500")[1]["actions"]
            return [a for a in listed if all(a[k] == v for k, v in wanted.items())]
        return wait_for(f"the audit has {wanted}", found, 20)

    def test_nobody_gets_anything_but_the_login(self):
        stranger = Client(self.gateway)
        self.assertEqual(stranger.ask("/pipeline")[1]["code"], "login_required")
        self.assertEqual(stranger.ask("/pipeline:drain", {"reason": "x"})[1]["code"], "login_required")
        self.assertEqual(stranger.ask("/events")[0], 401)
        self.assertIsNone(stranger.ask("/session")[1]["user"])
        self.assertEqual(Client(self.gateway, "kpay_" + "x" * 43).ask("/books")[0], 401)

    def test_each_role_does_its_own_and_the_audit_says_who_did_what(self):
        viewer, viewer_name = self.user("viewer")
        operator, operator_name = self.user("operator")
        self.assertEqual(viewer.ask("/pipeline")[0], 200)
        status, refused = viewer.ask("/pipeline:drain?wait=1", {"reason": "not mine to do"})
        self.assertEqual((status, refused["code"]), (403, "not_allowed"))
        self.assertEqual(self.admin.ask("/pipeline")[1]["control"]["desired"], "running")
        denied = self.actions(who=viewer_name, action="postPipelineDrain")[0]
        self.assertEqual((denied["result"], denied["reason"], denied["from"]), ("denied", "not mine to do", "127.0.0.1"))
        try:
            self.assertEqual(operator.ask("/pipeline:drain?wait=10", {"reason": "a drill"})[0], 200)
            self.assertIn(operator_name, self.admin.ask("/pipeline/drain")[1]["owner"])
        finally:
            self.assertEqual(operator.ask("/pipeline:resume?wait=10", {"reason": "done"})[0], 200)
        done = self.actions(who=operator_name, action="postPipelineDrain")[0]
        self.assertEqual((done["result"], done["reason"], done["roles"]), ("done", "a drill", "operator"))
        self.assertEqual(operator.ask("/audit/actions")[1]["code"], "not_allowed")
        self.assertEqual(self.user("auditor")[0].ask("/audit/actions")[0], 200)

    def test_a_failed_login_is_audited_and_tells_nothing(self):
        name = "guess-" + secrets.token_hex(3)
        status, wrong = Client(self.gateway).log_in(name, "a wrong password")
        self.assertEqual((status, wrong["code"]), (401, "login_wrong"))
        failed = self.actions(who=name)[0]
        self.assertEqual((failed["action"], failed["result"]), ("postSession", "denied"))
        self.assertNotIn("a wrong password", json.dumps(failed))

    def test_a_session_of_a_user_who_is_disabled_is_over_within_seconds(self):
        client, name = self.user("operator")
        self.assertEqual(client.ask("/books")[0] in (200, 503), True)
        self.gateway.people("users", "disable", name)
        wait_for("it is over", lambda: client.ask("/books")[0] == 401, 20)
        self.assertIn("disabled", self.actions(action="access.changed", reason=f"user {name} is disabled")[0]["reason"])

    def test_a_write_without_the_sessions_token_does_nothing(self):
        client, _ = self.user("operator")
        for headers in ({"X-Kpay-Csrf": ""}, {"X-Kpay-Csrf": "guess"}):
            self.assertEqual(client.ask("/pipeline:drain", {"reason": "csrf"}, headers)[1]["code"], "csrf_missing")
        self.assertEqual(client.ask("/pipeline:drain", {"reason": "csrf"}, {"Origin": "http://evil.example"})[1]["code"],
                         "origin_refused")
        self.assertEqual(self.admin.ask("/pipeline")[1]["control"]["desired"], "running")

    def test_a_machines_token_pays_and_nothing_else(self):
        name = "ci-" + secrets.token_hex(3)
        token = self.gateway.people("tokens", "add", name, "--role", "operator", "--only", "postPayments,getPaymentsId")["token"]
        machine, key = Client(self.gateway, token), new_id()
        payment = {"from": "acc-1", "to": "acc-2", "amount": "1.00", "currency": "EUR"}
        wait_for("it is known", lambda: machine.ask("/payments/" + key)[0] in (200, 404), 20)
        status, done = machine.ask("/payments?wait=10", payment, key=key)
        self.assertEqual((status, done["status"]), (200, "completed"), done)
        self.assertEqual(machine.ask("/pipeline:drain", {"reason": "x"})[1]["code"], "not_allowed")
        self.assertEqual(machine.ask("/books")[1]["code"], "not_allowed")
        self.gateway.people("tokens", "revoke", name)
        wait_for("it is over", lambda: machine.ask("/payments/" + key)[0] == 401, 20)

    def test_a_dead_letters_bytes_are_shown_for_a_reason_and_that_is_audited(self):
        self.rig._tool("send_record", (f"127.0.0.1:{self.PORT}", "kpay.payments.incoming", 1, "raw", "-", "00ff47"), True, 30)
        letter = wait_for("the letter", lambda: [x for x in self.admin.ask("/dead-letters")[1]["letters"]
                                                 if x["bytes_total"] == 3], 20)[0]
        self.assertNotIn("bytes_hex", letter)
        path = "/dead-letters/" + letter["id"].replace("/", "%2F") + "/reveal"
        viewer, _ = self.user("viewer")
        self.assertEqual(viewer.ask(path, {"reason": "curious"})[1]["code"], "not_allowed")
        reviewer, name = self.user("reviewer")
        self.assertEqual(reviewer.ask(path, {})[1]["code"], "field_missing")
        status, shown = reviewer.ask(path, {"reason": "the payer asks"})
        self.assertEqual((status, shown["bytes_hex"]), (200, "00ff47"), shown)
        done = self.actions(who=name, action="postDeadLettersIdReveal", result="done")
        self.assertEqual(done[0]["reason"], "the payer asks")

    def test_no_log_holds_an_account_a_password_a_token_or_what_was_paid_for(self):
        account, reference = "canary-" + secrets.token_hex(6), "canary-ref-" + secrets.token_hex(6)
        password = "canary-pw-" + secrets.token_hex(6)
        token = self.gateway.people("tokens", "add", "canary-" + secrets.token_hex(3), "--role", "operator")["token"]
        machine = Client(self.gateway, token)
        wait_for("the token is known", lambda: machine.ask("/pipeline")[0] == 200, 20)
        machine.ask("/accounts?wait=10", {"account": account, "currency": "EUR", "opening": "31.41"}, key=new_id())
        payment = {"from": account, "to": "acc-1", "amount": "1.00", "currency": "EUR", "reference": reference}
        self.assertEqual(machine.ask("/payments?wait=10", payment, key=new_id())[1]["status"], "completed")
        machine.ask("/payments?wait=10", {**payment, "to": account + "-gone"}, key=new_id())
        machine.ask("/payments?wait=10", {**payment, "amount": account}, key=new_id())
        machine.ask("/accounts/" + account)
        machine.ask("/nowhere/" + account)
        Client(self.gateway).log_in("admin", password)
        Client(self.gateway, "kpay_" + password).ask("/books")
        canaries = (account, reference, password, token, token[5:], self.gateway.password, self.admin.csrf,
                    self.admin.cookie.split("=", 1)[1])
        time.sleep(1.5)  # what is said late
        for log in self.rig.folder.glob("*/log"):
            text = log.read_text(errors="replace")
            self.assertGreater(len(text), 0, log)
            for canary in canaries:
                self.assertNotIn(canary, text, f"{log} has it")


class Files(unittest.TestCase):
    """Without a cluster: the command that makes users, and a gateway that has none."""

    def test_a_gateway_without_users_refuses_to_start_and_says_what_to_do(self):
        with tempfile.TemporaryDirectory() as folder:
            binary = pathlib.Path(__file__).resolve().parents[2] / "build" / "release" / "bin" / "kpay-gateway"
            config, users = pathlib.Path(folder) / "gateway.yaml", pathlib.Path(folder) / "users"
            config.write_text("instance: {id: g}\nkafka: {bootstrap_servers: [127.0.0.1:1]}\n"
                              f"http: {{listen: '127.0.0.1:0'}}\naccess: {{users_file: {users}}}\n")

            def run(*arguments, say=None):
                return subprocess.run([binary, *arguments], capture_output=True, text=True, input=say, timeout=60)
            refused = run("--config", config)
            self.assertEqual(refused.returncode, 78, refused.stderr)
            self.assertIn("users init --file", refused.stderr)
            made = run("users", "init", "--config", config)
            self.assertEqual(made.returncode, 0, made.stderr)
            password = made.stdout.split("password: ")[1].split("\n")[0]
            self.assertEqual(users.stat().st_mode & 0o777, 0o600)
            self.assertNotIn(password, users.read_text())
            self.assertNotEqual(run("users", "init", "--config", config).returncode, 0, "it is there already")
            self.assertIn("last admin", run("users", "disable", "admin", "--file", users).stderr)
            self.assertIn("the roles are", run("users", "add", "ann", "--role", "king", "--file", users).stderr)
            self.assertIn("it needs", run("users", "add", "ann", "--role", "viewer", "--password-stdin", "--file", users,
                                          say="short\n").stderr)
            self.assertEqual(run("users", "add", "ann", "--role", "viewer,auditor", "--password-stdin", "--file", users,
                                 say="long enough for it\n").returncode, 0)
            self.assertIn("no operation", run("tokens", "add", "ci", "--role", "viewer", "--only", "getAll", "--file", users).stderr)
            self.assertIn("viewer,auditor", run("users", "list", "--file", users).stdout)
            os.chmod(users, 0o644)
            self.assertIn("chmod 0600", run("users", "list", "--file", users).stderr)
            self.assertEqual(run("--config", config).returncode, 78)


if __name__ == "__main__":
    unittest.main()
