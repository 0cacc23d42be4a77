"""Disks that are full, may not be written, or go away, as seen by one command."""

from __future__ import annotations

import os
import resource
import shutil
import stat
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

PLENTY = "4g"
BLOCK = 4096
WITHOUT_POWERS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")


def size_of(folder: Path) -> int:
    """Bytes of the files and folders in `folder`, in whole blocks, as a disk counts them."""
    return sum(-(-max(place.lstat().st_size, 1) // BLOCK) * BLOCK for place in folder.rglob("*"))


@contextmanager
def own_disk(folder: Path) -> Iterator[bool]:
    """Within it `folder`, which is empty, is a disk with room enough; False where this user may not mount one."""
    if os.geteuid() != 0 or not _mount("-t", "tmpfs", "-o", f"size={PLENTY}", "tmpfs", str(folder)):
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def nearly_full(folder: Path, room: int) -> Iterator[None]:
    """Within it the disk that is `folder` has room for `room` more bytes, rounded down to blocks; then enough again."""
    found = os.statvfs(folder)
    used = (found.f_blocks - found.f_bfree) * found.f_frsize
    _resize(folder, str(used + room // BLOCK * BLOCK))
    try:
        yield
    finally:
        _resize(folder, PLENTY)


def limit_files(pids: Sequence[int], size: int) -> None:
    """From now on no file of these processes, nor of those that they start, may grow beyond `size` bytes."""
    for pid in pids:
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, size))


def as_plain_user() -> tuple[str, ...] | None:
    """Words that start a program which permissions bind, root without its powers; None where that cannot be done."""
    if os.geteuid() != 0:
        return ()
    return WITHOUT_POWERS if shutil.which(WITHOUT_POWERS[0]) else None


@contextmanager
def no_writing(folder: Path) -> Iterator[None]:
    """Within it nothing may be made or changed in `folder` and below by who has no more powers than its owner."""
    places = [folder, *folder.rglob("*")]
    modes = {place: place.stat().st_mode for place in places if place.exists()}
    for place, mode in modes.items():
        place.chmod(mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    try:
        yield
    finally:
        for place, mode in modes.items():
            with suppress(FileNotFoundError):
                place.chmod(mode)


@contextmanager
def taken_away(folder: Path) -> Iterator[None]:
    """Within it `folder` is not there; what was put in its place meanwhile is gone afterwards."""
    away = folder.with_name(f"{folder.name}.away")
    folder.rename(away)
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        away.rename(folder)


def _resize(folder: Path, size: str) -> None:
    if not _mount("-o", f"remount,size={size}", str(folder)):
        raise OSError(f"{folder} cannot be mounted again")


def _mount(*words: str) -> bool:
    return subprocess.run(["mount", *words], capture_output=True, check=False).returncode == 0
