"""Releases that were unpacked on this host: what is in them, and whether they are whole."""

from __future__ import annotations

import hashlib
import json
import os

NAME = 12  # digits of the checksum that name a release


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for part in iter(lambda: file.read(1 << 20), b""):
            digest.update(part)
    return digest.hexdigest()


def files_of(folder):
    for base, unused, names in os.walk(folder):
        for name in names:
            yield os.path.join(base, name)


def list_of(folder):
    return {os.path.relpath(path, folder): sha256_of(path) for path in files_of(folder)}


def problem_of(folder, sha=None):
    """Why the release in this folder can't be used; empty if it is whole and of the archive `sha`."""
    try:
        with open(folder + ".json", encoding="utf-8") as file:
            stated = json.load(file)
    except (OSError, ValueError):
        return "not there"
    if sha is not None and stated.get("sha256") != sha:
        return "%s is of another archive (%s)" % (folder, stated.get("sha256"))
    found = list_of(folder)
    wrong = sorted(name for name in {**stated["files"], **found}
                   if stated["files"].get(name) != found.get(name))
    return "changed since it was unpacked: " + ", ".join(wrong[:3]) if wrong else ""
