"""Words of text columns as numbers: the most frequent values of the fitted rows, each by its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

NO_WORDS: Mapping[str, Sequence[str]] = MappingProxyType({})


def learn_words(rows: DataFrame, columns: Sequence[str], *, at_most: int) -> dict[str, list[str]]:
    """The `at_most` most frequent values of each text column, most frequent first, equal counts by name.

    A value outside them, or one that appears later, is "another word" to a model: the place after the last.
    """
    from pyspark.sql import functions as F

    found = {}
    for name in columns:
        text = F.col(f"`{name}`").cast("string").alias("word")
        counted = rows.select(text).where("word is not null").groupBy("word").count()
        # Collects `at_most` rows a column.
        found[name] = [row.word for row in counted.orderBy(F.desc("count"), "word").limit(at_most).collect()]
    return found
