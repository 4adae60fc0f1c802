"""The lease that lets one operation at a time change a host. Every module that stops or starts
something asks it first: a run whose lease is over, or was taken by another, changes nothing more.
"""

from __future__ import annotations

import fcntl
import json
import os
import time

FOLDER = "/var/lib/kpay-ops"
EMPTY = {"token": 0, "operation": "", "owner": "", "until": 0.0}


class LeaseError(Exception):
    """The lease is another's, or over; the text says whose and until when."""


def when(moment):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


class Lease:
    def __init__(self, folder=FOLDER, clock=time.time):
        self.folder, self.clock = folder, clock
        self.file = os.path.join(folder, "lease.json")

    def read(self):
        try:
            with open(self.file, encoding="utf-8") as file:
                return {**EMPTY, **json.load(file)}
        except FileNotFoundError:
            return dict(EMPTY)
        except ValueError as error:
            raise LeaseError("%s is no JSON (%s): look at it, then remove it" % (self.file, error)) from error

    def refuse_if_held(self, held, operation, now):
        if held["operation"] not in ("", operation) and held["until"] > now:
            raise LeaseError("operation %s of %s holds this host until %s; wait, or if it is dead, go on with it: -e resume=%s" % (
                held["operation"], held["owner"] or "somebody", when(held["until"]), held["operation"]))

    def acquire(self, operation, owner, token, lease_s):
        with self._alone():
            held = self.read()
            now = self.clock()
            self.refuse_if_held(held, operation, now)
            if token < held["token"] or (token == held["token"] and operation != held["operation"]):
                raise LeaseError("token %d is not above %d, which operation %s had" % (
                    token, held["token"], held["operation"] or "(released)"))
            self._write({"token": token, "operation": operation, "owner": owner, "until": now + lease_s})

    def renew(self, operation, token, lease_s):
        with self._alone():
            # One that is over, and that nobody took meanwhile, is still ours: hosts late in a long run need that.
            held = self._ours(operation, token)
            self._write({**held, "until": self.clock() + lease_s})

    def release(self, operation, token):
        with self._alone():
            held = self.read()
            if (held["operation"], held["token"]) == (operation, token):
                self._write({**held, "operation": "", "owner": "", "until": 0.0})

    def check(self, operation, token):
        """Returns if this operation may change the host now; else LeaseError."""
        held = self._ours(operation, token)
        if held["until"] <= self.clock():
            raise LeaseError("the lease of operation %s ended at %s" % (operation, when(held["until"])))

    def _ours(self, operation, token):
        held = self.read()
        if (held["operation"], held["token"]) != (operation, token):
            raise LeaseError("operation %s with token %s does not hold this host: %s with token %d does" % (
                operation, token, held["operation"] or "nobody", held["token"]))
        return held

    def _alone(self):
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        return _Flock(os.path.join(self.folder, "lease.lock"))

    def _write(self, lease):
        with open(self.file + ".new", "w", encoding="utf-8") as file:
            json.dump(lease, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(self.file + ".new", self.file)


class _Flock:
    def __init__(self, path):
        self.path = path

    def __enter__(self):
        self.file = open(self.path, "w", encoding="utf-8")
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *unused):
        self.file.close()
