"""Labelled rows as a model reads them: which columns, in which order, and samples of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame

from models.training_rows import Sample, SampleRule, SplitCount, read_sample


@dataclass(frozen=True)
class Inputs:
    """Labelled rows, and what of them a model reads: `features` in order, the `words` of those that are text."""

    rows: DataFrame
    label: str
    features: tuple[str, ...]
    words: Mapping[str, Sequence[str]]
    counts: Mapping[str, SplitCount]

    @property
    def categorical(self) -> tuple[int, ...]:
        """Places of the features that are text."""
        return tuple(at for at, name in enumerate(self.features) if name in self.words)

    def sample(self, split: str, *, at_most: int, by: SampleRule = "customer", purpose: str = "") -> Sample:
        """At most so many rows of a split, on the driver."""
        total = self.counts.get(split, SplitCount()).rows
        return read_sample(self.rows, split=split, features=self.features, label=self.label, words=self.words,
                           total=total, at_most=at_most, by=by, purpose=purpose)  # fmt: skip
