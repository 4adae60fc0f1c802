#!/usr/bin/python
"""Keeps unpacked releases on a host, each in a folder named by the SHA-256 of its archive."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kpay_release
short_description: Unpacks a release into a folder named by its checksum, and proves what is there
description:
  - ROOT/releases/SHA12 holds an archive's content, and a list of every file's SHA-256, made when it
    was unpacked from an archive that had the right one. A release that no longer matches its list is
    reported as missing and unpacked again.
  - Without C(archive) it only tells whether the release is there and whole.
options:
  root: {description: Folder of the product., type: path, required: true}
  sha256: {description: Checksum of the archive., type: str, required: true}
  archive: {description: The archive on this host., type: path}
  consume: {description: Remove the archive when it is unpacked., type: bool, default: true}
  keep: {description: How many releases stay besides those that are in use., type: int, default: 3}
"""

import json
import os
import re
import shutil
import tarfile

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.kpay_releases import NAME, list_of, problem_of, sha256_of

def unpack(archive, folder, sha):
    new = folder + ".new"
    shutil.rmtree(new, ignore_errors=True)
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            if not (member.isfile() or member.isdir()) or member.name.startswith("/") or ".." in member.name.split("/"):
                raise ValueError("%s in the archive is no plain file or folder below its top" % member.name)
        tar.extractall(new)
    tops = os.listdir(new)
    if len(tops) != 1:
        raise ValueError("the archive has %d folders at its top, one is right" % len(tops))
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(os.path.join(new, tops[0]), folder)
    os.rmdir(new)
    os.chmod(folder, 0o755)
    with open(folder + ".json.new", "w", encoding="utf-8") as file:
        json.dump({"sha256": sha, "files": list_of(folder)}, file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    os.replace(folder + ".json.new", folder + ".json")


def in_use(root):
    """Releases that a link below ROOT names."""
    used = set()
    for folder in (root, os.path.join(root, "instances")):
        for name in os.listdir(folder) if os.path.isdir(folder) else []:
            path = os.path.join(folder, name)
            if os.path.islink(path):
                used.add(os.path.basename(os.path.realpath(path)))
    return used


def prune(root, keep, ours):
    releases = os.path.join(root, "releases")
    names = [name for name in os.listdir(releases) if re.fullmatch("[0-9a-f]{%d}" % NAME, name)]
    names.sort(key=lambda name: os.stat(os.path.join(releases, name + ".json")).st_mtime
               if os.path.exists(os.path.join(releases, name + ".json")) else 0, reverse=True)
    spare = [name for name in names if name not in in_use(root) | {ours}]
    for name in spare[keep:]:
        shutil.rmtree(os.path.join(releases, name))
        if os.path.exists(os.path.join(releases, name + ".json")):
            os.unlink(os.path.join(releases, name + ".json"))
    return spare[keep:]


def main():
    module = AnsibleModule(
        argument_spec={"root": {"type": "path", "required": True}, "sha256": {"required": True},
                       "archive": {"type": "path"}, "consume": {"type": "bool", "default": True},
                       "keep": {"type": "int", "default": 3}},
        supports_check_mode=True)
    root, sha, archive = module.params["root"], module.params["sha256"], module.params["archive"]
    if not re.fullmatch("[0-9a-f]{64}", sha):
        module.fail_json(msg="sha256: '%s' is not 64 hexadecimal digits" % sha)
    folder = os.path.join(root, "releases", sha[:NAME])
    answer = {"release": sha[:NAME], "path": folder}
    problem = problem_of(folder, sha)
    if not problem or not archive:
        module.exit_json(changed=False, missing=bool(problem), problem=problem, **answer)
    found = sha256_of(archive) if os.path.exists(archive) else "none: it is not there"
    if found != sha and not (module.check_mode and not os.path.exists(archive)):
        module.fail_json(msg="%s has SHA-256 %s, wanted is %s: nothing was unpacked" % (archive, found, sha))
    removed = []
    if not module.check_mode:
        try:
            os.makedirs(os.path.dirname(folder), exist_ok=True)
            unpack(archive, folder, sha)
            if module.params["consume"]:
                os.unlink(archive)
            removed = prune(root, module.params["keep"], sha[:NAME])
        except (OSError, ValueError, tarfile.TarError) as error:
            module.fail_json(msg="%s: %s" % (archive, error))
    module.exit_json(changed=True, missing=False, problem=problem, removed=removed, **answer,
                     diff={"before": problem + "\n", "after": "release %s unpacked\n" % sha[:NAME]})


if __name__ == "__main__":
    main()
