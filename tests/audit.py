"""`make audit`: are advisories known for the versions that requirements.lock names? pip-audit, in a place of its own.

Where the advisory service cannot be reached it says "not audited" and ends with 0: an answer that nobody could get is
no fault of the versions. The tool is not among what it audits, so it has an environment beside the project's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parent.parent
LOCKED = ROOT / "requirements.lock"
SERVICE = "https://api.osv.dev/v1/vulns/PYSEC-2019-41"
"""The open vulnerability database; this advisory is always there."""
TOOL = "pip-audit>=2.9,<3"
SECONDS = 10


class NotAudited(Exception):
    """No answer could be had; why."""


def main(words: list[str]) -> int:
    """Print what is known; 1 where an advisory names a locked version, else 0."""
    try:
        ask_service(SERVICE)
        found = audited(tool(Path(os.environ.get("TESSERA_HOME", ROOT / ".tessera")) / "audit"), LOCKED, words)
    except NotAudited as why:
        print(f"not audited: {why}")
        return 0
    lines = advisories(found)
    print("\n".join([*lines, f"{len(found['dependencies'])} versions audited, {len(lines)} advisories"]))
    return 1 if lines else 0


def ask_service(address: str) -> None:
    """NotAudited unless the advisory service answers."""
    try:
        with urlopen(address, timeout=SECONDS):
            return
    except HTTPError as error:
        raise NotAudited(f"the advisory service answers {error.code}.") from None
    except (URLError, OSError) as error:
        raise NotAudited(f"the advisory service cannot be reached ({error}).") from None


def tool(home: Path) -> Path:
    """The audit program in an environment of its own, made the first time."""
    program = home / "bin" / "pip-audit"
    if not program.exists():
        venv.create(home, with_pip=True, clear=True)
        done = subprocess.run([home / "bin" / "python", "-m", "pip", "install", "--quiet", TOOL], check=False)
        if done.returncode:
            raise NotAudited(f"{TOOL} cannot be installed.")
    return program


def audited(program: Path, locked: Path, words: list[str]) -> dict[str, Any]:
    """What the program reports of the locked versions; NotAudited where it reports nothing."""
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        done = subprocess.run(
            [program, "--requirement", locked, "--no-deps", "--disable-pip", "--vulnerability-service", "osv",
             "--format", "json", "--output", report, "--progress-spinner", "off", "--timeout", str(SECONDS), *words],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        try:
            found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            said = done.stderr.strip().splitlines()
            raise NotAudited(said[-1] if said else f"pip-audit ended with {done.returncode}.") from None
    return found


def advisories(report: dict[str, Any]) -> list[str]:
    """A line an advisory: package, version, name, versions that mend it.

    >>> advisories({"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "X", "fix_versions": ["2"]}]}]})
    ['a 1: X, mended in 2']
    """
    return [
        f"{one['name']} {one['version']}: {known['id']}, mended in {', '.join(known['fix_versions']) or 'none yet'}"
        for one in report["dependencies"]
        for known in one.get("vulns", ())
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
