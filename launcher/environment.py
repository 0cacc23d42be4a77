"""The virtual environment, from the locked list."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from launcher.problems import Problem
from launcher.state import LOCKED_LIST, State

NEEDED_MB = 4000  # 1.7 GB installed, as much again while pip downloads and unpacks, and the JARs
LAST_LINES = 4


def prepare_environment(state: State, environ: Mapping[str, str], *, offline: bool) -> None:
    """Makes `state.venv` hold the locked packages for the running Python; nothing if it does already."""
    state.make_once(
        state.venv,
        lambda: _make(state, environ),
        fingerprint=environment_fingerprint(),
        what="the Python packages",
        offline=offline,
    )


def environment_fingerprint() -> str:
    """The locked list and the running Python's version: what a virtual environment is made from."""
    locked = hashlib.sha256(LOCKED_LIST.read_bytes()).hexdigest()
    return f"{locked} python {sys.version_info[0]}.{sys.version_info[1]}"


def _make(state: State, environ: Mapping[str, str]) -> None:
    _check_disk(state.home, needed_mb=int(environ.get("TESSERA_MIN_FREE_MB") or NEEDED_MB))
    if not _runs_this_python(state.python):
        shutil.rmtree(state.venv, ignore_errors=True)
        _create(state.venv)
    started = time.monotonic()
    say(f"Installing the Python packages of {LOCKED_LIST.name} into {state.venv} (minutes the first time) ...")
    _install(state, environ)
    say(f"Python packages installed in {time.monotonic() - started:.0f} s.")


def _check_disk(home: Path, *, needed_mb: int) -> None:
    free_mb = shutil.disk_usage(home).free // 2**20
    if free_mb < needed_mb:
        raise Problem.disk_full(home, free_mb=free_mb, needed_mb=needed_mb)


def _runs_this_python(python: Path) -> bool:
    """Another minor version keeps its packages elsewhere; a removed base interpreter leaves a dead link."""
    wanted = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    try:
        return subprocess.run([python, "-c", wanted], check=False).returncode == 0
    except OSError:
        return False


def _create(folder: Path) -> None:
    base = getattr(sys, "_base_executable", sys.executable)  # of a virtual environment: what it was made from
    done = subprocess.run([base, "-m", "venv", folder], capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stdout + done.stderr).strip()
        raise Problem.command_failed(f"{base} -m venv (Debian and Ubuntu: install python3-venv)", said=said)


def _install(state: State, environ: Mapping[str, str]) -> None:
    command = [str(state.python), "-m", "pip", "install", "--no-deps", "--progress-bar", "off"]
    command += ["-r", str(LOCKED_LIST)]
    settings = {**environ, "PIP_USER": "0"}  # a personal default of --user cannot work inside a venv
    total = sum("==" in line for line in LOCKED_LIST.read_text().splitlines())
    seen = 0
    with (
        state.log.open("w") as log,
        subprocess.Popen(
            command, env=settings, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ) as pip,
    ):  # fmt: skip
        for line in pip.stdout or ():
            log.write(line)
            seen += line.startswith(("Collecting ", "Requirement already satisfied"))
            _show_progress(line, seen=seen, total=total)
    if pip.returncode:
        raise Problem.packages_not_installed(last_lines(state.log, marker="ERROR"), log=state.log)


def _show_progress(line: str, *, seen: int, total: int) -> None:
    if not sys.stderr.isatty():
        return
    if line.startswith("Collecting "):
        print(f"\r\033[K  {seen}/{total} {line.split()[1]}", end="", file=sys.stderr, flush=True)
    elif line.startswith("Installing collected"):
        print("\r\033[K  all downloaded; unpacking ...", end="", file=sys.stderr, flush=True)
    elif line.startswith("Successfully installed"):
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def say(line: str) -> None:
    """A line of progress: on stderr, since stdout belongs to the job."""
    print(line, file=sys.stderr, flush=True)


def last_lines(log: Path, *, marker: str) -> str:
    """The last lines of a log that carry `marker`, else simply its last lines, indented."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    marked = [line for line in lines if marker in line] or lines
    return os.linesep.join(f"  {line.strip()}" for line in marked[-LAST_LINES:])
