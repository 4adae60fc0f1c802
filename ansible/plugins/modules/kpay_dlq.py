#!/usr/bin/python
"""Sends dead letters again, by kpayctl."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kpay_dlq
short_description: Sends the open dead letters of a cause again; in check mode tells what would pass
options:
  cause: {description: Of which cause., type: str, required: true}
  reason: {description: Why; it is kept in the record., type: str, required: true}
  key: {description: "Files of private keys, where keys are enrolled; by commas.", type: str, default: ""}
  kpayctl: {description: The tool., type: path, required: true}
  config: {description: Its configuration., type: path, required: true}
  timeout_s: {description: How long to wait for the answers., type: int, default: 120}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.kpay_tool import ToolError, ask, problem_of


def main():
    module = AnsibleModule(
        argument_spec={"cause": {"required": True}, "reason": {"required": True}, "key": {"default": "", "no_log": False},
                       "kpayctl": {"type": "path", "required": True}, "config": {"type": "path", "required": True},
                       "timeout_s": {"type": "int", "default": 120}},
        supports_check_mode=True)
    params = module.params
    words = ["dlq", "replay", "--cause", params["cause"], "--reason", params["reason"]]
    for key in filter(None, params["key"].split(",")):
        words += ["--key", key]
    words += ["--dry-run"] if module.check_mode else ["--yes", "--timeout", str(params["timeout_s"])]
    try:
        code, answer, note = ask(params, *words, timeout=params["timeout_s"] + 120)
    except (ToolError, OSError) as error:
        module.fail_json(msg="DLQ: %s" % error)
    report = ["%s would pass, %s would still fail" % (answer.get("would_pass", "?"), answer.get("would_fail", "?"))
              ] if module.check_mode else [note]
    # 7: what would fail was not sent; the others were, and the report says which is which.
    if code not in (0, 7):
        module.fail_json(msg="DLQ: exit %d: %s" % (code, problem_of(answer, note)), report=report)
    module.exit_json(changed=bool(answer.get("changed")), step="dlq replay", after=answer, report=report)


if __name__ == "__main__":
    main()
