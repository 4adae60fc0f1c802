"""Cuts secrets out of text before it leaves a host."""

from __future__ import annotations

import re

CUT = "[cut out]"
SHORTEST = 6  # of a secret that is looked for as it is; shorter ones would cut out words
KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
NAMED = re.compile(r"(?i)((?:password|passwd|secret|token|api[_-]?key)[\"']?\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|[^\s,;}]+)")
# The name of a file is no secret, and support has to see it.
PATH = re.compile(r"[\"']?(/|\$\{CREDENTIALS_DIRECTORY\})")


def redact(text, secrets=()):
    """The text without the given secrets, private keys, and what stands after a word such as password."""
    for secret in sorted(filter(lambda one: len(one) >= SHORTEST, secrets), key=len, reverse=True):
        text = text.replace(secret, CUT)
    text = KEY.sub(CUT, text)
    return NAMED.sub(lambda m: m.group(0) if PATH.match(m.group(2)) else m.group(1) + CUT, text)
