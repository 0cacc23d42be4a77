"""The limits of the gate before `customer_scores_latest`: how far scores may move between two dates."""

from __future__ import annotations

from math import sqrt

from pydantic import Field, model_validator

from featurestore.configuration import Strict


class Levels(Strict):
    """A shift beyond `warn` is said and recorded, one beyond `stop` also stops; a level that is null does not exist."""

    warn: float | None = Field(default=None, ge=0)
    stop: float | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _in_order(self) -> Levels:
        if self.warn is not None and self.stop is not None and self.warn > self.stop:
            raise ValueError(f"warn {self.warn} lies above stop {self.stop}: nothing would only be warned of")
        return self

    def times(self, factor: float) -> Levels:
        """Both levels, wider."""
        return Levels(warn=None if self.warn is None else self.warn * factor,
                      stop=None if self.stop is None else self.stop * factor)  # fmt: skip


class PublicationSettings(Strict):
    """The section `publication` of the settings, a pair of levels a measure.

    They hold for dates up to `days` apart; farther ones may move by the square root of the ratio more.
    """

    days: int = Field(gt=0)
    fewer_customers: Levels
    more_customers: Levels
    null_share: Levels
    stability_index: Levels
    mean_probability: Levels
    mean_amount: Levels
    level_share: Levels

    def over(self, days: int) -> PublicationSettings:
        """The limits for dates so many days apart.

        >>> measures = [name for name in PublicationSettings.model_fields if name != "days"]
        >>> limits = PublicationSettings(days=7, **dict.fromkeys(measures, Levels(warn=0.1, stop=0.2)))
        >>> limits.over(28).null_share, limits.over(2) == limits
        (Levels(warn=0.2, stop=0.4), True)
        """
        factor = sqrt(max(days / self.days, 1.0))
        return self.model_copy(update={name: one.times(factor) for name, one in self if isinstance(one, Levels)})
