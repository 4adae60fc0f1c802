#!/usr/bin/python
"""Decides whether the cluster is well enough to go on, and whether one broker may stop."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_gate
short_description: Asks a broker about replicas and the quorum, several times in a row
description:
  - "C(whole): every expected broker is there, and every replica of every partition is in sync."
  - "C(writable): every partition has the in-sync replicas that its topic needs for a write."
  - "C(stop): writable also without the node C(node), the quorum of controllers, too. It answers: if
    this broker stops now, what breaks?"
options:
  question: {description: What to ask., type: str, choices: [whole, writable, stop], required: true}
  node: {description: The node that would stop., type: int}
  brokers: {description: Ids of the nodes that there should be., type: list, elements: int, required: true}
  address: {description: Address of a broker., type: str, required: true}
  port: {description: Its listener that knows this host's certificate., type: int, required: true}
  ca: {description: Certificate of the CA., type: path, required: true}
  certificate: {description: This host's certificate with its key., type: path, required: true}
  readings: {description: How many good readings in a row., type: int, default: 3}
  interval_s: {description: Time between two readings., type: float, default: 1}
  timeout_s: {description: When to give up., type: int, default: 120}
  behind_max: {description: Records of metadata that a current voter may lack., type: int, default: 100}
"""

import time

from ansible.module_utils import kafka_questions as questions
from ansible.module_utils import kafka_wire as kafka
from ansible.module_utils.basic import AnsibleModule


def reading(params):
    with kafka.Connection(params["address"], params["port"], params["ca"], params["certificate"]) as broker:
        metadata = broker.metadata()
        missing = sorted(set(params["brokers"]) - set(metadata["brokers"]) - {params["node"]})
        wrong = ["broker %d is not there" % node for node in missing]
        if params["question"] == "whole":
            return wrong + questions.under_replicated(metadata)
        minimum = broker.topic_setting(metadata["topics"], "min.insync.replicas")
        if params["question"] == "writable":
            return questions.below_minimum_without(metadata, minimum, None)
        return (wrong + questions.below_minimum_without(metadata, minimum, params["node"])
                + questions.quorum_without(broker.quorum(), params["node"], params["behind_max"]))


def main():
    module = AnsibleModule(
        argument_spec={"question": {"choices": ["whole", "writable", "stop"], "required": True},
                       "node": {"type": "int"}, "brokers": {"type": "list", "elements": "int", "required": True},
                       "address": {"required": True}, "port": {"type": "int", "required": True},
                       "ca": {"type": "path", "required": True}, "certificate": {"type": "path", "required": True},
                       "readings": {"type": "int", "default": 3}, "interval_s": {"type": "float", "default": 1},
                       "timeout_s": {"type": "int", "default": 120}, "behind_max": {"type": "int", "default": 100}},
        required_if=[("question", "stop", ("node",))], supports_check_mode=True)
    params = module.params
    begun, good, readings, wrong = time.time(), 0, [], []
    while good < params["readings"]:
        try:
            wrong = reading(params)
        except kafka.KafkaError as error:
            wrong = [str(error)]
        readings.append({"at_s": round(time.time() - begun, 1), "wrong": wrong[:5]})
        good = 0 if wrong else good + 1
        if good == params["readings"]:
            break
        if time.time() - begun > params["timeout_s"]:
            module.fail_json(msg="GATE kafka %s is shut: %s" % (
                params["question"], "; ".join(wrong[:5]) or "never good %d times in a row" % params["readings"]),
                gate="kafka " + params["question"], readings=readings)
        time.sleep(params["interval_s"])
    module.exit_json(changed=False, gate="kafka " + params["question"], readings=readings,
                     seconds=round(time.time() - begun, 1))


if __name__ == "__main__":
    main()
