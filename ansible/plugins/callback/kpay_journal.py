"""Writes what an operation did into its evidence folder, one JSON object a line."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kpay_journal
type: notification
short_description: The journal of an operation
description:
  - From the moment at which kpay_operation names an evidence folder, each task's result on each host
    is a line of journal.jsonl there. The beginning and the end of the run are lines, too.
  - Of a result only the fields in KEPT are written, so that no secret gets here.
"""

import json
import os
import time

from ansible.plugins.callback import CallbackBase

KEPT = ("msg", "step", "before", "after", "gate", "readings", "plan", "drain", "restored", "seconds", "token",
        "release", "aside", "hash", "breach", "letters", "sha256", "paths", "made", "waived", "problem", "report")


def moment():
    now = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + ".%03dZ" % (now % 1 * 1000)


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "kpay_journal"

    def __init__(self):
        super().__init__()
        self.path = None
        self.waiting = []
        self.begun = {}

    def _line(self, kind, **fields):
        line = json.dumps({"at": moment(), "kind": kind, **fields}, default=str)
        if self.path is None:
            self.waiting.append(line)
            return
        with open(self.path, "a", encoding="utf-8") as file:
            for one in [*self.waiting, line]:
                file.write(one + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.waiting = []

    def v2_playbook_on_start(self, playbook):
        self._line("begin", playbook=os.path.basename(playbook._file_name))

    def v2_playbook_on_play_start(self, play):
        self._line("play", name=play.get_name())

    def v2_runner_on_start(self, host, task):
        self.begun[(host.get_name(), task._uuid)] = time.time()

    def _result(self, outcome, result, item=False):
        answer = result._result
        if answer.get("evidence") and result._task.action.endswith("kpay_operation"):
            self.path = os.path.join(answer["evidence"], "journal.jsonl")
        host = result._host.get_name()
        key = (host, result._task._uuid)
        begun = self.begun.get(key) if item else self.begun.pop(key, None)
        kept = {name: answer[name] for name in KEPT if answer.get(name) not in (None, "", [], {})}
        if result._task.no_log:
            kept = {"msg": kept.get("msg")} if outcome != "ok" else {}
        self._line("task", host=host, task=result._task.get_name(), outcome=outcome,
                   changed=bool(answer.get("changed")),
                   took_s=round(time.time() - begun, 3) if begun else None, **kept)

    def v2_runner_on_ok(self, result):
        self._result("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._result("failed", result)

    def v2_runner_item_on_ok(self, result):
        self._result("ok", result, item=True)

    def v2_runner_item_on_failed(self, result):
        self._result("failed", result, item=True)

    def v2_runner_on_unreachable(self, result):
        self._result("unreachable", result)

    def v2_playbook_on_stats(self, stats):
        self._line("end", hosts={host: stats.summarize(host) for host in sorted(stats.processed)})
