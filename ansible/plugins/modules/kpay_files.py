#!/usr/bin/python
"""Writes a set of files, with their folders, in one step."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kpay_files
short_description: Writes a set of files, with their folders, in one step
description:
  - Each file is written beside its place and moved there, so that a reader sees the old one or the
    new one. A file that is as wanted is not touched, not even its time.
  - A file marked C(secret) never shows in a diff.
options:
  folders:
    description: Folders that must be there. Those that are not are made.
    type: list
    elements: dict
    default: []
    suboptions:
      path: {description: Where., type: path, required: true}
      mode: {description: Permissions in octal., type: str, default: "0755"}
      owner: {description: User., type: str, default: root}
      group: {description: Group., type: str, default: root}
  files:
    description: Files as they must be.
    type: list
    elements: dict
    default: []
    suboptions:
      path: {description: Where., type: path, required: true}
      content: {description: Every byte of it., type: str, required: true}
      mode: {description: Permissions in octal., type: str, default: "0644"}
      owner: {description: User., type: str, default: root}
      group: {description: Group., type: str, default: root}
      secret: {description: Its content is not to be shown., type: bool, default: false}
  absent:
    description: Files and links that must not be there.
    type: list
    elements: path
    default: []
"""

import grp
import os
import pwd
import tempfile

from ansible.module_utils.basic import AnsibleModule


def number_of(kind, name, check):
    try:
        return pwd.getpwnam(name).pw_uid if kind == "user" else grp.getgrnam(name).gr_gid
    except KeyError:
        if check:
            return -1  # a task before this one would have made it
        raise


def read(path):
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except FileNotFoundError:
        return None


def attributes(path):
    state = os.stat(path)
    return state.st_mode & 0o7777, state.st_uid, state.st_gid


class Change:
    """What was found to differ, for the answer and the diff."""

    def __init__(self, module):
        self.module, self.check = module, module.check_mode
        self.paths, self.diffs = [], []

    def note(self, path, before, after, secret=False):
        self.paths.append(path)
        if secret:
            before, after = "(hidden)\n" if before is not None else "", "(hidden, differs)\n"
        self.diffs.append({"before_header": path, "after_header": path,
                           "before": before or "", "after": after or ""})

    def folder(self, wanted):
        path, mode = wanted["path"], int(wanted["mode"], 8)
        owner = number_of("user", wanted["owner"], self.check)
        group = number_of("group", wanted["group"], self.check)
        if not os.path.isdir(path):
            self.note(path, None, "folder %s\n" % wanted["mode"])
            if self.check:
                return
            os.makedirs(path, mode=0o755)
        elif attributes(path) == (mode, owner, group):
            return
        else:
            self.note(path, "mode %o, %d:%d\n" % attributes(path), "mode %o, %d:%d\n" % (mode, owner, group))
        if not self.check:
            os.chown(path, owner, group)
            os.chmod(path, mode)

    def file(self, wanted):
        path, content, mode = wanted["path"], wanted["content"], int(wanted["mode"], 8)
        owner = number_of("user", wanted["owner"], self.check)
        group = number_of("group", wanted["group"], self.check)
        before = read(path)
        if before == content and attributes(path) == (mode, owner, group):
            return
        if before == content:
            self.note(path, "mode %o, %d:%d\n" % attributes(path), "mode %o, %d:%d\n" % (mode, owner, group))
        else:
            self.note(path, before, content, wanted["secret"])
        if self.check:
            return
        handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".kpay-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as file:
                os.fchmod(file.fileno(), mode)
                os.fchown(file.fileno(), owner, group)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise

    def gone(self, path):
        if not os.path.lexists(path):
            return
        self.note(path, "there\n", None)
        if not self.check:
            os.unlink(path)


def main():
    attributes_of_all = {"path": {"type": "path", "required": True}, "owner": {"default": "root"},
                         "group": {"default": "root"}}
    module = AnsibleModule(
        argument_spec={
            "folders": {"type": "list", "elements": "dict", "default": [],
                        "options": {**attributes_of_all, "mode": {"default": "0755"}}},
            "files": {"type": "list", "elements": "dict", "default": [],
                      "options": {**attributes_of_all, "mode": {"default": "0644"},
                                  "content": {"required": True},
                                  "secret": {"type": "bool", "default": False}}},
            "absent": {"type": "list", "elements": "path", "default": []},
        },
        supports_check_mode=True)
    change = Change(module)
    try:
        for folder in module.params["folders"]:
            change.folder(folder)
        for file in module.params["files"]:
            change.file(file)
        for path in module.params["absent"]:
            change.gone(path)
    except (OSError, KeyError) as error:
        module.fail_json(msg="%s; changed before that: %s" % (error, ", ".join(change.paths) or "nothing"))
    module.exit_json(changed=bool(change.paths), paths=change.paths, diff=change.diffs)


if __name__ == "__main__":
    main()
