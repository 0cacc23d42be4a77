"""The limits of the segments: how many clusters there may be and what counts as stable; judgements, so settings."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from featurestore.configuration import Strict


class SegmentSettings(Strict):
    """The section `segments` of the settings; see `conf/base.yml` for what each key means."""

    rules: str = Field(min_length=1)
    k_least: int = Field(ge=2)
    k_most: int = Field(le=20)
    smallest_share: float = Field(gt=0, lt=0.5)
    agreement_over_seeds: float = Field(ge=0, le=1)
    agreement_over_time: float = Field(ge=0, le=1)
    seeds: int = Field(ge=2)
    starts: int = Field(gt=0)
    days_between: int = Field(gt=0)
    same_within: float = Field(gt=0)
    customers_per_cluster: int = Field(gt=0)
    agreement_rows: int = Field(ge=100)
    sample_rows: int = Field(ge=100, le=20_000)

    @model_validator(mode="after")
    def _is_a_range(self) -> SegmentSettings:
        if self.k_least > self.k_most:
            raise ValueError(f"k_least {self.k_least} is above k_most {self.k_most}")
        return self

    @property
    def ks(self) -> range:
        """The numbers of clusters that are tried."""
        return range(self.k_least, self.k_most + 1)

    def describe(self) -> dict[str, Any]:
        """What decides a fit, as plain values; the rules of behaviour are no part of it."""
        return self.model_dump(exclude={"rules"})
