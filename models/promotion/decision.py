"""What was decided of a challenger, and how it is written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from models.bundle import Bundle
from models.promotion.rivals import Admission
from models.promotion.rule import Comparison
from models.splits import CALIBRATE
from models.tracking import RunRecord

PROMOTED, KEPT, ROLLED_BACK = "promoted", "kept", "rolled back"
SAME_ROWS, RECIPES, RIVALS, NOTHING = "same rows", "refitted recipes", "rivals", "nothing"


@dataclass(frozen=True)
class Decision:
    """`version` is champion from now on in place of `before` (promoted, rolled back), or stays a challenger (kept).

    `compared` says on what: models on the same later rows, refits of both recipes at earlier as-ofs, or a first
    champion's rivals. `reasons` are sentences, `figures` all that was measured.
    """

    head: str
    as_of: date
    before: str | None
    version: str
    outcome: str
    compared: str
    reasons: tuple[str, ...]
    figures: Mapping[str, float] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def gate(self) -> str:
        """What the registry says of a version that was promoted."""
        return f"{self.outcome} over {self.before or 'none'} ({self.compared})"

    @property
    def record(self) -> RunRecord:
        """What its run logs."""
        told = {"head": self.head, "as_of": self.as_of.isoformat(), "from_version": self.before,
                "to_version": self.version, "decision": self.outcome, "compared": self.compared}  # fmt: skip
        document = {**told, "reasons": list(self.reasons), "figures": dict(self.figures), **self.details}
        return RunRecord(parameters=told, metrics=self.figures, documents={"promotion.json": document})

    def __str__(self) -> str:
        """For people."""
        champion = {KEPT: f"version {self.before} stays champion, version {self.version} stays its challenger",
                    PROMOTED: f"version {self.version} is champion, in place of {self.before or 'none'}",
                    ROLLED_BACK: f"version {self.version} is champion again, in place of {self.before}"}  # fmt: skip
        lines = [f"{self.head}: {self.outcome}; {champion[self.outcome]} (judged on: {self.compared})"]
        return "\n".join([*lines, *(f"  {reason}" for reason in self.reasons)])


def of_comparison(
    found: Comparison, *, head: str, as_of: date, before: str, version: str, compared: str
) -> Decision:  # fmt: skip
    """Promoted where every rule holds, else kept."""
    outcome = PROMOTED if found.is_better else KEPT
    return Decision(head, as_of, before, version, outcome, compared, found.reasons, found.figures, found.to_dict())


def of_admission(
    found: Admission, *, as_of: date, before: str | None, version: str, why: str
) -> Decision:  # fmt: skip
    """A challenger whose champion cannot be compared is judged as a first champion is; `why` says why it cannot."""
    figures = {f"{rival}_{name}": figure for rival, one in found.comparisons.items()
               for name, figure in one.figures.items()}  # fmt: skip
    reasons = (why, f"gate of a first champion: {found.gate}", *(found.reasons if found.comparisons else ()))
    return Decision(found.bundle.head, as_of, before, version, PROMOTED, RIVALS, reasons, figures, found.to_dict())


def later_as_ofs(as_of: date, models: tuple[Bundle, Bundle], *, at_most: int) -> tuple[date, ...]:
    """As-ofs known at `as_of`, labels not overlapping, later than all that both models have seen; the newest first.

    A model has seen the labels of its calibration rows, which end a horizon after their as-of.
    """
    days = models[0].horizon_days
    seen = max(date.fromisoformat(model.dates[CALIBRATE]) for model in models) + timedelta(days=days)
    return tuple(day for day in as_ofs_before(as_of, horizon_days=days, count=at_most) if day >= seen)


def as_ofs_before(as_of: date, *, horizon_days: int, count: int) -> list[date]:
    """The newest dates whose labels are known at `as_of` and do not overlap, newest first.

    >>> [str(day) for day in as_ofs_before(date(2011, 12, 9), horizon_days=60, count=2)]
    ['2011-10-10', '2011-08-11']
    """
    return [as_of - timedelta(days=horizon_days * back) for back in range(1, count + 1)]
