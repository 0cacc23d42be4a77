"""Every customer of a frame, scored in Arrow: rows cross into Python once, each is scored by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from models.errors import BadTrainingSetting, OtherFeatures
from models.lifetime import value
from models.lifetime.histories import HISTORY, VALUE_DAYS, VALUE_TOTAL, history_columns
from models.lifetime.record import READ, SPEND_BEFORE, LifetimeModel
from models.logistic import Floats

P_ALIVE, ORDER_VALUE = "p_alive", "expected_order_value"
CLV_12M, CLV_36M, STATUS = "clv_12m", "clv_36m", "clv_status"
_MADE_FROM = (*HISTORY, SPEND_BEFORE, VALUE_DAYS, VALUE_TOTAL)
NUMBERS = tuple(f"_{name}" for name in _MADE_FROM)
"""What `with_numbers` adds to a row."""


def score_lifetime(rows: DataFrame, model: LifetimeModel, *, horizons: Sequence[int] = (90,)) -> DataFrame:
    """`rows` with p_alive, order value, orders and spend of each horizon, clv_12m, clv_36m and clv_status.

    `rows` holds one customer each: the features in `record.READ`, as any snapshot or lookup of
    the view `orders` has them, and `value_days`, `value_total` as from `with_values` under the model's cap. `horizons`
    are days. All are NULL for a customer without an order, p_alive also where the fit is not identified, and clv_36m
    where no cohort is two years old. Raises OtherFeatures for an absent column, BadTrainingSetting for a horizon < 0.
    """
    for days in horizons:
        if days < 0:
            raise BadTrainingSetting.value("horizons", days, expected="days, 0 or more")
    numbers = with_numbers(rows)
    scorer = Scorer(model, tuple(horizons), tuple(rows.columns))
    fields = [T.StructField(name, T.DoubleType()) for name in scorer.names]
    schema = T.StructType([*rows.schema.fields, *fields, T.StructField(STATUS, T.StringType())])
    return numbers.mapInArrow(scorer, schema)


def with_numbers(rows: DataFrame) -> DataFrame:
    """`rows` with what `customers_of` reads, as doubles; OtherFeatures for an absent column."""
    needed = [*READ, VALUE_DAYS, VALUE_TOTAL]
    missing = [name for name in needed if name not in rows.columns]
    if missing:
        raise OtherFeatures.columns("the lifetime model", missing=missing, available=rows.columns)
    # Beside the columns of `rows`, and not over them: the view `orders` has a feature `frequency` of its own.
    made = history_columns()
    numbers = [made.get(name, F.col(name)).cast("double").alias(short)
               for name, short in zip(_MADE_FROM, NUMBERS, strict=True)]  # fmt: skip
    return rows.select(*[F.col(f"`{name}`") for name in rows.columns], *numbers)


@dataclass(frozen=True)
class Scorer:
    """What a worker does: it travels with the task."""

    model: LifetimeModel
    horizons: tuple[int, ...]
    carried: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """The columns of numbers, in order."""
        ahead = [f"expected_{what}_{days}d" for days in self.horizons for what in ("orders", "spend")]
        return [P_ALIVE, ORDER_VALUE, *ahead, CLV_12M, CLV_36M]

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return map(self.score, batches)

    def score(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """The carried columns and the scores; NaN is NULL."""
        found = self.numbers(customers_of(rows))
        columns = {name: rows.column(name) for name in self.carried}
        columns |= {name: pa.array(found[name], from_pandas=True) for name in self.names}
        columns[STATUS] = statuses_of(self.model, found)
        return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))

    def numbers(self, of: value.Customers) -> Mapping[str, Floats]:
        """Each score by its name, float (n,), NaN for NULL."""
        fit = self.model.fit
        worth = value.expected_value(fit, of)
        found = {ORDER_VALUE: worth}
        for days in self.horizons:
            orders = value.expected_orders(fit, of, days=days)
            found |= {f"expected_orders_{days}d": orders, f"expected_spend_{days}d": orders * worth}
        return {**found, **worth_of(self.model, of)}


def worth_of(model: LifetimeModel, of: value.Customers) -> Mapping[str, Floats]:
    """p_alive, clv_12m and clv_36m by name, float (n,), NaN for NULL."""
    year = value.clv_12m(model, of)
    return {P_ALIVE: value.p_alive(model.fit, of), CLV_12M: year, CLV_36M: value.clv_36m(model, year)}


def statuses_of(model: LifetimeModel, found: Mapping[str, Floats]) -> pa.Array:
    """`clv_status`, string (n,), of what `worth_of` gave; NULL where there is no clv_12m."""
    status = np.full(len(found[CLV_12M]), model.statuses[CLV_12M])
    return pa.array(status, pa.string(), mask=np.isnan(found[CLV_12M]))


def customers_of(rows: pa.RecordBatch | pa.Table) -> value.Customers:
    """The columns of `with_numbers`, as arrays; NULL is NaN."""
    frequency, recency, age, spend, days, cents = (
        np.asarray(rows.column(name).to_numpy(zero_copy_only=False), dtype=np.float64) for name in NUMBERS
    )
    mean = cents / 100 / np.maximum(days, 1)
    return value.Customers(frequency, recency, age, days, mean, spend)
