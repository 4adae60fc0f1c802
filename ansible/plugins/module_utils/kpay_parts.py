"""The parts of a backup: what a folder held at one moment, and the archive that it becomes."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import shutil
import tarfile
import time

LISTING = "listing.json"
METADATA = "__cluster_metadata-0"
TRIES = 5
# What a broker is about to remove, or has not finished; what says that it was stopped well, which a copy was not.
PASSING = (".deleted", ".swap", ".cleaned", ".tmp", ".part", "-delete", "-future", "-stray", "-deleted")
NOT_COPIED = (".lock", ".kafka_cleanshutdown", "remote-log-index-cache")
OF_SEGMENTS = (".log", ".index", ".timeindex", ".txnindex")
LAST = ("meta.properties",)  # with it the folder is whole, so it is put in place after everything else


class PartError(Exception):
    """A part can't be made, or isn't what it should be; the text says why."""


def _link(source, target):
    """Links a file, or copies it where that is another file system; its size as of now."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM):
            raise
        shutil.copyfile(source, target)
    return os.path.getsize(target)


def _segments(folder):
    with os.scandir(folder) as entries:
        return {entry.name: entry.inode() for entry in entries if entry.name.endswith(".log")}


def _wanted(name, newest):
    """Whether a file of a partition belongs to the copy: not what passes, nothing younger than the newest segment,
    and not the indexes of that one, which change in place; a broker makes them anew."""
    stem, kind = os.path.splitext(name)
    if name.endswith(PASSING):
        return False
    return kind not in OF_SEGMENTS or (stem, kind) == (newest, ".log") or stem < newest


def _link_partition(source, target):
    segments = _segments(source)
    newest = os.path.splitext(max(segments))[0] if segments else ""
    os.makedirs(target)
    sizes = {}
    for name in sorted(os.listdir(source)):
        if _wanted(name, newest):
            sizes[name] = _link(os.path.join(source, name), os.path.join(target, name))
    left = _segments(source)
    return sizes if all(left.get(name) == inode for name, inode in segments.items()) else None


def freeze_partition(source, target):
    """{file: size}, as of one moment. Segments that are merged or deleted meanwhile begin it anew."""
    for unused in range(TRIES):
        shutil.rmtree(target, ignore_errors=True)
        try:
            sizes = _link_partition(source, target)
        except FileNotFoundError:
            continue
        if sizes is not None:
            return sizes
    raise PartError("%s changed %d times while it was linked: its segments are merged or deleted" % (source, TRIES))


def _partitions(data):
    with os.scandir(data) as entries:
        return sorted(e.name for e in entries if e.is_dir() and not e.name.endswith(PASSING) and e.name not in NOT_COPIED)


def freeze_topics(data, frozen):
    """Every partition of a broker's folder but the metadata log. The broker's checkpoints are taken first, so that
    they promise no more than what is taken after them."""
    shutil.rmtree(frozen, ignore_errors=True)
    os.makedirs(frozen, mode=0o700)
    sizes = {}
    for name in sorted(os.listdir(data)):
        if os.path.isfile(os.path.join(data, name)) and name not in NOT_COPIED and not name.endswith(PASSING):
            shutil.copyfile(os.path.join(data, name), os.path.join(frozen, name))
            sizes[name] = os.path.getsize(os.path.join(frozen, name))
    for partition in _partitions(data):
        if partition != METADATA:
            _freeze_into(data, frozen, partition, sizes)
    _write(frozen, sizes)
    return sizes


def freeze_metadata(data, frozen):
    """The metadata log, when all brokers' topics are frozen: whatever leadership they know of stands in it."""
    sizes = listing(frozen)["files"]
    _freeze_into(data, frozen, METADATA, sizes)
    _write(frozen, sizes)
    return sizes


def _freeze_into(data, frozen, partition, sizes):
    found = freeze_partition(os.path.join(data, partition), os.path.join(frozen, partition))
    sizes.update({os.path.join(partition, name): size for name, size in found.items()})


def newest_snapshots(folder):
    """Names of the newest whole snapshot of each task (stage-partition-marker) in a folder."""
    newest = {}
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        task, unused, marker = name.rpartition("-")
        if marker.isdigit() and not name.startswith(".") and os.path.exists(os.path.join(folder, name, "manifest")):
            newest[task] = max(newest.get(task, (-1, "")), (int(marker), name))
    return sorted(name for unused, name in newest.values())


def freeze_state(state, frozen):
    """What of an instance's folder is never changed in place: its newest snapshots, the auditor's state."""
    shutil.rmtree(frozen, ignore_errors=True)
    os.makedirs(frozen, mode=0o700)
    sizes = {}
    for name in newest_snapshots(os.path.join(state, "snapshots")):
        folder = os.path.join("snapshots", name)
        os.makedirs(os.path.join(frozen, folder))
        for file in sorted(os.listdir(os.path.join(state, folder))):
            path = os.path.join(folder, file)
            sizes[path] = _link(os.path.join(state, path), os.path.join(frozen, path))
    if os.path.exists(os.path.join(state, "auditor.state")):
        sizes["auditor.state"] = _link(os.path.join(state, "auditor.state"), os.path.join(frozen, "auditor.state"))
    _write(frozen, sizes)
    return sizes


def _write(frozen, sizes):
    path = os.path.join(frozen, LISTING)
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump({"taken": time.time(), "files": sizes}, file, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".new", path)


def listing(frozen):
    try:
        with open(os.path.join(frozen, LISTING), encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        raise PartError("%s holds no frozen part: %s" % (frozen, error)) from error


class _Hashed(io.RawIOBase):
    """A file that knows the checksum of what was written to it."""

    def __init__(self, file):
        super().__init__()
        self.file, self.digest, self.bytes = file, hashlib.sha256(), 0

    def write(self, data):
        self.digest.update(data)
        self.bytes += len(data)
        return self.file.write(data)


def pack(frozen, archive):
    """{sha256, bytes, files, taken}: each file to the length that it had when it was frozen. The archive has its name
    when it is whole and synced; then the frozen folder goes."""
    about = listing(frozen)
    need, folder = sum(about["files"].values()), os.path.dirname(archive)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    room = os.statvfs(folder)
    if room.f_bavail * room.f_frsize < need:
        raise PartError("%s has %d MB free, the part needs %d" % (folder, room.f_bavail * room.f_frsize >> 20, need >> 20))
    handle = os.open(archive + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as raw:
        out = _Hashed(raw)
        with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as tar:
            for name in [LISTING, *sorted(about["files"])]:
                member = tarfile.TarInfo(name)
                member.size = about["files"].get(name, os.path.getsize(os.path.join(frozen, name)))
                member.mode, member.mtime = 0o600, int(about["taken"])
                with open(os.path.join(frozen, name), "rb") as file:
                    tar.addfile(member, file)
        raw.flush()
        os.fsync(raw.fileno())
    os.replace(archive + ".new", archive)
    shutil.rmtree(frozen)
    return {"sha256": out.digest.hexdigest(), "bytes": out.bytes, "files": len(about["files"]), "taken": about["taken"]}


def unpack(archive, target, uid, gid):
    """Puts a part's files in place, those in LAST after all others were synced; how many."""
    waiting, count = [], 0
    with tarfile.open(archive, "r:") as tar:
        for member in tar:
            if not member.isfile() or os.path.isabs(member.name) or ".." in member.name.split("/"):
                raise PartError("%s: %s is no plain file inside of it" % (archive, member.name))
            if member.name == LISTING:
                continue
            place = os.path.join(target, member.name)
            _make_folders(os.path.dirname(place), uid, gid)
            later = member.name in LAST
            _write_file(tar.extractfile(member), place + ".later" if later else place, uid, gid)
            waiting += [place] if later else []
            count += 1
    os.sync()
    for place in waiting:
        os.replace(place + ".later", place)
    return count


def _make_folders(path, uid, gid):
    if not os.path.isdir(path):
        _make_folders(os.path.dirname(path), uid, gid)
        os.mkdir(path, 0o700)
        os.chown(path, uid, gid)


def _write_file(source, place, uid, gid):
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        os.fchown(file.fileno(), uid, gid)
        shutil.copyfileobj(source, file, 1 << 20)


def move_aside(folder, aside):
    """What is in the folder goes to another one on the same file system; how much that was."""
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    if names:
        os.makedirs(aside, mode=0o700, exist_ok=True)
    for name in names:
        try:
            os.rename(os.path.join(folder, name), os.path.join(aside, name))
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            raise PartError("%s is a file system of its own, so what is in it can't be put aside: empty it by hand" % folder) from error
    return len(names)


def drop_old(folder, keep):
    """Removes the oldest backups of a folder; their names begin with their time. Those that are gone."""
    names = sorted(name for name in os.listdir(folder) if os.path.isdir(os.path.join(folder, name))) if os.path.isdir(folder) else []
    gone = names[:-keep] if keep > 0 else []
    for name in gone:
        shutil.rmtree(os.path.join(folder, name))
    return gone
