"""Finds the Java that Spark will use."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from launcher.problems import Problem

SUPPORTED = (17, 21)


def java_home_setting(environ: Mapping[str, str]) -> dict[str, str]:
    """What JAVA_HOME must be for Spark to start a supported Java; {"JAVA_HOME": ""} means the one on PATH.

    Raises `Problem` with every place tried where neither is Java 17 or 21.
    """
    tried = []
    for home, command in _places(environ):
        version, answer = _ask_version(command)
        if version in SUPPORTED:
            return {"JAVA_HOME": home}
        tried.append(f"{command}: {answer}")
    raise Problem.no_java(tried)


def _places(environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """JAVA_HOME first, as Spark's own scripts have it."""
    home = environ.get("JAVA_HOME", "")
    from_home = [(home, str(Path(home) / "bin" / "java"))] if home else []
    return [*from_home, ("", shutil.which("java", path=environ.get("PATH")) or "java on PATH")]


def _ask_version(command: str) -> tuple[int | None, str]:
    try:
        done = subprocess.run([command, "-version"], capture_output=True, text=True, check=False)
    except OSError:
        return None, "not found"
    lines = (done.stderr + done.stdout).splitlines()
    # JAVA_TOOL_OPTIONS makes Java say other lines first.
    answer = next((line for line in lines if " version " in line), lines[0] if lines else "no answer")
    return major_version(answer), answer


def major_version(answer: str) -> int | None:
    """The major version in a line that `java -version` wrote.

    >>> major_version('openjdk version "17.0.15" 2025-04-15')
    17
    >>> major_version('java version "1.8.0_392"')
    8
    >>> major_version("The operation couldn't be completed.") is None
    True
    """
    match = re.search(r'version "(?:1\.)?(\d+)', answer)
    return int(match.group(1)) if match else None
