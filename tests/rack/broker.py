"""A Kafka broker of scripts/kafka for tests that need a real one and no rack."""

import os
import pathlib
import random
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
KAFKA = ROOT / "scripts/kafka/kafka"
HOME = pathlib.Path(os.environ.get("KPAY_KAFKA_HOME") or pathlib.Path(
    os.environ.get("KPAY_DEPS_CACHE") or pathlib.Path.home() / ".cache/kpay") / "kafka")
THERE = (HOME / "libs").is_dir()


class Broker:
    """Brokers of one folder each, all on one port, so one at a time."""

    def __init__(self, folder):
        self.folder, self.port = folder, random.randrange(20000, 40000)
        self.environment = {**os.environ, "KPAY_KAFKA_HEAP": "320m"}

    def do(self, verb, name):
        subprocess.run([KAFKA, verb, self.folder / name, *([str(self.port)] if verb == "start" else [])], check=True,
                       env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def java(self, tool, *words):
        return ["java", "-Xmx160m", "-cp", "%s/libs/*" % HOME, tool, *map(str, words)]

    def ask(self, tool, *words):
        return subprocess.run(self.java(tool, "--bootstrap-server", "127.0.0.1:%d" % self.port, *words), check=True,
                              capture_output=True, text=True).stdout
