"""When a search ends: after so many trials, or so much time spent in them, over all commands that took part."""

from __future__ import annotations

from dataclasses import dataclass

from models.errors import BadTrainingSetting


@dataclass(frozen=True)
class Budget:
    """Finished trials, or seconds spent in them, whichever is reached first; None for no limit of that kind.

    What a kill took away is not counted, so that a search that was resumed is as long as one that was not.
    """

    trials: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.trials is None and self.seconds is None:
            raise BadTrainingSetting.value("tuning.trials", None, expected="a number, or one for tuning.minutes")
        if self.trials is not None and self.trials < 2:
            raise BadTrainingSetting.value(
                "tuning.trials", self.trials, expected="2 or more: the defaults are the first"
            )
        if self.seconds is not None and self.seconds <= 0:
            raise BadTrainingSetting.value("tuning.minutes", self.seconds / 60, expected="a number above 0")

    def is_spent(self, *, finished: int, seconds: float) -> bool:
        """Whether a search of so many finished trials ends; the defaults and one rival are always tried.

        >>> Budget(seconds=60).is_spent(finished=1, seconds=90), Budget(trials=5).is_spent(finished=5, seconds=0)
        (False, True)
        """
        if finished < 2:
            return False
        late = self.seconds is not None and seconds >= self.seconds
        return late or (self.trials is not None and finished >= self.trials)

    def left(self, finished: int) -> int | None:
        """Trials that may still be started; None where only time is limited."""
        return None if self.trials is None else max(0, self.trials - finished)

    def __str__(self) -> str:
        limits = [f"{self.trials} trials"] if self.trials is not None else []
        return " or ".join([*limits, *([f"{self.seconds / 60:g} minutes"] if self.seconds is not None else [])])
