#!/usr/bin/python
"""Drains the pipeline, or lets it go on, by kpayctl."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kpay_pipeline
short_description: Drains the pipeline, proven at offsets, or lets it go on
options:
  state: {description: What is wanted., type: str, choices: [drained, running], required: true}
  reason: {description: Why; it is kept on the log., type: str, required: true}
  kpayctl: {description: The tool., type: path, required: true}
  config: {description: Its configuration., type: path, required: true}
  timeout_s: {description: How long a drain may take., type: int, default: 120}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.kpay_tool import ToolError, ask, problem_of


def main():
    module = AnsibleModule(
        argument_spec={"state": {"choices": ["drained", "running"], "required": True}, "reason": {"required": True},
                       "kpayctl": {"type": "path", "required": True}, "config": {"type": "path", "required": True},
                       "timeout_s": {"type": "int", "default": 120}},
        supports_check_mode=True)
    params = module.params
    words = ["pipeline", "drain" if params["state"] == "drained" else "resume", "--reason", params["reason"]]
    words += ["--dry-run"] if module.check_mode else []
    if params["state"] == "drained" and not module.check_mode:
        words += ["--yes", "--timeout", str(params["timeout_s"])]
    try:
        code, answer, note = ask(params, *words, timeout=params["timeout_s"] + 60)
    except (ToolError, OSError) as error:
        module.fail_json(msg="PIPELINE: %s" % error)
    if code != 0:
        module.fail_json(msg="PIPELINE: not %s: %s" % (params["state"], problem_of(answer, note)), answer=answer)
    module.exit_json(changed=bool(answer.get("changed")), step="pipeline %s" % params["state"], after=answer)


if __name__ == "__main__":
    main()
