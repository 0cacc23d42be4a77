"""The outputs of scoring that come from a model: what each predicts, for whom, and where it is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from featurestore.errors import ConfigurationError


@dataclass(frozen=True)
class Head:
    """One output: `label` over `horizon_days`, for customers whose `population` is at least `at_least`.

    `output` is the column of `customer_scores`. `population` is the feature that tells the label's population
    at the same instant; a NULL in that feature is outside.
    """

    name: str
    label: str
    horizon_days: int
    output: str
    population: str
    at_least: int = 1

    @property
    def model_name(self) -> str:
        """The name in the model registry."""
        return f"tessera_{self.name}"


CHURN = Head("churn", "churn_60d", 60, "churn_probability", population="orders_count_180d")
PURCHASE = Head("purchase", "purchase_30d", 30, "purchase_probability_30d", population="orders_count_lifetime")
HEADS = {head.name: head for head in (CHURN, PURCHASE)}
LIFETIME = Head("lifetime", "spend_365d", 365, "clv_12m", population="orders_count_lifetime")
"""The lifetime model's place in the registry; it learns from histories, and not from a training set with that label."""
SEGMENTS = Head("segments", "none", 0, "cluster_id", population="orders_count_lifetime")
"""The segment model's place in the registry; it learns without a label."""
WITHOUT_TRAINING_SET = {head.name: head for head in (LIFETIME, SEGMENTS)}


def head_named(name: str) -> Head:
    """The head of that name; ConfigurationError with the nearest names otherwise.

    >>> head_named("churn").label
    'churn_60d'
    """
    if name not in HEADS:
        raise ConfigurationError.unknown_name("head", name, known=HEADS)
    return HEADS[name]


def registered_as(name: str) -> Head:
    """The head that a model called so is registered under: one that learns a label, or one without a training set."""
    return WITHOUT_TRAINING_SET.get(name) or head_named(name)


def needed_columns(heads: Iterable[Head]) -> tuple[str, ...]:
    """Feature columns that decide the populations, each once, in the order of the heads."""
    return tuple(dict.fromkeys(head.population for head in heads))
