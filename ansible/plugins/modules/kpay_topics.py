#!/usr/bin/python
"""Makes a cluster's topics as kpay needs them, by kpayctl."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kpay_topics
short_description: Runs `kpayctl topics apply`, or in check mode `kpayctl topics plan`
options:
  kpayctl: {description: The tool., type: path, required: true}
  config: {description: Its configuration., type: path, required: true}
  partitions: {description: Partitions of every stage's topic., type: int, required: true}
  replication: {description: Replicas of each., type: int, required: true}
"""

import json
import subprocess

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(
        argument_spec={"kpayctl": {"type": "path", "required": True}, "config": {"type": "path", "required": True},
                       "partitions": {"type": "int", "required": True}, "replication": {"type": "int", "required": True}},
        supports_check_mode=True)
    params = module.params
    verb = "plan" if module.check_mode else "apply"
    try:
        done = subprocess.run([params["kpayctl"], "--config", params["config"], "--json", "topics", verb,
                               "--partitions", str(params["partitions"]), "--replication", str(params["replication"]),
                               *([] if module.check_mode else ["--yes"])],
                              capture_output=True, timeout=180, check=False)
        answer = json.loads(done.stdout or b"{}")
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        if module.check_mode:
            module.exit_json(changed=True, msg="not to be asked yet: every topic would be made (%s)" % error)
        module.fail_json(msg="TOPICS: %s" % error)
    if done.returncode != 0:
        problem = answer.get("error", {}).get("message") or done.stderr.decode(errors="replace").strip()
        if module.check_mode and done.returncode == 5:
            module.exit_json(changed=True, msg="no broker answers yet: every topic would be made")
        module.fail_json(msg="TOPICS: kpayctl topics %s: exit %d: %s" % (verb, done.returncode, problem), answer=answer)
    module.exit_json(changed=bool(answer.get("changed")), answer=answer)


if __name__ == "__main__":
    main()
