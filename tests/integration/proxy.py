"""A Kafka proxy that passes everything on, but refuses the first Produce that a producer id sends to a
partition: NOT_ENOUGH_REPLICAS, as a broker may that has too few replicas just then. The broker
advertises the proxy's address, so clients find nobody else. Reads no more of the protocol than that."""

import asyncio
import collections
import struct
import threading

PRODUCE = 0
NOT_ENOUGH_REPLICAS = 19
FIRST_FLEXIBLE = 9  # version of Produce from which lengths are compact


class Cursor:
    """Reads a request's body."""

    def __init__(self, data, at, flexible):
        self.data, self.at, self.flexible = data, at, flexible

    def take(self, form):
        values = struct.unpack_from(">" + form, self.data, self.at)
        self.at += struct.calcsize(">" + form)
        return values[0]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def length(self, form):
        return self.varint() - 1 if self.flexible else self.take(form)

    def bytes(self, form):
        size = self.length(form)
        if size < 0:
            return None
        self.at += size
        return self.data[self.at - size:self.at]

    def tags(self):
        if self.flexible:
            for _ in range(self.varint()):
                self.varint()
                self.at += self.varint()


class Produce:
    """One Produce request, version 3 to 11: which producer ids it has for which partitions."""

    def __init__(self, data):
        _, self.version, self.correlation, client = struct.unpack_from(">hhih", data, 0)
        self.flexible = self.version >= FIRST_FLEXIBLE
        if not 3 <= self.version <= 11:
            raise ValueError(f"Produce version {self.version}")
        body = Cursor(data, 10 + max(0, client), self.flexible)
        body.tags()
        body.bytes("h")  # transactional id
        body.take("h"), body.take("i")  # acks, timeout
        self.topics = []
        for _ in range(body.length("i")):
            topic, partitions = body.bytes("h"), []
            for _ in range(body.length("i")):
                partition, records = body.take("i"), body.bytes("i")
                partitions.append((partition, struct.unpack_from(">q", records, 43)[0]))
                body.tags()
            body.tags()
            self.topics.append((topic, partitions))

    def places(self):
        return [(producer, topic.decode(), partition) for topic, partitions in self.topics
                for partition, producer in partitions]

    def count(self, number):
        return struct.pack(">B" if self.flexible else ">i", number + 1 if self.flexible else number)

    def refusal(self):
        """The response that says NOT_ENOUGH_REPLICAS of each partition."""
        tags = b"\0" if self.flexible else b""
        body = struct.pack(">i", self.correlation) + tags + self.count(len(self.topics))
        for topic, partitions in self.topics:
            body += (bytes([len(topic) + 1]) if self.flexible else struct.pack(">h", len(topic))) + topic
            body += self.count(len(partitions))
            for partition, _ in partitions:
                body += struct.pack(">ihqq", partition, NOT_ENOUGH_REPLICAS, -1, -1)
                if self.version >= 5:
                    body += struct.pack(">q", -1)  # log start offset
                if self.version >= 8:  # record errors: none; message: null
                    body += self.count(0) + (b"\0" if self.flexible else struct.pack(">h", -1))
                body += tags
            body += tags
        body += struct.pack(">i", 0) + tags
        return struct.pack(">i", len(body)) + body


async def read_message(reader):
    size = await reader.readexactly(4)
    return await reader.readexactly(struct.unpack(">i", size)[0])


class Connection:
    """One client's connection, and ours to the broker for it. Answers keep the order of requests."""

    def __init__(self, proxy, client, broker):
        self.proxy, self.client, self.broker = proxy, client, broker
        self.answers = asyncio.Queue()  # a refusal, or None for the broker's next answer

    async def requests(self):
        while True:
            data = await read_message(self.client[0])
            produce = Produce(data) if data[:2] == b"\0\0" else None
            if produce and self.proxy.refuses(produce):
                self.answers.put_nowait(produce.refusal())
                continue
            self.answers.put_nowait(None)
            self.broker[1].write(struct.pack(">i", len(data)) + data)
            await self.broker[1].drain()

    async def responses(self):
        while True:
            answer = await self.answers.get()
            if answer is None:
                data = await read_message(self.broker[0])
                answer = struct.pack(">i", len(data)) + data
            else:
                await asyncio.sleep(self.proxy.delay_s)  # time for whoever sends a second one meanwhile
            self.client[1].write(answer)
            await self.client[1].drain()


class Proxy:
    """Threads: its own; start() and stop() from the test's."""

    def __init__(self, port, broker_port, delay_s=0.2):
        self.port, self.broker_port, self.delay_s = port, broker_port, delay_s
        self.seen = collections.Counter()  # (producer id, topic, partition) -> requests
        self.refusals = collections.Counter()  # topic -> refused
        self.faults = []
        self.loop = asyncio.new_event_loop()
        self.up = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def start(self):
        self.thread.start()
        if not self.up.wait(10):
            raise AssertionError(f"the proxy doesn't listen: {self.faults}")
        return self

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    def run(self):
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_until_complete(asyncio.start_server(self.serve, "127.0.0.1", self.port))
            self.up.set()
            self.loop.run_forever()
        except OSError as error:
            self.faults.append(str(error))

    def refuses(self, produce):
        first = False
        for place in produce.places():
            self.seen[place] += 1
            if self.seen[place] == 1:
                first = True
                self.refusals[place[1]] += 1
        return first

    async def serve(self, reader, writer):
        try:
            broker = await asyncio.open_connection("127.0.0.1", self.broker_port)
        except OSError:
            writer.close()
            return
        connection = Connection(self, (reader, writer), broker)
        tasks = [asyncio.ensure_future(connection.requests()), asyncio.ensure_future(connection.responses())]
        done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in rest:
            task.cancel()
        for task in done:
            if not isinstance(task.exception(), (OSError, asyncio.IncompleteReadError, type(None))):
                self.faults.append(repr(task.exception()))
        writer.close()
        broker[1].close()
