"""The folder that a warehouse lives in: may we write there, and is anyone else writing."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from featurestore.errors import EnvironmentProblem, MissingInput
from featurestore.tables import is_local
from featurestore.warehouse_format import format_of

LOCK = ".tessera-lock"
POLL_SECONDS = 0.5


def check_readable(warehouse: str) -> None:
    """MissingInput where a local warehouse is not there; nothing is made for a job that only reads."""
    if is_local(warehouse) and not Path(warehouse).is_dir():
        raise MissingInput(f"there is no warehouse at {warehouse}.\n  Make one: ./spark-submit.sh demo")


def check_format(warehouse: str) -> None:
    """EnvironmentProblem for a local warehouse that a newer version has written."""
    if is_local(warehouse) and Path(warehouse).is_dir():
        format_of(str(Path(warehouse).absolute()))


def check_writable(warehouse: str) -> Path:
    """Make the folder if it is not there; EnvironmentProblem for a file, or a folder that may not be written."""
    folder = Path(warehouse)
    try:
        if folder.exists() and not folder.is_dir():
            raise EnvironmentProblem(
                f"warehouse {warehouse} is a file, not a folder.\n  Give another --warehouse PATH."
            )
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentProblem(
            f"warehouse {warehouse} cannot be made or reached: {error.strerror}.\n"
            "  Give a --warehouse PATH that you may write."
        ) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise EnvironmentProblem(
            f"warehouse {warehouse} is read-only for this user.\n"
            "  Change its permissions, or give another --warehouse PATH."
        )
    return folder


@dataclass(frozen=True)
class Hold:
    """A warehouse that this process holds; `lock` is the open lock file, None where there is no folder to lose."""

    folder: Path
    lock: int | None

    def is_there(self) -> bool:
        """Whether the folder is still the one that was taken hold of."""
        if self.lock is None:
            return True
        try:
            return os.path.samestat((self.folder / LOCK).stat(), os.fstat(self.lock))
        except OSError:
            return False


@contextmanager
def only_writer(warehouse: str, *, wait_seconds: float, tell: Callable[[str], None]) -> Iterator[Hold]:
    """Hold the warehouse for one writing job at a time; a second one waits its turn.

    The lock belongs to the process: killed, it is free. It only spares two local runs the conflicts that
    the tables' own transactions would resolve, and does not exist on object stores.
    Raises EnvironmentProblem after `wait_seconds`, and at the end where the folder has gone meanwhile: what was written
    since then lies in another one of its name, or nowhere.
    """
    if not is_local(warehouse):
        yield Hold(Path(warehouse), None)
        return
    folder = check_writable(warehouse)
    with (folder / LOCK).open("w", encoding="utf-8") as lock:
        _acquire(lock.fileno(), warehouse, wait_seconds=wait_seconds, tell=tell)
        hold = Hold(folder, lock.fileno())
        try:
            yield hold
        except Exception as error:
            _refuse_if_gone(hold, error)
            raise
        _refuse_if_gone(hold, None)


@contextmanager
def only_reader(warehouse: str) -> Iterator[None]:
    """Watch a warehouse that is read: what fails while its folder has gone away failed for that, EnvironmentProblem."""
    check_readable(warehouse)
    folder = Path(warehouse)
    before = _identity(folder)
    try:
        yield
    except Exception as error:
        if before is not None and _identity(folder) != before:
            raise _gone(folder) from error
        raise


def _identity(folder: Path) -> tuple[int, int] | None:
    """Which folder it is, whatever its name; None where there is none on this machine."""
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _refuse_if_gone(hold: Hold, error: Exception | None) -> None:
    if not hold.is_there():
        raise _gone(hold.folder) from error


def _gone(folder: Path) -> EnvironmentProblem:
    return EnvironmentProblem(
        f"warehouse {folder} was moved, removed or unmounted while the job ran.\n"
        "  Put it back (remove what lies in its place) and run the job again."
    )


def _acquire(descriptor: int, warehouse: str, *, wait_seconds: float, tell: Callable[[str], None]) -> None:
    deadline = time.monotonic() + wait_seconds
    told = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise EnvironmentProblem(
                    f"another job has been writing to warehouse {warehouse} for {wait_seconds:.0f} s.\n"
                    f"  Wait for it to end, or give another --warehouse PATH (setting: lock_wait_seconds)."
                ) from None
        if not told:
            tell(f"another job is writing to warehouse {warehouse}; waiting for it to end")
            told = True
        time.sleep(POLL_SECONDS)
