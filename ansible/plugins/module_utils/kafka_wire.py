"""A small Kafka client for questions of operations: who leads, who is in sync, who may do what.

Standard library only, so that a host needs nothing but Python. It speaks the oldest versions that
Kafka 4 still takes, over mutual TLS or over TLS with SCRAM-SHA-512. No data path: nothing here
produces or fetches records.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import socket
import ssl
import struct

TIMEOUT_S = 10
SCRAM_ITERATIONS = 8192
SCRAM_SHA_512 = 2

RESOURCES = {"topic": 2, "group": 3, "cluster": 4, "transactional_id": 5}
PATTERNS = {"literal": 3, "prefixed": 4}
OPERATIONS = {"all": 2, "read": 3, "write": 4, "create": 5, "delete": 6, "alter": 7, "describe": 8,
              "cluster_action": 9, "describe_configs": 10, "alter_configs": 11, "idempotent_write": 12}
ANY, ALLOW = 1, 3

API_METADATA, API_SASL_HANDSHAKE, API_SASL_AUTHENTICATE = 3, 17, 36
API_DESCRIBE_ACLS, API_CREATE_ACLS, API_DELETE_ACLS = 29, 30, 31
API_DESCRIBE_CONFIGS, API_ALTER_SCRAM, API_DESCRIBE_QUORUM = 32, 51, 55
API_VERSIONS, API_UPDATE_FEATURES = 18, 57
FINALIZED_FEATURES = 2  # the tag of them in an answer about versions
UPGRADE = 1
CONFIG_TOPIC = 2


class KafkaError(Exception):
    """The broker can't be reached, or said no; the text says which and where."""


class Writer:
    """Encodes a request; `compact` is the form of flexible versions."""

    def __init__(self, compact=False):
        self.out = bytearray()
        self.compact = compact

    def put(self, form, value):
        self.out += struct.pack(">" + form, value)
        return self

    def uvarint(self, value):
        while value > 0x7F:
            self.out.append((value & 0x7F) | 0x80)
            value >>= 7
        self.out.append(value)
        return self

    def blob(self, data):
        if self.compact:
            self.uvarint(len(data) + 1)
        else:
            self.put("i", len(data))
        self.out += data
        return self

    def text(self, value):
        if value is None:
            return self.uvarint(0) if self.compact else self.put("h", -1)
        data = value.encode()
        if self.compact:
            return self.blob(data)
        self.put("h", len(data))
        self.out += data
        return self

    def array(self, items, write):
        if items is None:
            return self.uvarint(0) if self.compact else self.put("i", -1)
        if self.compact:
            self.uvarint(len(items) + 1)
        else:
            self.put("i", len(items))
        for item in items:
            write(item)
        return self

    def tags(self):
        return self.uvarint(0) if self.compact else self


class Reader:
    """Decodes an answer."""

    def __init__(self, data, compact=False):
        self.data, self.at, self.compact = data, 0, compact

    def get(self, form):
        size = struct.calcsize(form)
        value = struct.unpack_from(">" + form, self.data, self.at)[0]
        self.at += size
        return value

    def uvarint(self):
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def take(self, size):
        data = bytes(self.data[self.at:self.at + size])
        self.at += size
        return data

    def text(self):
        size = self.uvarint() - 1 if self.compact else self.get("h")
        return None if size < 0 else self.take(size).decode()

    def blob(self):
        size = self.uvarint() - 1 if self.compact else self.get("i")
        return b"" if size < 0 else self.take(size)

    def array(self, read):
        count = self.uvarint() - 1 if self.compact else self.get("i")
        return [read() for _ in range(max(0, count))]

    def tags(self):
        if self.compact:
            for _ in range(self.uvarint()):
                self.uvarint()
                self.take(self.uvarint())


def scram_salted(password, salt, iterations):
    return hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations)


class Connection:
    """One connection to one broker. Use as a context; every failure is a KafkaError."""

    def __init__(self, host, port, ca, certificate=None, user=None, password=None):
        self.where = "%s:%s" % (host, port)
        self.correlation = 0
        try:
            context = ssl.create_default_context(cafile=ca)
            if certificate:
                context.load_cert_chain(certificate)
            raw = socket.create_connection((host, port), timeout=TIMEOUT_S)
            self.socket = context.wrap_socket(raw, server_hostname=host)
        except (OSError, ssl.SSLError) as error:
            raise KafkaError("%s: %s" % (self.where, error)) from error
        if user is not None:
            self._log_in(user, password)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.socket.close()

    def request(self, api, version, body, flexible=False, tagged_head=None):
        self.correlation += 1
        head = Writer().put("h", api).put("h", version).put("i", self.correlation).text("kpay-ops")
        if flexible:
            head.uvarint(0)
        message = bytes(head.out + body.out)
        try:
            self.socket.sendall(struct.pack(">i", len(message)) + message)
            size = struct.unpack(">i", self._receive(4))[0]
            reader = Reader(self._receive(size), flexible)
        except OSError as error:
            raise KafkaError("%s: %s" % (self.where, error)) from error
        reader.get("i")
        if tagged_head is not False:
            reader.tags()
        return reader

    def _receive(self, size):
        data = bytearray()
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                raise KafkaError("%s: the broker closed the connection" % self.where)
            data += part
        return bytes(data)

    def _authenticate(self, data):
        reader = self.request(API_SASL_AUTHENTICATE, 0, Writer().blob(data))
        code, message = reader.get("h"), reader.text()
        if code != 0:
            raise KafkaError("%s: authentication refused: %s" % (self.where, message))
        return reader.blob().decode()

    def _log_in(self, user, password):
        reader = self.request(API_SASL_HANDSHAKE, 1, Writer().text("SCRAM-SHA-512"))
        if reader.get("h") != 0:
            raise KafkaError("%s: SCRAM-SHA-512 is not offered" % self.where)
        nonce = base64.b64encode(os.urandom(18)).decode()
        first = "n=%s,r=%s" % (user, nonce)
        answer = self._authenticate(("n,," + first).encode())
        fields = dict(part.split("=", 1) for part in answer.split(","))
        salted = scram_salted(password, base64.b64decode(fields["s"]), int(fields["i"]))
        last = "c=biws,r=" + fields["r"]
        key = hmac.digest(salted, b"Client Key", "sha512")
        stored = hashlib.sha512(key).digest()
        signature = hmac.digest(stored, ",".join([first, answer, last]).encode(), "sha512")
        proof = bytes(a ^ b for a, b in zip(key, signature))
        self._authenticate((last + ",p=" + base64.b64encode(proof).decode()).encode())

    # ---- questions

    def metadata(self):
        """{brokers: {id: host:port}, controller, cluster, topics: {name: [partition]}}."""
        reader = self.request(API_METADATA, 4, Writer().array(None, None).put("b", 0))
        reader.get("i")

        def broker():
            node, host, port = reader.get("i"), reader.text(), reader.get("i")
            reader.text()
            return node, "%s:%d" % (host, port)

        def partition():
            code = reader.get("h")
            return {"error": code, "partition": reader.get("i"), "leader": reader.get("i"),
                    "replicas": reader.array(lambda: reader.get("i")),
                    "isr": reader.array(lambda: reader.get("i"))}

        def topic():
            reader.get("h")
            name = reader.text()
            reader.get("b")
            return name, reader.array(partition)

        brokers = dict(reader.array(broker))
        cluster, controller = reader.text(), reader.get("i")
        return {"brokers": brokers, "cluster": cluster, "controller": controller,
                "topics": dict(reader.array(topic))}

    def topic_setting(self, topics, setting):
        """{topic: value} of one setting."""
        body = Writer()

        def resource(name):
            body.put("b", CONFIG_TOPIC).text(name).array([setting], body.text)

        reader = self.request(API_DESCRIBE_CONFIGS, 1, body.array(sorted(topics), resource).put("b", 0))
        reader.get("i")

        def synonym():
            reader.text()
            reader.text()
            reader.get("b")

        def entry():
            reader.text()
            value = reader.text()
            reader.get("b")
            reader.get("b")
            reader.get("b")
            reader.array(synonym)
            return value

        def result():
            code, message = reader.get("h"), reader.text()
            reader.get("b")
            name, values = reader.text(), reader.array(entry)
            if code != 0:
                raise KafkaError("%s: settings of %s: %s" % (self.where, name, message or code))
            return name, values[0] if values else None

        return dict(reader.array(result))

    def quorum(self):
        """{leader, high_watermark, voters: {id: {end, caught_up_ms}}} of the metadata log."""
        body = Writer(compact=True)

        def topic(name):
            body.text(name).array([0], lambda index: body.put("i", index).tags()).tags()

        body.array(["__cluster_metadata"], topic).tags()
        reader = self.request(API_DESCRIBE_QUORUM, 1, body, flexible=True)
        code = reader.get("h")
        if code != 0:
            raise KafkaError("%s: the quorum can't be described: error %d" % (self.where, code))

        def replica():
            node, end = reader.get("i"), reader.get("q")
            reader.get("q")
            caught_up = reader.get("q")
            reader.tags()
            return node, {"end": end, "caught_up_ms": caught_up}

        def partition():
            reader.get("i")
            error = reader.get("h")
            answer = {"error": error, "leader": reader.get("i")}
            reader.get("i")
            answer["high_watermark"] = reader.get("q")
            answer["voters"] = dict(reader.array(replica))
            reader.array(replica)
            reader.tags()
            return answer

        def topics():
            reader.text()
            partitions = reader.array(partition)
            reader.tags()
            return partitions[0]

        return reader.array(topics)[0]

    def features(self):
        """{feature: level} of what all brokers agreed on; one at level 0 is not named."""
        body = Writer(compact=True).text("kpay-ops").text("1").tags()
        # Of all answers only this one has a head without tags, so that the oldest client can read it.
        reader = self.request(API_VERSIONS, 3, body, flexible=True, tagged_head=False)
        code = reader.get("h")
        if code != 0:
            raise KafkaError("%s: features can't be read: error %d" % (self.where, code))

        def api():
            reader.get("h"), reader.get("h"), reader.get("h")
            reader.tags()

        def feature():
            name, level = reader.text(), reader.get("h")
            reader.get("h")
            reader.tags()
            return name, level

        reader.array(api)
        reader.get("i")
        for unused in range(reader.uvarint()):
            tag, size = reader.uvarint(), reader.uvarint()
            if tag == FINALIZED_FEATURES:
                return dict(reader.array(feature))
            reader.take(size)
        return {}

    def raise_features(self, levels, only_try=False):
        """Raises features to these levels, all or none; the brokers refuse what one of them can't do."""
        body = Writer(compact=True).put("i", TIMEOUT_S * 1000)

        def update(name):
            body.text(name).put("h", levels[name]).put("b", UPGRADE).tags()

        body.array(sorted(levels), update).put("b", int(only_try)).tags()
        reader = self.request(API_UPDATE_FEATURES, 1, body, flexible=True)
        reader.get("i")
        code, message = reader.get("h"), reader.text()
        self._all_good([(code, message)], "raising features")

        def result():
            reader.text()
            answer = reader.get("h"), reader.text()
            reader.tags()
            return answer

        self._all_good(reader.array(result), "raising features")

    # ---- access

    def acls(self):
        """Every access rule, as tuples (resource, name, pattern, principal, host, operation, permission)."""
        body = Writer().put("b", ANY).text(None).put("b", ANY).text(None).text(None)
        reader = self.request(API_DESCRIBE_ACLS, 1, body.put("b", ANY).put("b", ANY))
        reader.get("i")
        code, message = reader.get("h"), reader.text()
        if code != 0:
            raise KafkaError("%s: access rules can't be read: %s" % (self.where, message or code))
        found = []

        def resource():
            kind, name, pattern = reader.get("b"), reader.text(), reader.get("b")
            for rule in reader.array(lambda: (reader.text(), reader.text(), reader.get("b"), reader.get("b"))):
                found.append((kind, name, pattern) + rule)

        reader.array(resource)
        return found

    def create_acls(self, rules):
        body = Writer()

        def write(rule):
            kind, name, pattern, principal, host, operation, permission = rule
            body.put("b", kind).text(name).put("b", pattern).text(principal).text(host)
            body.put("b", operation).put("b", permission)

        reader = self.request(API_CREATE_ACLS, 1, body.array(rules, write))
        reader.get("i")
        self._all_good(reader.array(lambda: (reader.get("h"), reader.text())), "creating an access rule")

    def delete_acls(self, rules):
        body = Writer()

        def write(rule):
            kind, name, pattern, principal, host, operation, permission = rule
            body.put("b", kind).text(name).put("b", pattern).text(principal).text(host)
            body.put("b", operation).put("b", permission)

        reader = self.request(API_DELETE_ACLS, 1, body.array(rules, write))
        reader.get("i")

        def matching():
            reader.get("h")
            reader.text()
            reader.get("b")
            reader.text()
            reader.get("b")
            reader.text()
            reader.text()
            reader.get("b")
            reader.get("b")

        def result():
            answer = reader.get("h"), reader.text()
            reader.array(matching)
            return answer

        self._all_good(reader.array(result), "deleting an access rule")

    def set_password(self, user, password):
        """The broker is given a salted hash: the password itself never leaves this process."""
        salt = os.urandom(24)
        body = Writer(compact=True).array([], None)

        def write(name):
            body.text(name).put("b", SCRAM_SHA_512).put("i", SCRAM_ITERATIONS).blob(salt)
            body.blob(scram_salted(password, salt, SCRAM_ITERATIONS)).tags()

        reader = self.request(API_ALTER_SCRAM, 0, body.array([user], write).tags(), flexible=True)
        reader.get("i")

        def result():
            reader.text()
            answer = reader.get("h"), reader.text()
            reader.tags()
            return answer

        self._all_good(reader.array(result), "setting the password of " + user)

    def _all_good(self, results, what):
        for code, message in results:
            if code != 0:
                raise KafkaError("%s: %s: %s" % (self.where, what, message or "error %d" % code))
