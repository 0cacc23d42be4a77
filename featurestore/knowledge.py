"""Which events an answer may use: those known today, or those that could have been known at the instant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from featurestore.errors import ConfigurationError

LATEST, AS_KNOWN = "latest", "as_known"
KINDS = (LATEST, AS_KNOWN)


@dataclass(frozen=True)
class Knowledge:
    """Which events count: all that are known now, or those known `decision_delay` after the instant of the row."""

    name: str = LATEST
    decision_delay: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        if self.name not in KINDS:
            raise ConfigurationError.unknown_name("knowledge", self.name, known=KINDS)

    @property
    def delay(self) -> timedelta | None:
        """What `folded_at` takes: None counts all events."""
        return self.decision_delay if self.name == AS_KNOWN else None
