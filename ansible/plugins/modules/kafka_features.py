#!/usr/bin/python
"""Raises a cluster's features to those of the release that its brokers run."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_features
short_description: Raises a cluster's features (metadata.version and others) to those of its brokers' release
description:
  - What a release's features are is told by that release's own tool (C(kafka-features version-mapping)). Those that
    stand lower are raised, all or none; none is ever lowered, because Kafka can't promise to read what was written since.
  - C(kraft.version) stays as it is. Its level 1 knows a voter by the id of its folder, so that a broker with a new disk
    would be no voter any more; the quorum of this fleet is static (C(controller.quorum.voters)).
options:
  address: {description: Address of a broker., type: str, required: true}
  port: {description: Its listener that knows this host's certificate., type: int, required: true}
  ca: {description: Certificate of the CA., type: path, required: true}
  certificate: {description: This host's certificate with its key., type: path, required: true}
  brokers: {description: Ids of the brokers that there have to be., type: list, elements: int, required: true}
  home: {description: Where Kafka is; empty asks the settings of the unit., type: path, default: ""}
  operation: {description: Id of the operation., type: str, required: true}
  token: {description: The operation's fencing token., type: int, required: true}
"""

import glob
import os
import re

from ansible.module_utils import kafka_wire as kafka
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.kpay_host import HostError, run
from ansible.module_utils.kpay_lease import Lease, LeaseError

KEPT = ("kraft.version",)
ENVIRONMENT = "/etc/kafka/environment"


def home_of():
    with open(ENVIRONMENT, encoding="utf-8") as file:
        return dict(line.strip().split("=", 1) for line in file if "=" in line)["KAFKA_HOME"]


def release_of(home):
    """4.1 of kafka-clients-4.1.1.jar."""
    for path in glob.glob(os.path.join(home, "libs/kafka-clients-*.jar")):
        match = re.search(r"kafka-clients-(\d+\.\d+)\.\d+\.jar$", path)
        if match:
            return match.group(1)
    raise HostError("%s/libs has no kafka-clients-X.Y.Z.jar: which release is it?" % home)


def levels_of(home, release, address, port):
    """{feature: level} of a release, by its own tool; no broker is asked."""
    code, text = run(["java", "-Xmx128m", "-cp", home + "/libs/*", "org.apache.kafka.tools.FeatureCommand",
                      "--bootstrap-server", "%s:%d" % (address, port), "version-mapping", "--release-version", release], timeout=120)
    found = dict(re.findall(r"(?m)^([a-z.]+)=(\d+)\b", text))
    if code != 0 or "metadata.version" not in found:
        raise HostError("the features of release %s can't be told: exit %d: %s" % (release, code, text[-300:]))
    return {name: int(level) for name, level in found.items()}


def raises(have, want):
    """{feature: level} of those that stand lower than the release's."""
    return {name: level for name, level in want.items() if level > have.get(name, 0) and name not in KEPT}


def main():
    module = AnsibleModule(
        argument_spec={"address": {"required": True}, "port": {"type": "int", "required": True},
                       "ca": {"type": "path", "required": True}, "certificate": {"type": "path", "required": True},
                       "brokers": {"type": "list", "elements": "int", "required": True}, "home": {"type": "path", "default": ""},
                       "operation": {"required": True}, "token": {"type": "int", "required": True, "no_log": False}},
        supports_check_mode=True)
    params = module.params
    try:
        home = params["home"] or home_of()
        release = release_of(home)
        want = levels_of(home, release, params["address"], params["port"])
        with kafka.Connection(params["address"], params["port"], params["ca"], params["certificate"]) as broker:
            have, metadata = broker.features(), broker.metadata()
            missing = sorted(set(params["brokers"]) - set(metadata["brokers"]))
            levels = raises(have, want)
            if missing and levels:
                raise HostError("broker %s is not there: whether it can follow is not known" % ", ".join(map(str, missing)))
            if levels:
                if not module.check_mode:
                    Lease().check(params["operation"], params["token"])
                broker.raise_features(levels, only_try=module.check_mode)
    except (kafka.KafkaError, HostError, LeaseError, OSError, KeyError) as error:
        module.fail_json(msg="FEATURES: %s" % error)
    lines = ["%s %d -> %d" % (name, have.get(name, 0), level) for name, level in sorted(levels.items())]
    module.exit_json(changed=bool(levels), step="features of %s" % release, before=have, after={**have, **levels},
                     report=lines or ["all features are those of %s" % release])


if __name__ == "__main__":
    main()
