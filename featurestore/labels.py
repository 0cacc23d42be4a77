"""Labels: outcomes over the horizon that starts at as_of, for a population, declared like features.

An outcome is a fold over `[as_of, as_of + horizon)`: a window that ends `horizon` days after its
instant. So labels and features come from one engine and never share an event.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.definitions import LIFETIME, Condition, Feature, Window, fingerprint
from featurestore.errors import ConfigurationError
from featurestore.explain import window_in_words
from featurestore.features.orders import ORDERS_COUNT
from featurestore.fold import FoldPlan, Limits
from featurestore.frames import folded, instant


@dataclass(frozen=True)
class Label:
    """`outcome` holds over the horizon (1) or not (0), for customers whom `population` holds for at as_of.

    Both conditions are on the count of orders: `outcome` in [t, t + horizon), `population` in the
    `population_days` before t (None: ever). Outside the population the label is NULL.
    """

    name: str
    horizon_days: int
    outcome: Condition
    population: Condition
    population_days: int | None = None
    source: str = "orders"

    def __post_init__(self) -> None:
        if self.horizon_days <= 0:
            raise ConfigurationError(f"label '{self.name}': a horizon has at least 1 day, not {self.horizon_days}.")

    @property
    def future(self) -> Feature:
        return _orders(Window(self.horizon_days, offset_days=-self.horizon_days))

    @property
    def past(self) -> Feature:
        return _orders(Window(self.population_days) if self.population_days else LIFETIME)

    @property
    def fingerprint(self) -> str:
        return fingerprint([self.name, self.future.meaning, str(self.outcome), self.past.meaning, str(self.population)])

    def explain(self) -> list[str]:
        """Lines that say in words what the label means."""
        return [
            f"label {self.name}",
            f"  1 where      {_counted(self.outcome)} {window_in_words(self.future.window)}, else 0",
            f"  asked of     customers with {_counted(self.population)} {window_in_words(self.past.window)}; "
            "NULL for the others",
            f"  known when   source '{self.source}' is complete through as_of + {self.horizon_days} days; "
            "until then left out and counted",
            f"  fingerprint  {self.fingerprint}",
        ]

    def is_mature(self, as_of: date, *, complete_through: datetime) -> bool:
        """Whether the whole horizon of `as_of` lies in what is known."""
        return instant(as_of + timedelta(days=self.horizon_days)) <= int(complete_through.timestamp() * 1_000_000)


def _counted(condition: Condition) -> str:
    """A condition on the count of orders, in words."""
    words = {"orders = 0": "no order", "orders >= 1": "at least one order"}
    return words.get(str(condition), str(condition))


def _orders(window: Window) -> Feature:
    return ORDERS_COUNT.over([window])[0]


PURCHASE_30D = Label("purchase_30d", 30, Condition("orders", ">=", 1), Condition("orders", ">=", 1))
CHURN_60D = Label("churn_60d", 60, Condition("orders", "=", 0), Condition("orders", ">=", 1), population_days=180)
LABELS = {label.name: label for label in (PURCHASE_30D, CHURN_60D)}


def label(name: str) -> Label:
    """The label called `name`; ConfigurationError with near names for an unknown one."""
    if name not in LABELS:
        raise ConfigurationError.unknown_name("label", name, known=LABELS)
    return LABELS[name]


def labelled(events: DataFrame, labels: Sequence[Label], *, as_ofs: Sequence[date], limits: Limits) -> DataFrame:
    """customer_id, as_of_date and a double per label (1, 0, NULL outside its population), in one pass.

    `events` must hold everything up to the last as-of plus the longest horizon: maturity is the
    caller's to check, see `Label.is_mature`.
    """
    folds = {fold.name: fold for one in labels for fold in (one.future, one.past)}
    plan = FoldPlan(tuple(folds.values()), (), tuple(map(instant, as_ofs)), limits)
    values = [value_of(one).alias(one.name) for one in labels]
    return folded(events, plan).select("customer_id", "as_of_date", *values)


def value_of(one: Label) -> SparkColumn:
    """1 or 0 from the columns of the label's two folds, NULL outside its population."""
    outcome = one.outcome.holds(F.col(one.future.name))
    return F.when(one.population.holds(F.col(one.past.name)), outcome.cast("double"))
