"""kpayctl, as modules on the controller ask it."""

from __future__ import annotations

import json
import os
import subprocess


class ToolError(Exception):
    """kpayctl couldn't be asked; the text says why."""


def ask(params, *words, timeout=30):
    """(exit code, document, what it told people)."""
    folder = os.path.dirname(params["config"])
    command = [params["kpayctl"], "--config", params["config"], "--json", "--http-ca", folder + "/ca.crt",
               "--http-certificate", folder + "/kpay-operator.crt", "--http-key", folder + "/kpay-operator.key", *words]
    try:
        done = subprocess.run(command, capture_output=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired as error:
        raise ToolError("`kpayctl %s` took more than %d s" % (" ".join(words), timeout)) from error
    note = done.stderr.decode(errors="replace").strip()
    try:
        return done.returncode, json.loads(done.stdout or b"{}"), note
    except ValueError as error:
        raise ToolError("`kpayctl %s` exit %d: %s" % (" ".join(words), done.returncode, note)) from error


def problem_of(answer, note):
    return answer.get("error", {}).get("message") or note
