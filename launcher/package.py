"""The project as a wheel, so that executors on other machines have its code."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from launcher.problems import Problem
from launcher.state import ROOT, State

PACKAGES = ("featurestore", "models", "jobs", "conf")
BESIDES = ("setup.py", "LICENSE")
SHIPPED = {".py", ".yml", ".yaml", ".properties"}
KEPT = 3  # jobs that started a little earlier may still be copying theirs


def prepare_package(state: State) -> Path:
    """The wheel of the sources as they are now; built (without the network) only if they have changed."""
    folder = state.home / "wheel"
    digest = _digest(_sources())
    built = next(folder.glob(f"*.{digest}.zip"), None)
    if built:
        return built
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="build-", dir=state.home) as scratch:
        wheel = _build(state, Path(scratch))
        # Spark puts .zip files on the path of its Python workers, and no .whl ones.
        target = folder / f"{wheel.stem}.{digest}.zip"
        wheel.replace(target)
    _forget_old(folder, newest=target)
    return target


def _sources() -> list[Path]:
    found = [path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.suffix in SHIPPED]
    return sorted([*found, *(ROOT / name for name in BESIDES)])


def _digest(sources: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in sources:
        content = path.read_bytes()
        digest.update(f"{path.relative_to(ROOT)} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:12]


def _build(state: State, scratch: Path) -> Path:
    """Builds from a copy: setuptools leaves its traces in the folder that it builds from."""
    for path in _sources():
        copy = scratch / "source" / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    command = [str(state.python), "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--wheel-dir", str(scratch / "wheels"), str(scratch / "source")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheel = next((scratch / "wheels").glob("*.whl"), None)
    if wheel is None:
        raise Problem.command_failed("building the project's wheel", said=(done.stdout + done.stderr).strip())
    return wheel


def _forget_old(folder: Path, *, newest: Path) -> None:
    others = [path for path in folder.glob("*.zip") if path != newest]
    for path in sorted(others, key=lambda path: path.stat().st_mtime)[: 1 - KEPT]:
        path.unlink(missing_ok=True)
