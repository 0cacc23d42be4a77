"""Which raw records name a customer: lines of files, and records that were set aside, whose columns are not known.

A record is taken apart at quotes, separators and brackets; it names a customer if one of its parts is the id, or the
id written as a number with a fraction of nothing. An id that holds such a sign itself is looked for as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from featurestore.fold import CUSTOMER

SIGNS = "\"',;|\t\r\n{}[]"
_APART = re.compile(f"[{re.escape(SIGNS)}]+")
_APART_SQL = r"""["',;|\t\r\n{}\[\]]+"""
_AROUND = " :"
_FRACTION = ".0"


def parts_of(record: str) -> set[str]:
    """The parts of a record that may be an id.

    >>> sorted(parts_of('{"id":13085.0,"who":"Ann B"}'))
    ['13085', '13085.0', 'Ann B', 'id', 'who']
    """
    parts = {part.strip(_AROUND) for part in _APART.split(record)} - {""}
    return parts | {part.removesuffix(_FRACTION) for part in parts}


def naming(ids: Collection[str]) -> Callable[[str], bool]:
    """Whether a record names any of `ids`.

    >>> names = naming({"c-1", "a,b"})
    >>> names("x;c-1;2"), names("x;c-12;2"), names("x;a,b")
    (True, False, True)
    """
    plain = {one for one in ids if not _holds_a_sign(one)}
    others = sorted(set(ids) - plain)

    def names(record: str) -> bool:
        return not plain.isdisjoint(parts_of(record)) or any(one in record for one in others)

    return names


def parts_column(record: Column) -> Column:
    """`parts_of` on a column: an array of strings, never NULL."""
    parts = F.transform(F.split(F.coalesce(record, F.lit("")), _APART_SQL), lambda part: F.trim(part, F.lit(_AROUND)))
    whole = F.transform(parts, lambda part: F.regexp_replace(part, r"\.0$", ""))
    return F.array_union(parts, whole)


def records_naming(records: DataFrame, ids: DataFrame, *, key: str, record: str = "raw") -> DataFrame:
    """The `key` of each of `records` whose text names one of `ids` (customer_id), once."""
    parts = records.select(key, F.explode(parts_column(F.col(record))).alias(CUSTOMER))
    by_part = parts.join(ids, CUSTOMER, "left_semi").select(key)
    odd = ids.where(F.col(CUSTOMER).rlike(_APART_SQL)).withColumnRenamed(CUSTOMER, "_id")
    as_it_stands = records.join(odd, F.col(record).contains(F.col("_id")), "left_semi").select(key)
    return by_part.union(as_it_stands).distinct()


def _holds_a_sign(text: str) -> bool:
    return _APART.search(text) is not None or text != text.strip(_AROUND)
