"""Training sets made by lookups: the rows, and the record by which the same lookups are made again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame

from featurestore.definitions import fingerprint
from featurestore.errors import ConfigurationError, DataContractError
from featurestore.knowledge import Knowledge
from featurestore.lookups import MICROSECOND, FeatureLookup, refuse_equal_names
from featurestore.point_in_time import column, refuse_ambiguous
from featurestore.resolved_lookups import Resolved

Spec = Mapping[str, Any]


@dataclass(frozen=True)
class TrainingSet:
    """The rows of a spine with looked-up features and a label, and `spec`, the record of where they come from.

    `spec` holds plain values: each lookup with the tables it reads and their versions, its features, as-of column,
    maximal age and fingerprint; the knowledge; the label, with its version where it was folded; the excluded columns.
    """

    spec: Spec
    rows: DataFrame

    def load_df(self) -> DataFrame:
        """The columns of the spine, the features, the label, less the excluded columns; no row more or less."""
        return self.rows

    def to_json(self) -> str:
        """`spec` as text, the same for the same training set."""
        return json.dumps(self.spec, sort_keys=True)

    @property
    def feature_fingerprint(self) -> str:
        """Identity of what all features mean, in order; a model fitted here expects it."""
        return feature_fingerprint(self.spec)


def looked_up(spine: DataFrame, resolved: Sequence[Resolved], *, knowledge: Knowledge) -> DataFrame:
    """The rows and columns of `spine`, as they are, and behind them the columns of each lookup, in order.

    Raises ConfigurationError for equal names, DataContractError for columns of the spine that do not fit.
    """
    refuse_ambiguous(spine)
    refuse_equal_names(spine.columns, [(one.lookup, one.outputs) for one in resolved])
    rows = spine
    for one in resolved:
        rows = one.answer(rows, knowledge=knowledge)
    return rows


def describe(
    resolved: Iterable[Resolved], *, knowledge: Knowledge, label: Spec | None, excluded: Sequence[str]
) -> Spec:
    """The record of lookups that were answered, as plain values."""
    described = [
        {**one.lookup.to_dict(), "features": list(one.outputs), "versions": dict(one.versions),
         "fingerprint": one.fingerprint}
        for one in resolved
    ]  # fmt: skip
    return {
        "lookups": described,
        "knowledge": knowledge.name,
        "decision_delay_us": knowledge.decision_delay // MICROSECOND,
        "label": label,
        "exclude_columns": list(excluded),
    }


def known_like(spec: Spec) -> Knowledge:
    """The knowledge that a record was made with."""
    return Knowledge(spec["knowledge"], spec["decision_delay_us"] * MICROSECOND)


def lookups_of(spec: Spec) -> list[FeatureLookup]:
    """The lookups of a record, as they were asked."""
    names = FeatureLookup("").to_dict()
    return [FeatureLookup.from_dict({name: one[name] for name in names}) for one in spec["lookups"]]


def feature_fingerprint(spec: Spec) -> str:
    """Identity of what all features of a record mean."""
    return fingerprint([one["fingerprint"] for one in spec["lookups"]])


def refuse_other_meanings(spec: Spec, resolved: Iterable[Resolved]) -> None:
    """DataContractError where a lookup of a record means something else by now."""
    for recorded, now in zip(spec["lookups"], resolved, strict=True):
        if recorded["fingerprint"] != now.fingerprint:
            raise DataContractError(
                f"'{now.lookup.table_name}' is defined otherwise than when the training set was made (fingerprint "
                f"{recorded['fingerprint']} then, {now.fingerprint} now).\n  Make the training set and the model again."
            )


def without(rows: DataFrame, excluded: Sequence[str]) -> DataFrame:
    """`rows` less some columns; ConfigurationError with near names for one that is not there."""
    for name in excluded:
        if name not in rows.columns:
            raise ConfigurationError.unknown_name("column", name, known=rows.columns, where="exclude_columns")
    return rows.select(*[column(name) for name in rows.columns if name not in excluded])
