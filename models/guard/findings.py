"""What a rule found, in figures and in words, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from featurestore.errors import DataContractError

MOST_SHOWN = 20


@dataclass(frozen=True)
class Finding:
    """One figure beyond its limit. `feature` is a name, or "" for what concerns the rows as a whole."""

    rule: str
    feature: str
    figure: float
    limit: float
    blocks: bool
    words: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a table or JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.rule} {'blocks' if self.blocks else 'reports'}: {self.words}"


@dataclass(frozen=True)
class Verdict:
    """All findings on one training set, the blocking ones first; `figures` are what the rules measured."""

    findings: tuple[Finding, ...]
    figures: Mapping[str, float]

    @property
    def blocking(self) -> tuple[Finding, ...]:
        return tuple(one for one in self.findings if one.blocks)

    @property
    def status(self) -> str:
        """What a bundle says of it.

        >>> Verdict((), {}).status
        'passed, 0 reported'
        """
        reported = len(self.findings) - len(self.blocking)
        return f"blocked by {len(self.blocking)}" if self.blocking else f"passed, {reported} reported"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"status": self.status, "findings": [one.to_dict() for one in self.findings],
                "figures": dict(self.figures)}  # fmt: skip


class LeakageFound(DataContractError):
    """Features seem to know the outcome: no model is fitted or registered. `found` are the findings that block."""

    found: tuple[Finding, ...] = ()

    @classmethod
    def findings(cls, head: str, found: Sequence[Finding]) -> LeakageFound:
        lines = [f"  {one}" for one in found[:MOST_SHOWN]]
        if len(found) > MOST_SHOWN:
            lines.append(f"  ... and {len(found) - MOST_SHOWN} more.")
        error = cls("\n".join([
            f"the training set of head '{head}' does not pass the leakage guard ({len(found)} findings block):", *lines,
            "  Mend or leave out the feature. A column that no events can give again, and that is known before the",
            "  outcome, is let in by its name in guard.unverified_allowed; other findings cannot be waved through.",
        ]))  # fmt: skip
        error.found = tuple(found)
        return error
