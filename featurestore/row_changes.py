"""Whether a row says something else than before: asked by a MERGE that shall write, and feed, real changes only."""

from __future__ import annotations

from collections.abc import Iterable

from featurestore.schemas import Column


def differs(columns: Iterable[Column], *, old: str = "old", new: str = "new") -> str:
    """SQL over two aliases: whether they differ in a column that is not lineage; NULL equals NULL.

    >>> differs([Column("a", "int", ""), Column("run_id", "string", "", lineage=True)])
    'NOT (old.`a` <=> new.`a`)'
    """
    compared = [column for column in columns if not column.lineage]
    return " OR ".join(f"NOT ({_comparable(one, of=old)} <=> {_comparable(one, of=new)})" for one in compared)


def _comparable(column: Column, *, of: str) -> str:
    """Spark compares no maps: their entries in order say the same."""
    value = f"{of}.`{column.name}`"
    return f"sort_array(map_entries({value}))" if column.type.startswith("map<") else value
