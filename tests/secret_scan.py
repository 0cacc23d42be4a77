"""`make lint`: no tracked file holds what looks like a credential. Says where and of what kind, never what.

A line that must hold something alike says why: `not a secret: REASON`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXCUSED = re.compile(r"not a secret: \w")
BY_SHAPE = {
    "private key": r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----",
    "AWS key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{40})",
    "GitLab token": r"\bglpat-[\w-]{20}",
    "Slack token": r"\bxox[abposr]-[\w-]{10}",
    "Google key": r"\bAIza[\w-]{35}",
    "package index token": r"\b(?:pypi-[\w-]{50}|npm_[A-Za-z0-9]{36})",
    "Databricks token": r"\bdapi[0-9a-f]{32}\b",
    "key of a service": r"\bsk-[A-Za-z0-9_-]{24}",
    "signed token": r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10}",
}
BY_PLACE = {
    "password in an address": r"[a-z]://[^\s/:@'\"]+:(?P<value>[^\s/@'\"]+)@",
    "password in an option of an address": r"[?&;](?:password|token|secret)=(?P<value>[^\s&;'\"]+)",
    "assigned secret": r"(?i)(?:passw(?:or)?d|passwd|secret|token|api_?key|access_?key|credential)\w*['\"]?\s*[:=]\s*"
    r"(?P<quote>['\"]?)(?P<value>[^\s'\"]+)(?P=quote)",
}
"""Where credentials stand; whether it is one, its value must tell."""
LEAST = 10


@dataclass(frozen=True)
class Finding:
    """What looks like a credential: its file, line and kind."""

    file: str
    line: int
    kind: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.kind}"


def findings(text: str, *, file: str) -> Iterator[Finding]:
    """What looks like a credential in a text."""
    for number, line in enumerate(text.splitlines(), start=1):
        if EXCUSED.search(line):
            continue
        shapes = (kind for kind, pattern in BY_SHAPE.items() if re.search(pattern, line))
        places = (
            kind
            for kind, pattern in BY_PLACE.items()
            if any(looks_drawn(found["value"]) for found in re.finditer(pattern, line))
        )
        yield from (Finding(file, number, kind) for kind in (*shapes, *places))


def looks_drawn(value: str) -> bool:
    """Whether a text looks as if a machine had drawn it: long, letters and digits mixed, no call, path or variable.

    >>> looks_drawn("hunter2hunter2"), looks_drawn("os.environ['DB_PASSWORD_1']"), looks_drawn("q7Rt29xKpL0s")
    (False, False, True)
    """
    plain = re.fullmatch(r"[A-Za-z0-9+/=_!#%^*-]+", value) is not None
    turns = len(re.findall(r"[a-z](?=[A-Z0-9])|[A-Z](?=[0-9])|[0-9](?=[A-Za-z])", value))
    return plain and len(value) >= LEAST and turns >= 4


def tracked() -> list[str]:
    """The names of the files that git keeps here."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.split("\0") if name]


def main() -> int:
    """Scan all tracked files that are text; 1 where anything was found."""
    found: list[Finding] = []
    for name in tracked():
        try:
            found += findings((ROOT / name).read_text(encoding="utf-8"), file=name)
        except (UnicodeDecodeError, FileNotFoundError):
            continue  # a picture; a file that is deleted but not yet committed
    for one in found:
        print(f"{one}: looks like a credential. Take it out and revoke it; or say in the line: not a secret: REASON")
    print(f"no credential in {len(tracked())} files" if not found else f"{len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
