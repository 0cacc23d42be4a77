"""What executors need of Python, as one archive: the interpreter, its library, the packages that the wheel requires.

Run by the virtual environment's own Python, which knows what is installed: `python pack_environment.py WHEEL TARGET`.
"""

from __future__ import annotations

import email
import io
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

BROUGHT_BY_SPARK = {"pyspark"}
UNUSED_BY_TASKS = {"site-packages", "dist-packages", "test", "tests", "idlelib", "tkinter", "turtledemo", "ensurepip",
                   "lib2to3", "sitecustomize.py"}  # fmt: skip
QUICKLY = 1
"""Level of compression: the archive is made once, and unpacked by each executor of each run."""
LIBRARY = f"lib/python{sys.version_info[0]}.{sys.version_info[1]}"
INTERPRETER = "bin/interpreter"
# The interpreter finds its library beside itself; a shared libpython and foreign packages it would find elsewhere.
START = f"""#!/bin/sh
here="$(dirname "$0")/.."
export PYTHONNOUSERSITE=1 LD_LIBRARY_PATH="$here/lib${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"
exec "$here/{INTERPRETER}" "$@"
"""
# Debian's Python looks for packages in folders of other names; this holds for all.
SITE = """import os, site
site.addsitedir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "site-packages"))
"""


def pack(wheel: Path, target: Path) -> None:
    """Write the archive: `bin/python` in it runs wherever it is unpacked, on the same kind of system."""
    with tarfile.open(target, "w:gz", compresslevel=QUICKLY) as archive:
        _add_text(archive, "bin/python", START, mode=0o755)
        _add_text(archive, f"{LIBRARY}/sitecustomize.py", SITE, mode=0o644)
        archive.add(_interpreter(), INTERPRETER)
        for file in _shared_library():
            archive.add(file, f"lib/{file.name}")
        archive.add(sysconfig.get_path("stdlib"), LIBRARY, filter=_of_use)
        for file, name in package_files(required_by(wheel)):
            archive.add(file, f"{LIBRARY}/site-packages/{name}", recursive=False)


def required_by(wheel: Path) -> list[Requirement]:
    """What the wheel says that it needs at run time."""
    with zipfile.ZipFile(wheel) as content:
        name = next(name for name in content.namelist() if name.endswith(".dist-info/METADATA"))
        needed = email.message_from_bytes(content.read(name)).get_all("Requires-Dist") or []
    return [Requirement(one) for one in needed]


def closure(wanted: list[Requirement]) -> dict[str, Distribution]:
    """The installed distributions that `wanted` lead to by name, those that Spark brings itself left out."""
    found: dict[str, Distribution] = {}
    while wanted:
        one, *wanted = wanted
        name = canonicalize_name(one.name)
        if name in found or name in BROUGHT_BY_SPARK or not _holds(one):
            continue
        found[name] = distribution(name)
        wanted += map(Requirement, found[name].requires or [])
    return found


def package_files(wanted: list[Requirement]) -> Iterator[tuple[Path, str]]:
    """The files of the packages, where they are and their names below site-packages; commands and tests left out."""
    for one in closure(wanted).values():
        for file in one.files or []:
            place = Path(str(one.locate_file(file)))
            if ".." not in file.parts and "tests" not in file.parts and place.is_file():
                yield place, file.as_posix()


def _holds(one: Requirement) -> bool:
    return one.marker is None or one.marker.evaluate({"extra": ""})


def _interpreter() -> Path:
    return Path(getattr(sys, "_base_executable", sys.executable)).resolve()


def _shared_library() -> list[Path]:
    """The interpreter's own library, where it is not inside it."""
    folder, name = (str(sysconfig.get_config_var(key)) for key in ("LIBDIR", "INSTSONAME"))
    return [Path(folder, name)] if sysconfig.get_config_var("Py_ENABLE_SHARED") else []


def _of_use(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """None for what no task imports: tests, user interfaces, the static library."""
    name = entry.name.rpartition("/")[2]
    return None if name in UNUSED_BY_TASKS or name.startswith("config-") else entry


def _add_text(archive: tarfile.TarFile, name: str, text: str, *, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(text.encode()), mode
    archive.addfile(entry, io.BytesIO(text.encode()))


if __name__ == "__main__":
    pack(Path(sys.argv[1]), Path(sys.argv[2]))
