"""Two ids that are one person: aliases followed to the last person, events and askings told under that one.

An alias says "what this id did, that person did". Aliases may lead on: a path goes from an id over any number of
aliases to a person. Of each id there is one path of each length, and a longer one was never known earlier than a
shorter one, so that what was known at an instant is the longest path known by then. No read, write or action.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from featurestore.fold import CUSTOMER, TIME
from featurestore.spine_fold import KNOWN

ALIAS, LINKS, BATCHES = "alias_id", "links", "batch_seqs"
PATH = (ALIAS, CUSTOMER, KNOWN, LINKS, BATCHES)
"""Columns of a path: from `alias_id` to `customer_id` over `links` aliases of `batch_seqs`, known since."""
PERSONS = "persons"


def longer(paths: DataFrame, aliases: DataFrame) -> DataFrame:
    """The paths that are one link longer than `paths`; `aliases` are the paths of one link. Other columns go."""
    link = aliases.select(
        F.col(ALIAS).alias("_next"), F.col(CUSTOMER).alias("_person"), F.col(KNOWN).alias("_known"),
        F.col(BATCHES).alias("_batches"),
    )  # fmt: skip
    return paths.join(link, F.col(CUSTOMER) == F.col("_next")).select(
        ALIAS,
        F.col("_person").alias(CUSTOMER),
        F.greatest(KNOWN, "_known").alias(KNOWN),
        (F.col(LINKS) + 1).alias(LINKS),
        F.array_union(BATCHES, "_batches").alias(BATCHES),
    )


def within(paths: DataFrame, batch_seqs: Sequence[int]) -> DataFrame:
    """The paths all of whose aliases came with these batches: those that were there when no other batch was."""
    known = F.array(*map(F.lit, batch_seqs)).cast("array<bigint>")
    return paths.where(F.size(F.array_except(BATCHES, known)) == 0)


def touching(paths: DataFrame, batch_seqs: Sequence[int]) -> DataFrame:
    """The paths that came with any of these batches."""
    return paths.where(F.arrays_overlap(BATCHES, F.array(*map(F.lit, batch_seqs)).cast("array<bigint>")))


def told_of_persons(events: DataFrame, paths: DataFrame | None) -> DataFrame:
    """`events` under the last person that their customer is known to be; all columns and rows stay.

    One left join on the customer, none where there are no paths (None).
    """
    if paths is None:
        return events
    joined = events.join(_last(paths), F.col(CUSTOMER) == F.col("_alias"), "left")
    return joined.withColumn(CUSTOMER, F.coalesce("_person", CUSTOMER)).drop("_alias", "_person")


def told_as_known(events: DataFrame, paths: DataFrame | None) -> DataFrame:
    """`events` under their own customer, and again under each person on the way, known once both are.

    Nobody asks for an id any more once it is known to be a person (see `asked_of_persons`), so that the rows under
    the former ids need no end.
    """
    if paths is None:
        return events
    joined = events.join(_by_alias(paths), F.col(CUSTOMER) == F.col("_alias"), "left")
    own = F.struct(F.col(CUSTOMER).alias("who"), F.col(KNOWN).alias("since"))
    on_the_way = F.transform(
        PERSONS,
        lambda one: F.struct(one[CUSTOMER].alias("who"), F.greatest(F.col(KNOWN), one[KNOWN]).alias("since")),
    )
    told = joined.withColumn("_told", F.explode(F.concat(F.array(own), F.coalesce(on_the_way, F.array()))))
    under = {CUSTOMER: F.col("_told.who"), KNOWN: F.col("_told.since")}
    return told.withColumns(under).select(*events.columns)


def asked_of_persons(asked: DataFrame, paths: DataFrame | None, *, delay_us: int | None) -> DataFrame:
    """Askings (customer_id, event_time, ...) under the person that their customer is; all rows and columns stay.

    With `delay_us` (microseconds) an alias counts if it was known before event_time + delay_us; without it, always.
    """
    if paths is None:
        return asked
    joined = asked.join(_by_alias(paths), F.col(CUSTOMER) == F.col("_alias"), "left")

    def counts(one: Column) -> Column:
        return F.unix_micros(one[KNOWN]) < F.unix_micros(TIME) + F.lit(delay_us)

    known = F.col(PERSONS) if delay_us is None else F.filter(PERSONS, counts)
    last = F.try_element_at(known, F.lit(-1))[CUSTOMER]
    return joined.withColumn(CUSTOMER, F.coalesce(last, CUSTOMER)).select(*asked.columns)


def under_former_ids(rows: DataFrame, paths: DataFrame | None) -> DataFrame:
    """`rows`, one a person and date, and the same again under every id that led to the person."""
    if paths is None:
        return rows
    former = rows.join(_last(paths), F.col(CUSTOMER) == F.col("_person"))
    return rows.unionByName(former.withColumn(CUSTOMER, F.col("_alias")).select(*rows.columns))


def all_ids_of(customers: DataFrame, paths: DataFrame | None) -> DataFrame:
    """Every id (customer_id, each once) of the persons whom `customers` (customer_id) name by any of their ids."""
    asked = customers.select(CUSTOMER).distinct()
    if paths is None:
        return asked
    last = _last(paths)
    persons = asked.join(last, F.col(CUSTOMER) == F.col("_alias"), "left").select(
        F.coalesce("_person", CUSTOMER).alias("_person")
    )
    former = last.join(persons.distinct(), "_person", "left_semi").select(F.col("_alias").alias(CUSTOMER))
    return persons.select(F.col("_person").alias(CUSTOMER)).union(former).union(asked).distinct()


def _last(paths: DataFrame) -> DataFrame:
    """`_alias` and the last `_person` that it leads to, one row an alias."""
    return paths.groupBy(F.col(ALIAS).alias("_alias")).agg(F.max_by(CUSTOMER, LINKS).alias("_person"))


def _by_alias(paths: DataFrame) -> DataFrame:
    """One row an alias: `_alias`, and `persons`, the ends of its paths from the nearest to the last."""
    ends = F.sort_array(F.collect_list(F.struct(LINKS, KNOWN, CUSTOMER)))
    return paths.groupBy(F.col(ALIAS).alias("_alias")).agg(ends.alias(PERSONS))
