"""Releases that are made for the rack's tests: another build, and builds with a fault."""

import gzip
import shutil
import subprocess
import tarfile
import time

from rack import RELEASE, ROOT, Failed


def of_no_time(about):
    about.mtime = 0
    return about


def made_release(name, change):
    """An archive like the release, with one program changed. The same change gives the same archive, so the same name."""
    folder = ROOT / "build/rack" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with tarfile.open(RELEASE) as tar:
        tar.extractall(folder)
    change(folder / "kpay/bin")
    path = ROOT / "build/rack" / (name + ".tar.gz")
    with open(path, "wb") as file, gzip.GzipFile("", "wb", compresslevel=1, fileobj=file, mtime=0) as packed, \
            tarfile.open(fileobj=packed, mode="w") as tar:
        tar.add(folder / "kpay", "kpay", filter=of_no_time)
    shutil.rmtree(folder)
    path.with_name(path.name + ".sha256").write_text(
        subprocess.run(["sha256sum", path.name], cwd=path.parent, capture_output=True, text=True, check=True).stdout)
    return path


AHEAD = ROOT / "build/release/tests/logic-ahead-1"


def ahead(folder):
    """A release of the next logic version."""
    programs = sorted(AHEAD.glob("kpay*"))
    if not programs:
        raise Failed("no %s: scripts/build release integration_tests makes them" % AHEAD)
    for program in programs:
        if (folder / program.name).exists():
            shutil.copy(program, folder / program.name)


def ahead_and_dying(folder):
    """The same, whose kpay-account works for 30 s, and dies soon after each start from then on."""
    ahead(folder)
    wrapped(folder, 'died=$STATE_DIRECTORY/died\n(if [ -e "$died" ]; then sleep 1; else sleep 30; fi; touch "$died"; kill -ABRT $$) &\n'
                    'exec "$(dirname "$0")/kpay-account.real" "$@"\n')


def other_build(folder):
    """Another release with the same programs, as a rebuild of the same logic would be."""
    (folder / "BUILD").write_text("another\n")


def never_seen(folder):
    """A release that no host has had."""
    (folder / "BUILD").write_text("of %r\n" % time.time())


def wrapped(folder, script):
    """kpay-account as a script around itself that passes every check before the start."""
    (folder / "kpay-account").rename(folder / "kpay-account.real")
    (folder / "kpay-account").write_text(
        "#!/bin/sh\ncase $1 in config|selfcheck|version) exec \"$(dirname \"$0\")/kpay-account.real\" \"$@\";; esac\n" + script)
    (folder / "kpay-account").chmod(0o755)


def sick_account(folder):
    """Ends when it is started."""
    wrapped(folder, "echo sick on purpose >&2\nexit 81\n")
