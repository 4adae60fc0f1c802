#!/usr/bin/python
"""Keeps, on the controller, the file of who may use the gateways."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kpay_people
short_description: Keeps the people's file of the gateways, by kpay-gateway's own tool
description:
  - Users and tokens become those that are declared; others go. A user's password is the file C(gateway-NAME.password) of
    the controller's folder; it is given to the tool on its standard input, and a host gets only the hashes. One that is
    newer than the user is set again. A token is made once, when it is declared or about to end, and kept in
    C(gateway-NAME.token) beside it.
options:
  folder: {description: "The controller's folder, with passwords and tokens.", type: path, required: true}
  gateway: {description: The program kpay-gateway., type: path, required: true}
  users:
    description: Who may log in.
    type: list
    elements: dict
    required: true
    suboptions:
      name: {description: Name., type: str, required: true}
      roles: {description: What the user may do., type: list, elements: str, required: true}
  tokens:
    description: Machines that may ask.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: Name., type: str, required: true}
      roles: {description: What it may do., type: list, elements: str, required: true}
      only: {description: "Only these operations; empty means all of its roles.", type: list, elements: str, default: []}
      days: {description: How long it is good., type: int, default: 90}
  renew_days: {description: How long before its end a token is made anew., type: int, default: 14}
"""

import calendar
import json
import os
import subprocess
import time

from ansible.module_utils.basic import AnsibleModule

DAY_S = 86400


class PeopleError(Exception):
    """The tool said no; the text says what it said."""


def moment_of(text):
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))


class People:
    def __init__(self, params, check):
        self.folder, self.gateway, self.check, self.made = params["folder"], params["gateway"], check, []
        self.file = os.path.join(params["folder"], "gateway-users")

    def tool(self, *words, stdin=""):
        done = subprocess.run([self.gateway, *words, "--file", self.file], input=stdin, capture_output=True, text=True,
                              timeout=60, check=False)
        if done.returncode != 0:
            raise PeopleError("kpay-gateway %s: exit %d: %s" % (" ".join(words[:3]), done.returncode, done.stderr.strip()))
        return done.stdout

    def change(self, why, *words, stdin=""):
        self.made.append(why)
        return "" if self.check else self.tool(*words, stdin=stdin)

    def known(self, kind):
        """{name: what the file says of it}."""
        if not os.path.exists(self.file):
            return {}
        lines = self.tool(kind, "list", "--json").splitlines()
        return {one["name"]: one for one in map(json.loads, lines)}

    def password(self, name):
        path = os.path.join(self.folder, "gateway-%s.password" % name)
        with open(path, encoding="utf-8") as file:
            return file.read().strip() + "\n", os.stat(path).st_mtime

    def user(self, wanted, have):
        name, roles = wanted["name"], ",".join(wanted["roles"])
        if have is None:
            # The file begins with an admin, whose other roles, if any, come below.
            words = ["users", "init", "--name", name] if not os.path.exists(self.file) and "admin" in wanted["roles"] \
                else ["users", "add", name, "--role", roles]
            self.change("%s: new" % name, *words, "--password-stdin", stdin=self.password(name)[0])
            return
        word, since = self.password(name)
        if since > moment_of(have["changed_at"]) + 1:
            self.change("%s: a new password" % name, "users", "passwd", name, "--password-stdin", stdin=word)

    def roles(self, wanted, have):
        if have is None or set(have["roles"].split(",")) != set(wanted["roles"]):
            self.change("%s: has the roles %s" % (wanted["name"], ", ".join(wanted["roles"])),
                        "users", "roles", wanted["name"], "--role", ",".join(wanted["roles"]))

    def token(self, wanted, have):
        name = wanted["name"]
        path = os.path.join(self.folder, "gateway-%s.token" % name)
        same = have is not None and set(have["roles"].split(",")) == set(wanted["roles"]) and have["only"] == wanted["only"]
        if same and os.path.exists(path) and moment_of(have["expires_at"]) - time.time() > self.renew_s:
            return
        if have is not None:
            self.change("token %s: revoked" % name, "tokens", "revoke", name)
        only = ["--only", ",".join(wanted["only"])] if wanted["only"] else []
        told = self.change("token %s: new" % name, "tokens", "add", name, "--role", ",".join(wanted["roles"]),
                           "--days", str(wanted["days"]), "--json", *only)
        if not self.check:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(json.loads(told)["token"])

    def keep(self, params):
        """Admins come first and nobody goes before all are there, so that there is always an admin."""
        self.renew_s = params["renew_days"] * DAY_S
        users, tokens = self.known("users"), self.known("tokens")
        for wanted in sorted(params["users"], key=lambda one: "admin" not in one["roles"]):
            self.user(wanted, users.get(wanted["name"]))
        now = users if self.check else self.known("users")
        for wanted in sorted(params["users"], key=lambda one: "admin" not in one["roles"]):
            if wanted["name"] in now:
                self.roles(wanted, now[wanted["name"]])
        for name in sorted(set(users) - {one["name"] for one in params["users"]}):
            self.change("%s: gone" % name, "users", "remove", name)
        for wanted in params["tokens"]:
            self.token(wanted, tokens.get(wanted["name"]))
        for name in sorted(set(tokens) - {one["name"] for one in params["tokens"]}):
            self.change("token %s: gone" % name, "tokens", "revoke", name)


def main():
    one = {"name": {"required": True}, "roles": {"type": "list", "elements": "str", "required": True}}
    module = AnsibleModule(
        argument_spec={"folder": {"type": "path", "required": True}, "gateway": {"type": "path", "required": True},
                       "users": {"type": "list", "elements": "dict", "required": True, "options": one},
                       "tokens": {"type": "list", "elements": "dict", "default": [], "no_log": False, "options": {
                           **one, "only": {"type": "list", "elements": "str", "default": []}, "days": {"type": "int", "default": 90}}},
                       "renew_days": {"type": "int", "default": 14}},
        supports_check_mode=True)
    params = module.params
    if not any("admin" in user["roles"] for user in params["users"]):
        module.fail_json(msg="PEOPLE: no user is an admin; one at least is needed")
    people = People(params, module.check_mode)
    try:
        people.keep(params)
    except (PeopleError, OSError, ValueError, subprocess.TimeoutExpired) as error:
        module.fail_json(msg="PEOPLE: %s" % error)
    module.exit_json(changed=bool(people.made), made=people.made,
                     diff={"before": "", "after": "".join(line + "\n" for line in people.made)})


if __name__ == "__main__":
    main()
