"""The Python environment as one archive, so that executors on other machines need no Python of their own."""

from __future__ import annotations

import hashlib
import subprocess
import time
from pathlib import Path

from launcher.environment import environment_fingerprint, say
from launcher.problems import Problem
from launcher.state import State

UNPACKED_AS = "environment"
PYTHON_THERE = f"./{UNPACKED_AS}/bin/python"
"""The interpreter in the folder that an executor works in."""
PACKER = Path(__file__).with_name("pack_environment.py")


def prepare_shipment(state: State, *, package: Path) -> Path:
    """The archive of what `package`, the project's wheel, needs at run time; made once for a set of versions."""
    archive = state.shipment / f"{UNPACKED_AS}.tar.gz"
    state.make_once(
        state.shipment,
        lambda: _make(state, archive, package=package),
        fingerprint=shipment_fingerprint(),
        what="the archive of the Python packages",
        offline=False,  # nothing of it is fetched
    )
    return archive


def shipment_fingerprint() -> str:
    """The packages and the way of packing: what the archive is made from."""
    return f"{environment_fingerprint()} {hashlib.sha256(PACKER.read_bytes()).hexdigest()[:12]}"


def _make(state: State, archive: Path, *, package: Path) -> None:
    started = time.monotonic()
    say(f"Packing the Python environment for executors into {archive} (once) ...")
    archive.parent.mkdir(exist_ok=True)
    command = [str(state.python), "-I", str(PACKER), str(package), str(archive)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Problem.command_failed("packing the Python environment", said=(done.stdout + done.stderr).strip())
    say(f"Packed in {time.monotonic() - started:.0f} s: {archive.stat().st_size // 2**20} MB.")
