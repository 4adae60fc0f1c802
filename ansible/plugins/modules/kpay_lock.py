#!/usr/bin/python
"""The operator's lock on a host: a lease with a fencing token."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kpay_lock
short_description: One operation at a time, by a lease on every host with a fencing token
description:
  - C(read) tells the highest token that this host has seen. C(acquired) takes the lease for an
    operation with a token above that; it is refused while another operation holds a lease that has
    not ended. C(renewed) prolongs it, and is refused if another took it meanwhile. C(released) gives it back.
  - The token is never forgotten, so that a run that slept through its lease is told apart for good.
options:
  state: {description: What to do., type: str, choices: [read, acquired, renewed, released], required: true}
  operation: {description: Id of the operation., type: str}
  owner: {description: Who runs it, for people., type: str, default: ""}
  token: {description: The fencing token., type: int}
  lease_s: {description: How long the lease lasts unless renewed., type: int, default: 300}
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.kpay_lease import Lease, LeaseError


def main():
    module = AnsibleModule(
        argument_spec={"state": {"choices": ["read", "acquired", "renewed", "released"], "required": True},
                       "operation": {}, "owner": {"default": ""}, "token": {"type": "int", "no_log": False},
                       "lease_s": {"type": "int", "default": 300}},
        required_if=[("state", s, ("operation", "token")) for s in ("acquired", "renewed", "released")],
        supports_check_mode=True)
    params = module.params
    lease = Lease()
    try:
        if params["state"] == "read" or module.check_mode:
            held = lease.read()
            if params["state"] == "acquired":
                lease.refuse_if_held(held, params["operation"], time.time())
            module.exit_json(changed=False, **held)
        if params["state"] == "acquired":
            lease.acquire(params["operation"], params["owner"], params["token"], params["lease_s"])
        elif params["state"] == "renewed":
            lease.renew(params["operation"], params["token"], params["lease_s"])
        else:
            lease.release(params["operation"], params["token"])
    except (LeaseError, OSError) as error:
        module.fail_json(msg="LOCK: %s" % error)
    # The lock is no state of the system: taking and giving it back is not a change.
    module.exit_json(changed=False, **lease.read())


if __name__ == "__main__":
    main()
