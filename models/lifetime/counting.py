"""From customers to counts of equal ones, in Spark: what the driver fits on does not grow with the customers."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from models.errors import CannotTrain
from models.lifetime.bgnbd import Counts
from models.lifetime.gamma_gamma import Values
from models.lifetime.histories import AGE, FREQUENCY, RECENCY, VALUE_DAYS, VALUE_TOTAL
from models.logistic import Floats

log = logging.getLogger(__name__)

DAYS_A_WEEK = 7
CUSTOMERS = "customers"
_LEVEL = "level"
_LEVELS_PER_E = 128
"""Steps of the finest grid of mean values for each factor e: neighbours differ by .8 %."""
_COARSEST = 1 << 20


def history_counts(rows: DataFrame, *, at_most: int) -> tuple[Counts, int]:
    """Customers by equal (frequency, recency, age), times in weeks, and the days of the grid they were counted on.

    `rows` are as from `with_history`. Up to `at_most` distinct triples of days reach the driver as they are. Where
    there are more, recency and age are counted on a grid of 2, 4, 8, ... days, each cell standing at the means of its
    customers, and the log says so. Raises CannotTrain where no customer has an order.
    """
    known = rows.where(F.col(FREQUENCY).isNotNull())
    cells, step = _counted(known, FREQUENCY, (RECENCY, AGE), summed=(RECENCY, AGE), at_most=at_most)
    if not cells.num_rows:
        raise CannotTrain.no_orders("BG/NBD")
    if step > 1:
        log.warning("histories are counted on a grid of %d days: finer ones have over %d cells", step, at_most)
    customers = _floats(cells, CUSTOMERS)
    recency, age = (_floats(cells, f"{name}_total") / customers / DAYS_A_WEEK for name in (RECENCY, AGE))
    return Counts(_floats(cells, FREQUENCY), recency, age, customers), step


def value_counts(rows: DataFrame, *, at_most: int) -> tuple[Values, int]:
    """Customers by days with a positive value and their mean value, currency; `rows` as from `with_values`.

    Mean values are counted on a logarithmic grid of .8 % (1.6 %, 3.1 %, ... where there are more than `at_most` cells),
    each cell standing at the mean of its customers, so that only the square of the step is lost. Raises CannotTrain
    where no customer has a day of positive value.
    """
    mean = F.col(VALUE_TOTAL) / F.col(VALUE_DAYS)
    level = F.floor(F.log(mean) * F.lit(float(_LEVELS_PER_E))).alias(_LEVEL)
    known = rows.where(F.col(VALUE_DAYS) > 0).select(VALUE_DAYS, VALUE_TOTAL, level)
    cells, step = _counted(known, VALUE_DAYS, (_LEVEL,), summed=(VALUE_TOTAL,), at_most=at_most)
    if not cells.num_rows:
        raise CannotTrain.no_orders("Gamma-Gamma")
    if step > 1:
        log.warning("values are counted on a grid %d times the finest: that has over %d cells", step, at_most)
    days, customers = _floats(cells, VALUE_DAYS), _floats(cells, CUSTOMERS)
    return Values(days, _floats(cells, f"{VALUE_TOTAL}_total") / 100 / customers / days, customers), step


def _counted(
    rows: DataFrame, kept: str, coarsened: Sequence[str], *, summed: Sequence[str], at_most: int
) -> tuple[pa.Table, int]:
    """Rows by `kept` and `coarsened`, with their number and sums, on the finest grid of at most `at_most` cells."""
    totals = [F.sum(name).alias(f"{name}_total") for name in summed]
    finest = rows.groupBy(kept, *coarsened).agg(F.count("*").alias(CUSTOMERS), *totals).persist()
    try:
        step = 1
        while step <= _COARSEST:
            keys = [F.floor(F.col(name) / step).alias(name) for name in coarsened]
            sums = [F.sum(name).alias(name) for name in (CUSTOMERS, *(f"{one}_total" for one in summed))]
            cells = finest if step == 1 else finest.groupBy(kept, *keys).agg(*sums)
            # Bounded: at most `at_most` + 1 rows reach the driver.
            table = cells.limit(at_most + 1).toArrow()
            if table.num_rows <= at_most:
                # Sums of doubles over cells follow this order, and not Spark's.
                return table.sort_by([(name, "ascending") for name in (kept, *coarsened)]), step
            step *= 2
    finally:
        finest.unpersist()
    raise CannotTrain.too_many_cells(kept, at_most=at_most)


def _floats(table: pa.Table, name: str) -> Floats:
    return np.asarray(table.column(name).to_numpy(), dtype=np.float64)
