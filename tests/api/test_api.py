#!/usr/bin/env python3
"""Asks the API of a live system whatever its description allows, and some that it doesn't: the checks of Schemathesis, with
links between operations. The report stays in build/api/. LONG=1 asks ten times as much.

Not asked: the stream of events, which doesn't end; what stops payments or starts load for all that comes after; batches, whose
lines no JSON schema describes. test_gateway.py and the page's suite ask those. Not checked: that what was just sent can be read
at once. 202 says that a command is in the log; until intake has read it, and for ids of another time, which it rejects, there
is no payment, and GET says 404.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "rig"))
from rig import Rig  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
PORT = 19795
NOT_ASKED = ("/events", "/pipeline:pause", "/pipeline:drain", "/load:start", "/payments:batch")
EXAMPLES = 200 if os.environ.get("LONG") == "1" else 20


def command(gateway, token, report):
    base = f"http://{gateway.address()}/api/v1"
    asked = [str(ROOT / "scripts" / "python-env"), "api", str(HERE / "requirements.txt"), "st",
             "--config-file", str(HERE / "schemathesis.toml"), "run", f"{base}/openapi.json", "--url", base,
             "--header", f"Authorization: Bearer {token}", "--checks", "all",
             "--exclude-checks", "ensure_resource_availability", "--max-examples", str(EXAMPLES),
             "--request-timeout", "15", "--generation-deterministic", "--no-color",
             "--report", "junit", "--report-junit-path", str(report / "junit.xml")]
    for path in NOT_ASKED:
        asked += ["--exclude-path", path]
    return asked


def main():
    report = ROOT / "build" / "api"
    shutil.rmtree(report, ignore_errors=True)
    report.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="kpay-api-") as place:
        with Rig(pathlib.Path(place) / "rig", port=PORT, partitions=3) as rig:
            rig.start_broker_and_topics()
            gateway = rig.add_gateway(users=True)
            rig.add_journal()
            rig.start_daemons()
            rig.load("accounts", "--count", 20, "--currency", "EUR", "--opening", "1000.00", "--wait", capture_output=True)
            rig.load("run", "--rate", 50, "--duration", "2s", "--accounts", 20, "--currency", "EUR", capture_output=True)
            token = gateway.people("tokens", "add", "suite", "--role", "admin")["token"]
            done = subprocess.run(command(gateway, token, report), timeout=1500, text=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT)
            (report / "report.txt").write_text(done.stdout)
            print(done.stdout)
            broken = [event for event in gateway.events() if event.get("level") in ("error", "critical")]
            print(f"errors in the gateway's log: {broken}")
            return done.returncode or (1 if broken or not gateway.running() else 0)


if __name__ == "__main__":
    sys.exit(main())
