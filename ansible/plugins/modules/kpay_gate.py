#!/usr/bin/python
"""Decides, on the controller, whether the system is well enough to go on."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kpay_gate
short_description: Reads the whole system's state several times in a row, by kpayctl
description:
  - "A reading is good when: every partition of every stage is run by an instance that is not stale; no
    task is held; no task lags by more than C(lag_max) records; the tasks of C(stopping) are followed
    by standbys where those are declared; and there are no more dead letters than allowed."
  - C(readings) good ones in a row open the gate; a bad one starts the count anew, until C(timeout_s).
    Then the auditor must say that all that is in the log is conserved (C(audit_s)), and, with
    C(books), a recomputation from the topics must find no difference.
  - With C(soak_s), readings go on for so long behind the open gate; two bad ones in a row shut it.
options:
  name: {description: Which gate; for messages and the journal., type: str, required: true}
  kpayctl: {description: The tool., type: path, required: true}
  config: {description: Its configuration., type: path, required: true}
  readings: {description: How many good readings in a row., type: int, default: 3}
  interval_s: {description: Time between two readings., type: float, default: 1}
  timeout_s: {description: When to give up., type: int, default: 60}
  soak_s: {description: How long to go on reading., type: int, default: 0}
  lag_max: {description: The largest lag of a task in records., type: int, default: 2000}
  instances: {description: Ids of the instances that there should be., type: list, elements: str, required: true}
  stopping: {description: The instance that is to stop next., type: str, default: ""}
  standbys: {description: Ids of the instances that follow others., type: list, elements: str, default: []}
  busy: {description: Ids of the instances that must have tasks., type: list, elements: str, default: []}
  behind_max: {description: Checkpoints that a standby may lack., type: int, default: 10}
  letters_max: {description: Open dead letters that there may be; -1 for any number., type: int, default: -1}
  audit_s: {description: How long to wait for the auditor's word; 0 doesn't ask., type: int, default: 0}
  books: {description: Recompute the books once, after the readings., type: bool, default: true}
  books_timeout_s: {description: How long that may take., type: int, default: 300}
  report: {description: Don't fail; tell what was wrong in C(breach)., type: bool, default: false}
"""

import time

from ansible.module_utils import kpay_questions as questions
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.kpay_tool import ToolError, ask

BAD_IN_A_ROW = 2  # of a soak


class Gate:
    def __init__(self, params):
        self.params, self.begun, self.readings, self.letters = params, time.time(), [], 0

    def note(self, **reading):
        self.readings.append({"at_s": round(time.time() - self.begun, 1), **reading})

    def reading(self):
        """What is wrong now, as a list of sentences."""
        params = self.params
        code, status, note = ask(params, "status", "--check")
        if "error" in status and "instances" not in status:
            return ["status: %s" % status["error"].get("message")]
        wrong = questions.unwell(status, params["instances"], params["lag_max"])
        if params["stopping"]:
            wrong += questions.unfollowed(status, params["stopping"], params["standbys"], params["behind_max"])
        wrong += questions.idle(status, params["busy"])
        self.letters = questions.open_letters(status)
        if 0 <= params["letters_max"] < self.letters:
            wrong.append("%d dead letters are open, %d were at the beginning" % (self.letters, params["letters_max"]))
        if code != 0 and not wrong:
            wrong.append((note or "status --check: exit %d" % code).replace("\n", "; "))
        return wrong

    def until_good(self):
        good, wrong = 0, []
        while good < self.params["readings"]:
            wrong = self.reading()
            self.note(wrong=wrong)
            good = 0 if wrong else good + 1
            if good == self.params["readings"]:
                return []
            if time.time() - self.begun > self.params["timeout_s"]:
                return wrong or ["never good %d times in a row" % self.params["readings"]]
            time.sleep(self.params["interval_s"])
        return wrong

    def soak(self):
        bad, end = 0, time.time() + self.params["soak_s"]
        while time.time() < end:
            wrong = self.reading() + self.audit(wait=False)
            self.note(wrong=wrong)
            bad = bad + 1 if wrong else 0
            if bad == BAD_IN_A_ROW:
                return wrong
            time.sleep(self.params["interval_s"])
        return []

    def audit(self, wait=True):
        """What the auditor says against it. Without waiting, only what it found counts, not that it is behind."""
        seconds = self.params["audit_s"]
        if not seconds:
            return []
        code, answer, note = ask(self.params, "audit", "show", *(["--wait", str(seconds)] if wait else []),
                                 timeout=seconds + 30)
        statement = answer.get("statement", {})
        if wait:
            self.note(audit=statement.get("state", "none"), as_of_ms=statement.get("as_of_ms"))
        if code == 0 or (not wait and statement.get("state") != "broken"):
            return []
        return ["not conserved, says the auditor: %s" % "; ".join(filter(None, [
            statement.get("state"), statement.get("reason"), answer.get("error", {}).get("message"), note]))]

    def books(self):
        if not self.params["books"]:
            return []
        code, answer, note = ask(self.params, "books", "verify", timeout=self.params["books_timeout_s"])
        if code == 0:
            self.note(books="equal")
            return []
        text = answer.get("error", {}).get("message") or "; ".join(map(str, answer.get("differences", [])[:3])) or note
        self.note(books=text)
        return ["books verify: exit %d: %s" % (code, text)]

    def decide(self):
        """What keeps the gate shut; empty when it is open."""
        return self.until_good() or self.soak() or self.audit() or self.books()


def main():
    module = AnsibleModule(
        argument_spec={"name": {"required": True}, "kpayctl": {"type": "path", "required": True},
                       "config": {"type": "path", "required": True}, "readings": {"type": "int", "default": 3},
                       "interval_s": {"type": "float", "default": 1}, "timeout_s": {"type": "int", "default": 60},
                       "soak_s": {"type": "int", "default": 0}, "lag_max": {"type": "int", "default": 2000},
                       "instances": {"type": "list", "elements": "str", "required": True},
                       "stopping": {"default": ""}, "standbys": {"type": "list", "elements": "str", "default": []},
                       "busy": {"type": "list", "elements": "str", "default": []},
                       "behind_max": {"type": "int", "default": 10}, "letters_max": {"type": "int", "default": -1},
                       "audit_s": {"type": "int", "default": 0}, "books": {"type": "bool", "default": True},
                       "books_timeout_s": {"type": "int", "default": 300}, "report": {"type": "bool", "default": False}},
        supports_check_mode=True)
    gate = Gate(module.params)
    try:
        wrong = gate.decide()
    except (ToolError, OSError) as error:
        wrong = [str(error)]
    answer = {"gate": module.params["name"], "readings": gate.readings, "letters": gate.letters,
              "seconds": round(time.time() - gate.begun, 1)}
    text = "GATE %s is shut: %s" % (module.params["name"], "; ".join(wrong[:5])) if wrong else ""
    if wrong and not module.params["report"]:
        module.fail_json(msg=text, **answer)
    module.exit_json(changed=False, breach=text, **answer)


if __name__ == "__main__":
    main()
