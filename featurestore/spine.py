"""Features at the instants that a spine names, exact to the microsecond. No read, write or action."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, StructField, StructType

from featurestore.customer_order import by_customer
from featurestore.definitions import Derived, Feature
from featurestore.errors import ConfigurationError
from featurestore.fold import CUSTOMER, TIME, FoldPlan, Limits, measures_of
from featurestore.frames import ORDER_OF_EVENTS, in_order_of_key
from featurestore.persons import asked_of_persons, told_as_known, told_of_persons
from featurestore.spine_fold import CARRIED, KNOWN, fold_askings

MICROSECOND = timedelta(microseconds=1)


def folded_at(
    events: DataFrame,
    spine: DataFrame,
    folds: Sequence[Feature],
    derived: Sequence[Derived] = (),
    *,
    limits: Limits,
    customer: str = CUSTOMER,
    as_of: str = "as_of",
    decision_delay: timedelta | None = None,
    aliases: DataFrame | None = None,
) -> DataFrame:
    """The rows of `spine` with `folds` at each row's own instant: events with event_time < as_of.

    `customer` and `as_of` (timestamp, or date: its midnight UTC) name columns of the spine; NULL in either reads
    the empty fold, as does a customer without events. With `decision_delay` an event also must have
    known_at < as_of + decision_delay ("as known"); without it all events count ("latest"). `aliases` (paths, see
    `persons`) say which customers are one person, and since when that was known: a row is answered for the person,
    its own columns stay as they are.
    One shuffle of events and spine together, by customer; a task holds one block of customers. Rows without
    customer are spread by their instant.
    Raises ConfigurationError where a feature has the name of a column of the spine.
    """
    _refuse_shared_names(spine, [*(fold.name for fold in folds), *(one.name for one in derived)])
    plan = FoldPlan(tuple(folds), tuple(derived), (), limits)
    delay_us = None if decision_delay is None else decision_delay // MICROSECOND
    read = [*ORDER_OF_EVENTS, *([] if delay_us is None else [KNOWN])]
    happened = events.select(*read, *[name for name in measures_of(folds) if name not in read])
    asked = spine.select(
        F.coalesce(F.col(f"`{customer}`").cast("string"), F.lit("")).alias(CUSTOMER),
        F.col(f"`{as_of}`").cast("timestamp").alias(TIME),
        F.struct(*[F.col(f"`{name}`") for name in spine.columns]).alias(CARRIED),
    )
    happened = (told_of_persons if delay_us is None else told_as_known)(happened, aliases)
    asked = asked_of_persons(asked, aliases, delay_us=delay_us)
    together = happened.unionByName(asked, allowMissingColumns=True)
    nobody = F.when(F.col(CUSTOMER) == "", F.xxhash64(TIME))
    ordered = in_order_of_key(together.repartition(CUSTOMER, nobody))

    def fold(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return fold_askings(by_customer(batches), plan, delay_us=delay_us)

    features: list[Feature | Derived] = [*folds, *derived]
    answers = [StructField(one.name, DataType.fromDDL(one.type)) for one in features]
    return ordered.mapInArrow(fold, StructType([*spine.schema.fields, *answers]))


def _refuse_shared_names(spine: DataFrame, features: Sequence[str]) -> None:
    shared = sorted({name.lower() for name in spine.columns} & {name.lower() for name in features})
    if shared:
        raise ConfigurationError(
            f"the spine has columns that are features too: {', '.join(shared)}.\n"
            "  Rename them in the spine, or leave them out."
        )
