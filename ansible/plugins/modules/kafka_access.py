#!/usr/bin/python
"""Makes a cluster's passwords and access rules as they are declared."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_access
short_description: Makes a cluster's SCRAM passwords and access rules as they are declared
description:
  - A password is right if one can log in with it; if not, the broker is given a new salted hash of it.
  - Access rules that aren't declared are removed. What no rule allows is denied.
options:
  address: {description: Address of a broker., type: str, required: true}
  admin_port: {description: Port of the listener that knows this host's certificate., type: int, required: true}
  client_port: {description: Port of the SASL listener, to try passwords at., type: int, required: true}
  ca: {description: Certificate of the CA., type: path, required: true}
  certificate: {description: This host's certificate with its key., type: path, required: true}
  passwords: {description: Password by principal., type: dict, required: true}
  prefix: {description: Beginning of every topic's and group's name., type: str, required: true}
  rules:
    description: What principals may do.
    type: list
    elements: dict
    required: true
    suboptions:
      principal: {description: Who., type: str, required: true}
      resource: {description: What kind., type: str, choices: [topic, group, cluster], required: true}
      names: {description: Names without the prefix., type: list, elements: str, required: true}
      pattern: {description: Names themselves or what begins with them., type: str, choices: [literal, prefixed], default: literal}
      operations: {description: What may be done., type: list, elements: str, required: true}
"""

from ansible.module_utils import kafka_wire as kafka
from ansible.module_utils.basic import AnsibleModule


def declared(rules, prefix):
    found = set()
    for rule in rules:
        for name in rule["names"]:
            full = name if rule["resource"] == "cluster" else prefix + name
            for operation in rule["operations"]:
                found.add((kafka.RESOURCES[rule["resource"]], full, kafka.PATTERNS[rule["pattern"]],
                           "User:" + rule["principal"], "*", kafka.OPERATIONS[operation], kafka.ALLOW))
    return found


def in_words(rule):
    def word(table, number):
        return next((name for name, value in table.items() if value == number), str(number))

    kind, name, pattern, principal, host, operation, permission = rule
    return "%s may %s %s %s%s%s%s" % (
        principal, word(kafka.OPERATIONS, operation), word(kafka.RESOURCES, kind), name,
        "*" if pattern == kafka.PATTERNS["prefixed"] else "",
        "" if host == "*" else " from " + host, "" if permission == kafka.ALLOW else " (denied)")


def log_in(params, principal, password):
    try:
        kafka.Connection(params["address"], params["client_port"], params["ca"],
                         user=principal, password=password).__exit__()
        return True
    except kafka.KafkaError as error:
        if "authentication refused" in str(error):
            return False
        raise


def main():
    module = AnsibleModule(
        argument_spec={
            "address": {"required": True}, "admin_port": {"type": "int", "required": True},
            "client_port": {"type": "int", "required": True}, "ca": {"type": "path", "required": True},
            "certificate": {"type": "path", "required": True},
            "passwords": {"type": "dict", "required": True, "no_log": True}, "prefix": {"required": True},
            "rules": {"type": "list", "elements": "dict", "required": True, "options": {
                "principal": {"required": True},
                "resource": {"choices": ["topic", "group", "cluster"], "required": True},
                "names": {"type": "list", "elements": "str", "required": True},
                "pattern": {"choices": ["literal", "prefixed"], "default": "literal"},
                "operations": {"type": "list", "elements": "str", "required": True,
                               "choices": list(kafka.OPERATIONS)}}}},
        supports_check_mode=True)
    params = module.params
    wanted = declared(params["rules"], params["prefix"])
    try:
        with kafka.Connection(params["address"], params["admin_port"], params["ca"], params["certificate"]) as admin:
            have = set(admin.acls())
            wrong = [p for p, word in sorted(params["passwords"].items()) if not log_in(params, p, word)]
            missing, surplus = sorted(wanted - have), sorted(have - wanted)
            if not module.check_mode:
                for principal in wrong:
                    admin.set_password(principal, params["passwords"][principal])
                if missing:
                    admin.create_acls(missing)
                if surplus:
                    admin.delete_acls(surplus)
    except kafka.KafkaError as error:
        if module.check_mode:
            module.exit_json(changed=True, msg="no broker to ask yet: everything would be set (%s)" % error)
        module.fail_json(msg="ACCESS: %s" % error)
    before = ["password of %s is another" % p for p in wrong] + [in_words(r) for r in surplus]
    after = ["password of %s is set" % p for p in wrong] + [in_words(r) for r in missing]
    module.exit_json(changed=bool(before or after), diff={
        "before": "".join(line + "\n" for line in before), "after": "".join(line + "\n" for line in after)})


if __name__ == "__main__":
    main()
