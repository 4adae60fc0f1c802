"""The gateway under abuse: whatever is sent, a clean 4xx or a closed connection, and payments go on."""

import http.client
import json
import os
import pathlib
import resource
import socket
import threading
import time
import unittest

from suite import LONG, RigCase, wait_for
from test_gateway import new_id

IDLE = 10_000
STREAMS = 10_000 if LONG else 2_000  # each takes a snapshot a second
THREADS_MAX = 64
SLOW = 200


class Payer(threading.Thread):
    """Sends payments over HTTP, each again with the same id until it is answered, while others abuse the gateway."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.host, self.port = address.rsplit(":", 1)
        self.over, self.took, self.refused = threading.Event(), [], 0

    def pay(self):
        body = json.dumps({"from": "acc-1", "to": "acc-2", "amount": "0.01", "currency": "EUR"})
        key, began = new_id(), time.monotonic()
        while time.monotonic() - began < 60:
            connection = http.client.HTTPConnection(self.host, int(self.port), timeout=15)
            try:
                connection.request("POST", "/api/v1/payments?wait=10", body,
                                   {"Content-Type": "application/json", "Idempotency-Key": key})
                answer = json.loads(connection.getresponse().read())
                if answer.get("status") == "completed":
                    self.took.append(time.monotonic() - began)
                    return
            except (OSError, http.client.HTTPException):
                self.refused += 1  # closed unanswered: a client comes again
                time.sleep(0.1)
            finally:
                connection.close()
        raise AssertionError(f"no answer within 60 s, {self.refused} connections were closed")

    def run(self):
        while not self.over.is_set():
            self.pay()
            time.sleep(0.05)


class Abuse(RigCase):
    PORT = 19750
    ACCOUNTS = 10

    @classmethod
    def prepare(cls, rig):
        wanted = 65_536  # as the unit has it: the gateway takes connections for a third of them
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
        except (ValueError, OSError):
            hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            wanted = min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        cls.descriptors = wanted
        cls.gateway = rig.add_gateway()

    def setUp(self):
        self.host, port = self.gateway.address().rsplit(":", 1)
        self.port = int(port)
        self.open = []
        self.payer = Payer(self.gateway.address())
        self.payer.start()
        wait_for("the first payment", lambda: self.payer.took, 30)
        self.before = len(self.payer.took)

    def tearDown(self):
        for each in self.open:
            each.close()
        wait_for("payments went on", lambda: len(self.payer.took) > self.before + 2, 60)
        self.payer.over.set()
        self.payer.join(70)
        self.assertFalse(self.payer.is_alive(), "the last payment was answered")
        self.assertTrue(self.gateway.running(), "it is the same process")
        print(f"  {len(self.payer.took) - self.before} payments meanwhile, the slowest "
              f"{max(self.payer.took[self.before:]):.2f} s, {self.payer.refused} connections to come again", flush=True)

    def connect(self):
        connection = socket.create_connection((self.host, self.port), timeout=15)
        self.open.append(connection)
        return connection

    def say(self, data, wait=15):
        """The status of what is answered, or 0 when the connection was closed without."""
        connection = self.connect()
        connection.settimeout(wait)
        try:
            connection.sendall(data)
        except OSError:
            pass  # it has heard enough
        text = b""
        try:
            while b"\r\n\r\n" not in text:
                got = connection.recv(65536)
                if not got:
                    break
                text += got
        except OSError:
            pass
        connection.close()
        return int(text.split(b" ")[1]) if text.startswith(b"HTTP/1.1 ") else 0

    def post(self, body, *more, path="/api/v1/payments", kind="application/json"):
        head = [f"POST {path} HTTP/1.1", f"Host: {self.host}:{self.port}", f"Content-Type: {kind}",
                f"Idempotency-Key: {new_id()}", f"Content-Length: {len(body)}", *more]
        return "\r\n".join(head).encode() + b"\r\n\r\n" + body

    def test_slow_heads_and_slow_bodies(self):
        slow = [self.connect() for _ in range(SLOW)]
        begun = time.monotonic()
        while time.monotonic() - begun < (30 if LONG else 8):
            for number, each in enumerate(slow):
                try:
                    if number % 2 == 0:
                        each.sendall(b"X-Slow: a\r\n" if time.monotonic() - begun > 0.5 else b"GET / HTTP/1.1\r\n")
                    else:
                        each.sendall(b"a" if time.monotonic() - begun > 0.5 else
                                     b"POST /api/v1/payments HTTP/1.1\r\nContent-Length: 60000\r\n\r\n")
                except OSError:  # cut: an attacker comes again
                    each.close()
                    slow[number] = self.connect()
            time.sleep(0.2)

    def threads(self):
        status = pathlib.Path(f"/proc/{self.gateway.process.pid}/status").read_text()
        return int(status.split("Threads:")[1].split()[0])

    def held(self):
        return len(os.listdir(f"/proc/{self.gateway.process.pid}/fd"))

    def pay_on(self, what):
        done = len(self.payer.took)
        wait_for(f"payments go on beside {what}", lambda: len(self.payer.took) > done + 3, 60)

    def test_ten_thousand_idle_connections(self):
        count = min(IDLE, self.descriptors // 3)
        before, most = self.held(), 0
        for number in range(count):
            self.connect()
            if number % 500 == 499 or number == count - 1:
                most = max(most, self.held() - before)
        print(f"  {most} of {count} open at a time, {self.threads()} threads", flush=True)
        self.assertLessEqual(self.threads(), THREADS_MAX)
        self.assertGreater(most, count // 2, "silent connections stay open, until each one's own time is over")
        self.pay_on("silent connections")

    def test_thousands_of_open_streams(self):
        count = min(STREAMS, self.descriptors // 3)
        ask = f"GET /api/v1/events HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n\r\n".encode()
        for _ in range(count):
            self.connect().sendall(ask)
        for each in self.open[-count:]:
            each.settimeout(20)
            self.assertTrue(each.recv(15).startswith(b"HTTP/1.1 200"), "everyone is served")
        self.assertGreaterEqual(self.held(), count)
        print(f"  {count} streams, {self.threads()} threads", flush=True)
        self.assertLessEqual(self.threads(), THREADS_MAX)
        self.pay_on("streams")

    def test_at_the_limit_whoever_comes_is_served_and_the_silent_go(self):
        count = min(IDLE, self.descriptors // 3) + 500
        for _ in range(count):
            self.connect()
        self.assertEqual(self.say(f"GET /healthz HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n\r\n".encode()), 200)
        self.assertLess(self.held(), count, "those that were silent longest are gone")
        self.pay_on("more than there may be")

    def test_bodies_that_are_too_large(self):
        self.assertEqual(self.say(b"POST /api/v1/payments HTTP/1.1\r\nHost: a\r\nContent-Length: 104857600\r\n\r\n"
                                  + b"x" * 1_000_000), 413)
        connection, sent = self.connect(), 0
        try:  # 100 MB to whoever takes them
            connection.sendall(b"POST /api/v1/payments HTTP/1.1\r\nHost: a\r\nContent-Length: 104857600\r\n\r\n")
            while sent < 104_857_600:
                sent += connection.send(b"x" * 65536)
        except OSError:
            pass
        self.assertLess(sent, 104_857_600, "it was cut")
        self.assertEqual(self.say(self.post(b" " * 70_000)), 413)

    def test_json_that_is_deep_or_no_text(self):
        for body in (b"[" * 60_000, b'{"a":' * 10_000, b'{"from": "\xff\xfe"}', b"\x00" * 100, b'{"amount": 1e400}', b"null",
                     b'{"from": "a", "from": "b"}'):
            self.assertIn(self.say(self.post(body)), (400, 422), body[:20])
        self.assertIn(self.say(self.post(b"\xff\xfe\n[[[[\n", path="/api/v1/payments:batch", kind="application/x-ndjson")),
                      (200, 400, 422), "each line is answered")

    def test_requests_with_two_lengths_are_no_way_to_smuggle(self):
        hidden = b"GET /api/v1/books HTTP/1.1\r\nHost: a\r\n\r\n"
        for lines in (("Content-Length: 5", "Content-Length: 6"), ("Content-Length: 5", "Content-Length: 5"),
                      ("Content-Length: 5", "Transfer-Encoding: chunked"), ("Transfer-Encoding: chunked",),
                      ("Transfer-Encoding: xchunked", "Content-Length: 5"), ("Content-Length : 5",), ("Content-Length: +5",),
                      ("Content-Length: -1",), ("Content-Length: 5, 5",), ("Content-Length: 0x5",), ("Content-Length: 5 ", " 6"),
                      ("Transfer-Encoding:\tchunked", "Content-Length: 4")):
            head = "\r\n".join(("POST /api/v1/payments HTTP/1.1", f"Host: {self.host}:{self.port}", *lines)).encode()
            connection = self.connect()
            connection.sendall(head + b"\r\n\r\n0\r\n\r\n" + hidden)
            text = b""
            try:
                while got := connection.recv(65536):
                    text += got
            except OSError:
                pass
            self.assertEqual(text.count(b"HTTP/1.1 "), 1, (lines, text[:300]))
            self.assertIn(int(text.split(b" ")[1]), range(400, 500), (lines, text[:200]))

    def test_paths_that_climb_and_bytes_that_are_no_path(self):
        for path in ("/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/app.js/..%2f..%2fetc/passwd", "/%00", "/%zz",
                     "//etc/passwd", "/\\..\\..\\etc", "/api/v1/payments/..%2faccounts", "http://evil.example/api/v1/books"):
            answer = self.say(f"GET {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n\r\n".encode())
            self.assertIn(answer, (400, 403, 404), path)

    def test_floods_of_headers_and_what_is_no_http(self):
        head = f"GET /healthz HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n".encode()
        self.assertEqual(self.say(head + b"".join(b"X-%d: a\r\n" % n for n in range(2_000)) + b"\r\n"), 431)
        self.assertEqual(self.say(head + b"X-Large: " + b"a" * 1_000_000 + b"\r\n\r\n"), 431)
        self.assertIn(self.say(head + b"Bad Name: a\r\n\r\n"), (400,))
        self.assertIn(self.say(head + b"X: a\x00b\r\n\r\n"), (400,))
        for nonsense in (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"\x00" * 5_000 + b"\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                         b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"):
            self.assertIn(self.say(nonsense), (0, 400, 404, 405), nonsense[:20])
        self.assertEqual(self.say(head + b"\r\n"), 200)


if __name__ == "__main__":
    unittest.main()
