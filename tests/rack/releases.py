"""Releases that are made for the rack's tests: another build, and builds with a fault."""

import os
import pathlib
import shutil
import subprocess
import tarfile

from rack import ROOT

RELEASE = pathlib.Path(os.environ.get("KPAY_RELEASE") or ROOT / "build/rack/kpay.tar.gz")


def made_release(name, change):
    """An archive like the release, with one program changed."""
    folder = ROOT / "build/rack" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with tarfile.open(RELEASE) as tar:
        tar.extractall(folder)
    change(folder / "kpay/bin")
    path = ROOT / "build/rack" / (name + ".tar.gz")
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        tar.add(folder / "kpay", "kpay")
    shutil.rmtree(folder)
    path.with_name(path.name + ".sha256").write_text(
        subprocess.run(["sha256sum", path.name], cwd=path.parent, capture_output=True, text=True, check=True).stdout)
    return path


AHEAD = ROOT / "build/release/tests/logic-ahead-1"


def ahead(folder):
    """A release of the next logic version."""
    for program in sorted(AHEAD.glob("kpay*")):
        if (folder / program.name).exists():
            shutil.copy(program, folder / program.name)


def ahead_and_dying(folder):
    """The same, whose kpay-account works for a while, and then dies, at each start again."""
    ahead(folder)
    wrapped(folder, '(sleep 20; kill -ABRT $$) &\nexec "$(dirname "$0")/kpay-account.real" "$@"\n')


def other_build(folder):
    """Another release with the same programs, as a rebuild of the same logic would be."""
    (folder / "BUILD").write_text("another\n")


def wrapped(folder, script):
    """kpay-account as a script around itself that passes every check before the start."""
    (folder / "kpay-account").rename(folder / "kpay-account.real")
    (folder / "kpay-account").write_text(
        "#!/bin/sh\ncase $1 in config|selfcheck|version) exec \"$(dirname \"$0\")/kpay-account.real\" \"$@\";; esac\n" + script)
    (folder / "kpay-account").chmod(0o755)


def sick_account(folder):
    """Ends when it is started."""
    wrapped(folder, "echo sick on purpose >&2\nexit 81\n")
