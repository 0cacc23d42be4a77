"""A label at the instants of a spine, folded from the events of now; never guessed where its horizon is not over."""

from __future__ import annotations

from datetime import timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.errors import ConfigurationError
from featurestore.fold import CUSTOMER, Limits
from featurestore.labels import Label, value_of
from featurestore.point_in_time import column
from featurestore.schemas import source
from featurestore.spine import folded_at
from featurestore.tables import Warehouse
from featurestore.watermarks import complete_through


def labelled_rows(
    warehouse: Warehouse,
    rows: DataFrame,
    label: Label,
    *,
    limits: Limits,
    customer: str = CUSTOMER,
    as_of: str = "as_of",
) -> DataFrame:
    """`rows` as they are with a double `label.name`: 1, 0, or NULL.

    NULL says: outside the population, no customer or instant, or immature (the source is not complete through
    as_of + horizon). The column tells them apart from 0; whoever fits leaves them out.
    """
    if label.name in rows.columns:
        raise ConfigurationError(f"the spine or a lookup has a column called '{label.name}' already: rename it.")
    places = {name: f"row{at}" for at, name in enumerate(rows.columns)}
    folded = folded_at(
        warehouse.read(source(label.source).events_table),
        rows.select(*[column(name).alias(place) for name, place in places.items()]),
        label.folds,
        label.derived,
        limits=limits,
        customer=places[customer],
        as_of=places[as_of],
    )
    last = complete_through(warehouse, label.source) - timedelta(days=label.horizon_days)
    is_mature = F.col(places[as_of]).cast("timestamp") <= F.lit(last)
    own = [column(place).alias(name) for name, place in places.items()]
    return folded.select(*own, F.when(is_mature, value_of(label)).alias(label.name))
