#!/usr/bin/env python3
"""`make demo` on a terminal, and a newcomer at its page: suite.mjs, phase "demo". With LONG=1 only; else exit 77.

KPAY_SCREENSHOTS=FOLDER keeps a picture of each step there. The demo is a smaller one than by itself.
"""

import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time

from test_page import HERE, NODE_MIN, REPORTS, ROOT, modules, node_version

PAGE_WITHIN_S = 600
SMALLER = {"KPAY_DEMO_PAYMENTS": "20000", "KPAY_DEMO_BAD": "60", "KPAY_DEMO_ACCOUNTS": "2000",
           "KPAY_DEMO_PORT": "19730", "KPAY_DEMO_HTTP": "19735"}


def said(terminal, pattern, within):
    """What the demo has said until `pattern` was in it, and the match."""
    text, deadline = "", time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            text += os.read(terminal, 65536).decode(errors="replace")
        except OSError:
            break
        match = re.search(pattern, text, re.S)
        if match:
            return match
    raise SystemExit(f"the demo did not say {pattern!r}:\n{text}")


def newcomer(match, chromium):
    page, admin, ben = match.groups()
    command = ["node", str(HERE / "suite.mjs"), "demo", page, chromium, str(modules()), str(REPORTS)]
    if os.environ.get("KPAY_SCREENSHOTS"):
        command.append(os.environ["KPAY_SCREENSHOTS"])
    return subprocess.run(command, env={**os.environ, "KPAY_ADMIN_PASSWORD": admin, "KPAY_CHECKER_PASSWORD": ben},
                          timeout=300).returncode


def main():
    chromium = shutil.which("chromium")
    if os.environ.get("LONG") != "1" or chromium is None or node_version() < NODE_MIN:
        print("skipped: LONG=1 runs it, with chromium and node")
        return 77
    terminal, slave = pty.openpty()
    demo = subprocess.Popen([str(ROOT / "scripts" / "demo")], stdin=slave, stdout=slave, stderr=slave,
                            env={**os.environ, **SMALLER}, start_new_session=True)
    os.close(slave)
    try:
        match = said(terminal, r"the page: (http://\S+/) \(user admin, password (\S+);\s.*user ben, password (\S+)\)",
                     PAGE_WITHIN_S)
        code = newcomer(match, chromium)
    except BaseException:
        demo.send_signal(signal.SIGINT)
        demo.wait(90)
        raise
    demo.send_signal(signal.SIGINT)
    print(said(terminal, r"stopping: .*exit \d", 90).group(0).strip())
    return code or demo.wait(60)


if __name__ == "__main__":
    sys.exit(main())
