#!/usr/bin/env python3
"""The page in a real browser: a broker, the daemons, the gateway, then suite.mjs in Chromium.

Needs Debian's chromium, and node 20 or newer with npm (`scripts/bootstrap browser`); without them it
exits 77. KPAY_SCREENSHOTS=FOLDER keeps a picture of each screen there.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "rig"))
sys.path.insert(0, str(ROOT / "tests" / "integration"))
from rig import Rig  # noqa: E402
from test_dlq import deposit  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
PORT = 19720
NODE_MIN = 20


def node_version():
    try:
        said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
        return int(re.match(r"v(\d+)", said).group(1))
    except (OSError, subprocess.CalledProcessError, AttributeError):
        return 0


def modules():
    """The pinned playwright-core, from the lock file with its integrity, outside the source."""
    folder = ROOT / "build" / "browser"
    folder.mkdir(parents=True, exist_ok=True)
    lock = (HERE / "package-lock.json").read_text()
    if not (folder / "done").exists() or (folder / "done").read_text() != lock:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder / name)
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, check=True,
                       stdout=subprocess.DEVNULL)
        (folder / "done").write_text(lock)
    return folder


def dead_letters(rig):
    """One that nothing can read, and a deposit on another partition than its account's."""
    opened = rig.ctl("accounts", "open", "acc-9", "--currency", "EUR", "--dump-record", "--json")
    place = (json.loads(opened.stdout)["partition"] + 1) % 4
    for partition, key, value in ((1, "-", "00ff47"), (place, b"acc-9".hex(), deposit("acc-9", 500).hex())):
        rig._tool("send_record", (f"127.0.0.1:{PORT}", "kpay.payments.incoming", partition, "raw", key, value), True, 30)


def main():
    chromium = shutil.which("chromium")
    if chromium is None or shutil.which("npm") is None or node_version() < NODE_MIN:
        print(f"skipped: needs chromium, npm and node {NODE_MIN} or newer (scripts/bootstrap browser)")
        return 77
    folder = modules()
    with tempfile.TemporaryDirectory(prefix="kpay-browser-") as place:
        with Rig(pathlib.Path(place) / "rig", port=PORT, partitions=4) as rig:
            rig.start_broker_and_topics()
            gateway = rig.add_gateway(users=True)
            rig.add_journal()
            rig.start_daemons()
            rig.load("accounts", "--count", 120, "--currency", "EUR", "--opening", "1000.00", "--wait",
                     capture_output=True)
            dead_letters(rig)
            command = ["node", str(HERE / "suite.mjs"), f"http://{gateway.address()}/", chromium, str(folder)]
            shots = os.environ.get("KPAY_SCREENSHOTS")
            passwords = {name: gateway.people("users", "add", user, "--role", role)["password"]
                         for name, user, role in (("VIEWER", "vera", "viewer"), ("MAKER", "ann", "operator"),
                                                  ("CHECKER", "ben", "approver"))}
            token = gateway.people("tokens", "add", "suite", "--role", "admin")
            people = {"KPAY_ADMIN_PASSWORD": gateway.password, "KPAY_TOKEN": token["token"],
                      **{f"KPAY_{name}_PASSWORD": password for name, password in passwords.items()}}
            return subprocess.run(command + ([shots] if shots else []), timeout=400, env={**os.environ, **people}).returncode


if __name__ == "__main__":
    sys.exit(main())
