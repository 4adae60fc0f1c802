#!/usr/bin/env python3
"""The page in a real browser: a broker, the daemons, the gateway, then suite.mjs in Chromium.

Needs Debian's chromium, and node 20 or newer with npm (`scripts/bootstrap browser`); without them it
exits 77. KPAY_SCREENSHOTS=FOLDER keeps a picture of each screen there.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "rig"))
from rig import Rig  # noqa: E402

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
            rig._tool("send_record", (f"127.0.0.1:{PORT}", "kpay.payments.incoming", 1, "raw", "-", "00ff47"), True, 30)
            command = ["node", str(HERE / "suite.mjs"), f"http://{gateway.address()}/", chromium, str(folder)]
            shots = os.environ.get("KPAY_SCREENSHOTS")
            viewer = gateway.people("users", "add", "vera", "--role", "viewer")
            token = gateway.people("tokens", "add", "suite", "--role", "admin")
            people = {"KPAY_ADMIN_PASSWORD": gateway.password, "KPAY_VIEWER_PASSWORD": viewer["password"],
                      "KPAY_TOKEN": token["token"]}
            return subprocess.run(command + ([shots] if shots else []), timeout=400, env={**os.environ, **people}).returncode


if __name__ == "__main__":
    sys.exit(main())
