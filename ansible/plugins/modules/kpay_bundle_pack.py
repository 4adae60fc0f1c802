#!/usr/bin/python
"""Puts what the hosts gave into one archive on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kpay_bundle_pack
short_description: Puts the hosts' parts of a support bundle, and what kpayctl says, into one archive
options:
  folder: {description: Where bundles are kept., type: path, required: true}
  parts: {description: Files by host., type: dict, required: true}
  kpayctl: {description: The tool., type: path, required: true}
  config: {description: Its configuration., type: path, required: true}
"""

import glob
import io
import json
import os
import tarfile
import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.kpay_redact import redact
from ansible.module_utils.kpay_tool import ToolError, ask

QUESTIONS = {"status": ["status"], "audit": ["audit", "show"], "pipeline": ["pipeline", "status"],
             "dead-letters": ["dlq", "stats"], "topics": ["topics", "check"]}


def answers(params):
    for name, words in QUESTIONS.items():
        try:
            code, document, note = ask(params, *words, timeout=60)
            yield name + ".json", json.dumps({"exit": code, "answer": document, "note": note}, indent=1)
        except (ToolError, OSError) as error:
            yield name + ".json", json.dumps({"problem": str(error)})


def secrets_of(config):
    found = []
    for path in glob.glob(os.path.join(os.path.dirname(config), "*.password")):
        with open(path, encoding="utf-8") as file:
            found.append(file.read().strip())
    return found


def main():
    module = AnsibleModule(
        argument_spec={"folder": {"type": "path", "required": True}, "parts": {"type": "dict", "required": True},
                       "kpayctl": {"type": "path", "required": True}, "config": {"type": "path", "required": True}},
        supports_check_mode=True)
    params = module.params
    name = "bundle-" + time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    path = os.path.join(params["folder"], name + ".tar.gz")
    if module.check_mode:
        module.exit_json(changed=False, path=path)
    secrets = secrets_of(params["config"])
    files = {"%s/%s" % (host, file): text for host, part in params["parts"].items() for file, text in part.items()}
    files.update(answers(params))
    os.makedirs(params["folder"], mode=0o700, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out, tarfile.open(fileobj=out, mode="w:gz") as tar:
        for file, text in sorted(files.items()):
            data = redact(str(text), secrets).encode()
            about = tarfile.TarInfo("%s/%s" % (name, file))
            about.size, about.mtime, about.mode = len(data), int(time.time()), 0o600
            tar.addfile(about, io.BytesIO(data))
    # It tells about the system and changes nothing of it.
    module.exit_json(changed=False, path=path, files=len(files))


if __name__ == "__main__":
    main()
