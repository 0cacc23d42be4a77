"""The state folder: what set-up has made, stamped last, so that an interruption is seen and mended."""

from __future__ import annotations

import fcntl
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from launcher.problems import Problem

ROOT = Path(__file__).resolve().parent.parent
LOCKED_LIST = ROOT / "requirements.lock"


@dataclass(frozen=True)
class State:
    """Folders under `home`, `venv`, `jars`, `wheel`, `shipment`, `cluster`, their stamps, and a log of the set-up."""

    home: Path

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> State:
        """TESSERA_HOME, else `.tessera` in the project."""
        return cls(Path(environ.get("TESSERA_HOME") or ROOT / ".tessera").absolute())

    @property
    def venv(self) -> Path:
        return self.home / "venv"

    @property
    def python(self) -> Path:
        return self.venv / "bin" / "python"

    @property
    def spark_home(self) -> Path:
        """The PySpark of the virtual environment, which brings Spark itself."""
        return next(self.venv.glob("lib/python3.*/site-packages/pyspark"), self.venv / "no-pyspark")

    @property
    def jars(self) -> Path:
        return self.home / "jars"

    @property
    def shipment(self) -> Path:
        return self.home / "shipment"

    @property
    def cluster(self) -> Path:
        return self.home / "cluster"

    @property
    def log(self) -> Path:
        return self.home / "setup.log"

    def is_made(self, folder: Path, fingerprint: str) -> bool:
        """True if `folder` was finished, from just these inputs."""
        stamp = stamp_of(folder)
        return folder.is_dir() and stamp.is_file() and stamp.read_text() == fingerprint

    def make_once(self, folder: Path, make: Callable[[], None], *, fingerprint: str, what: str, offline: bool) -> None:
        """Calls `make` unless `folder` is up to date; two set-ups at once wait for one another.

        The stamp goes first and comes back last, so that `folder` without a stamp is an unfinished one.
        """
        if self.is_made(folder, fingerprint):
            return
        if offline:
            raise Problem.never_fetched(what, home=self.home)
        with self._exclusive():
            if self.is_made(folder, fingerprint):
                return
            if not stamp_of(folder).is_file():
                shutil.rmtree(folder, ignore_errors=True)
            stamp_of(folder).unlink(missing_ok=True)
            make()
            stamp_of(folder).write_text(fingerprint)

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print(f"Another set-up is at work in {self.home}; waiting for it ...", file=sys.stderr)
                fcntl.flock(file, fcntl.LOCK_EX)
            yield  # closing the file gives the lock back, however the process ends


def stamp_of(folder: Path) -> Path:
    """The file beside `folder` that says what it was finished from."""
    return folder.with_suffix(".stamp")


def locked_version(package: str) -> str:
    """The version that the locked list pins `package` to: the one place where versions are written."""
    for line in LOCKED_LIST.read_text().splitlines():
        name, separator, rest = line.partition("==")
        if separator and name.strip() == package:
            return rest.split()[0]
    raise Problem.command_failed(f"reading {LOCKED_LIST.name}", said=f"it does not pin {package}")
