"""Contenders that share no package with Tessera: a script of ours, run by the interpreter that has theirs."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

LONGEST_SECONDS = 1800
RESULT = "RESULT "
"""What the last line begins with that such a script prints."""


def run_beside(python: str, script: str, arguments: Sequence[str]) -> tuple[str, str]:
    """What the script says is its result and "", or "" and why there is none."""
    try:
        done = subprocess.run([python, script, *arguments], capture_output=True, text=True, check=False,
                              timeout=LONGEST_SECONDS)  # fmt: skip
    except subprocess.TimeoutExpired:
        return "", f"not done after {LONGEST_SECONDS} s"
    except OSError as problem:
        return "", str(problem)
    results = [line.removeprefix(RESULT) for line in done.stdout.splitlines() if line.startswith(RESULT)]
    if done.returncode or not results:
        said = (done.stderr.strip().splitlines() or ["nothing said"])[-1]
        return "", f"ended with status {done.returncode}: {said}"
    return results[-1], ""


def install_hint(package: str, *, also: str = "") -> str:
    """How to have a package that Tessera does without.

    >>> install_hint("feast")
    'feast: left out. Install it beside, never into, Tessera: python3 -m venv FEAST && FEAST/bin/pip install feast; then add --feast FEAST/bin/python'
    """  # noqa: E501 - one line of output
    home = package.upper()
    return (f"{package}: left out. Install it beside, never into, Tessera: python3 -m venv {home} && "
            f"{home}/bin/pip install {' '.join(filter(None, (package, also)))}; then add --{package} "
            f"{home}/bin/python")  # fmt: skip
