"""All heads over all customers in one pass: rows cross into Python once, as Arrow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from featurestore.definitions import fingerprint
from featurestore.errors import DataContractError
from models.bundle import NO_MEANINGS, Bundle, refuse_other_features
from models.coherence import coherent, counts
from models.errors import OtherFeatures
from models.fingerprints import code_fingerprint
from models.heads import CHURN, HEADS, LIFETIME, PURCHASE, SEGMENTS, Head, head_named, needed_columns
from models.lifetime.record import READ, LifetimeModel
from models.lifetime.scoring import with_numbers
from models.one_pass import OnePass, Part
from models.reasons.why import Why
from models.registry import Registered
from models.risk import LOWEST_RISK, RISK_LEVELS
from models.score_parts import (
    LIFETIME_FIELDS,
    SEGMENT_FIELDS,
    WHY_FIELDS,
    HeadPart,
    LifetimePart,
    SegmentPart,
    WhyPart,
    head_field,
)
from models.segments.measures import MEASURES
from models.segments.record import SegmentModel
from models.training_rows import column

CUSTOMER, HASH = "customer_id", "inputs_hash"
PASSED_ON = {"r_score": "int", "f_score": "int", "m_score": "int", "rfm_segment": "string"}
OTHERS = tuple(head for head in HEADS.values() if head != CHURN)
"""The heads whose output is a column as it is."""
# What the expressions after the models need of a row, beside what the models gave.
_CARRIED = (CUSTOMER, *needed_columns((CHURN, PURCHASE)), *PASSED_ON)


@dataclass(frozen=True)
class Scorers:
    """The models that score: those of the `heads` by name, and what is not learned from a label, None where absent.

    `why` gives reasons and confidence to those whom churn is scored for.
    """

    heads: Mapping[str, Registered[Bundle]]
    lifetime: Registered[LifetimeModel] | None = None
    segments: Registered[SegmentModel] | None = None
    why: Why | None = None

    @property
    def versions(self) -> dict[str, str]:
        """By head, the registered version."""
        others = {LIFETIME.name: self.lifetime, SEGMENTS.name: self.segments}
        return {name: one.version for name, one in {**self.heads, **others}.items() if one is not None}

    def statuses(self, as_of: date) -> dict[str, str]:
        """By head, how its scores of a date are calibrated; of values how far they are validated."""
        found = {name: one.bundle.at(as_of).calibration_status for name, one in self.heads.items()}
        if self.lifetime is not None:
            found[LIFETIME.name] = self.lifetime.bundle.statuses["clv_12m"]
        if self.segments is not None:
            found[SEGMENTS.name] = self.segments.bundle.status
        return found

    def identity(self, as_of: date) -> str:
        """Stands for all that scores of a date follow from beside features: models, calibration then, words, code."""
        calibrations = {name: one.bundle.at(as_of).calibration for name, one in self.heads.items()}
        return fingerprint([self.versions, calibrations, repr(self.why), code_fingerprint(whole=True)])

    @property
    def explained(self) -> tuple[Why, Bundle] | None:
        """What tells why churn is so, and its model; None where one is absent."""
        churn = self.heads.get(CHURN.name)
        return None if churn is None or self.why is None else (self.why, churn.bundle)


def score_frame(
    features: DataFrame,
    *,
    models: Scorers,
    feature_fingerprint: str,
    as_of_date: date,
    run_id: str,
    scored_at: datetime,
    observation: Observation | None = None,
    meanings: Mapping[str, str] = NO_MEANINGS,
) -> DataFrame:
    """`customer_scores` as far as `models` go: a row for each row of `features`.

    `features` is one snapshot: `customer_id`, the features of every model, the population features,
    `r_score`, `f_score`, `m_score`, `rfm_segment`, and for a lifetime model `value_days` and `value_total` (as from
    `with_values`; NULL where it does not read them). A score is NULL outside the population of its head.
    `observation`, when the result is written, holds `rows`, `coherence_violations` (of `models.coherence`, and those
    of each rule) and `scored_<head>`. `meanings` are the fingerprints of the features' definitions by name: a model is
    then refused by the name of what differs. Raises OtherFeatures for a model of other features or an absent column.
    """
    require_scorable(features.columns, models=models, feature_fingerprint=feature_fingerprint, meanings=meanings)
    of = one_pass(models, as_of=as_of_date)
    stands_for = models.identity(as_of_date) + feature_fingerprint
    scored = of.over(prepared(features, of, models, stands_for=stands_for)).withColumns(_absent(models))
    if observation is not None:
        scored = scored.observe(observation, *_observed([head_named(name) for name in models.heads]))
    return scored.select(
        F.col(CUSTOMER),
        F.lit(as_of_date).cast("date").alias("as_of_date"),
        F.col(CHURN.output),
        risk_level(F.col(CHURN.output)).alias("churn_risk_level"),
        lifecycle().alias("lifecycle"),
        *(coherent(head.output).alias(head.output) for head in OTHERS),
        *(F.col(one.name) for one in (*LIFETIME_FIELDS, *SEGMENT_FIELDS)),
        *(F.col(name).cast(kind).alias(name) for name, kind in PASSED_ON.items()),
        *(F.col(one.name) for one in WHY_FIELDS),
        _constant_map(models.statuses(as_of_date)).alias("calibration_status"),
        _constant_map(models.versions).alias("model_versions"),
        F.lit(feature_fingerprint).alias("feature_fingerprint"),
        F.col(HASH),
        F.lit(run_id).alias("run_id"),
        F.lit(scored_at).cast("timestamp").alias("scored_at"),
    )


def require_scorable(
    columns: Sequence[str], *, models: Scorers, feature_fingerprint: str,
    meanings: Mapping[str, str] = NO_MEANINGS,
) -> None:  # fmt: skip
    """Raise before any row is read where a model, a column or a definition does not fit."""
    if not models.heads:
        raise DataContractError("there is no model to score with. Train first: ./spark-submit.sh train")
    for model in models.heads.values():
        refuse_other_features(model.bundle, feature_fingerprint=feature_fingerprint, available=columns,
                              meanings=meanings)  # fmt: skip
    asked = dict.fromkeys([*_CARRIED, *needed_columns(map(head_named, models.heads))])
    asked |= dict.fromkeys([*(READ if models.lifetime else ()), *(MEASURES if models.segments else ())])
    missing = [name for name in asked if name not in set(columns)]
    if missing:
        raise OtherFeatures.columns("scoring", missing=missing, available=columns)


def risk_level(probability: Column) -> Column:
    """CRITICAL at .8 and above, HIGH at .6, MEDIUM at .4, else LOW; NULL where the probability is."""
    level = F.lit(LOWEST_RISK)
    for least, name in reversed(RISK_LEVELS):
        level = F.when(probability >= least, F.lit(name)).otherwise(level)
    return F.when(probability.isNotNull(), level)


def lifecycle() -> Column:
    """`active` in the churn population, `no_orders` without any order, else `inactive`."""
    known = F.when(_is_inside(CHURN), F.lit("active"))
    return known.when(_is_inside(PURCHASE), F.lit("inactive")).otherwise(F.lit("no_orders"))


def _is_inside(head: Head) -> Column:
    return F.coalesce(head.holds(F.col, number=F.lit), F.lit(False))


def _observed(heads: Sequence[Head]) -> list[Column]:
    scored = [F.count(head.output).alias(f"scored_{head.name}") for head in heads]
    return [F.count(F.lit(1)).alias("rows"), *counts(), *scored]


def _constant_map(values: Mapping[str, str]) -> Column:
    return F.create_map(*(F.lit(word) for pair in sorted(values.items()) for word in pair))


def inputs_of(
    features: DataFrame, *, models: Scorers, feature_fingerprint: str, as_of_date: date
) -> DataFrame:  # fmt: skip
    """customer_id and the `inputs_hash` that `score_frame` would write: where it is equal, so are the scores."""
    of = one_pass(models, as_of=as_of_date)
    stands_for = models.identity(as_of_date) + feature_fingerprint
    return prepared(features, of, models, stands_for=stands_for).select(CUSTOMER, HASH)


def prepared(features: DataFrame, of: OnePass, scorers: Scorers, *, stands_for: str) -> DataFrame:
    """`features` with what the pass reads beside them, and the hash of all of it and of what `stands_for` the models.

    Spark's hash passes over NULL, so where they are is hashed, too: else a value could change its column unseen.
    """
    if scorers.lifetime is not None:
        features = with_numbers(features)
    values = [column(name) for name in dict.fromkeys([*of.reads, *of.packed]) if name not in (CUSTOMER, HASH)]
    return features.withColumn(HASH, F.xxhash64(F.lit(stands_for), *values, *(one.isNull() for one in values)))


def one_pass(scorers: Scorers, *, as_of: date) -> OnePass:
    """All parts of a score at a date, those of the heads first."""
    parts: list[Part] = [HeadPart(head_named(name), one.bundle.at(as_of)) for name, one in scorers.heads.items()]
    if scorers.lifetime is not None:
        parts.append(LifetimePart(scorers.lifetime.bundle))
    if scorers.segments is not None:
        parts.append(SegmentPart(scorers.segments.bundle))
    if scorers.explained is not None:
        why, churn = scorers.explained
        parts.append(WhyPart(CHURN, churn.at(as_of), why))
    return OnePass((*_CARRIED, HASH), tuple(parts))


def _absent(scorers: Scorers) -> dict[str, Column]:
    """NULL for the columns that no model gives."""
    fields = [head_field(head) for head in HEADS.values() if head.name not in scorers.heads]
    fields += LIFETIME_FIELDS if scorers.lifetime is None else ()
    fields += SEGMENT_FIELDS if scorers.segments is None else ()
    fields += WHY_FIELDS if scorers.explained is None else ()
    return {one.name: F.lit(None).cast(one.dataType) for one in fields}
