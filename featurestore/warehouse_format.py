"""The format of a warehouse: a number in a file at its root, and what brings an older one up to date.

A warehouse without the file is of format 1. A newer one than this version knows is refused, for reading, too: what it
has changed may be the meaning of a row.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from featurestore.errors import EnvironmentProblem
from featurestore.ingest_runs import INGEST_RUNS
from featurestore.population import population_table
from featurestore.record_tables import opened
from featurestore.tables import TABLE_NAME, Warehouse
from featurestore.training_set_records import TRAINING_SETS

FORMAT_FILE = ".tessera-format.json"
FIRST, CURRENT = 1, 2


def format_of(root: str) -> int:
    """The format of the warehouse in a folder; EnvironmentProblem for a newer one, and for a file that tells none."""
    file = Path(root) / FORMAT_FILE
    try:
        told = json.loads(file.read_text(encoding="utf-8"))["format"]
    except FileNotFoundError:
        return FIRST
    except (OSError, ValueError, KeyError, TypeError):
        told = None
    if not isinstance(told, int) or told < FIRST:
        raise EnvironmentProblem(
            f'{file} does not tell the format of the warehouse; expected {{"format": {CURRENT}}} or an older number.\n'
            "  Put the file back from a copy of the warehouse."
        )
    if told > CURRENT:
        raise EnvironmentProblem(
            f"warehouse {root} is of format {told}; this version of Tessera knows formats up to {CURRENT}.\n"
            "  Nothing was read or written. Use the version that wrote it, or a newer one."
        )
    return told


def write_format(root: str, number: int = CURRENT) -> None:
    """Say of which format a warehouse is, whole or not at all."""
    file = Path(root) / FORMAT_FILE
    unfinished = file.with_name(f"{FORMAT_FILE}.unfinished")
    unfinished.write_text(json.dumps({"format": number}) + "\n", encoding="utf-8")
    unfinished.replace(file)


def migrate(warehouse: Warehouse) -> list[int]:
    """Bring a warehouse in a folder to the format of now, step by step; the formats that it has passed to.

    Each step adds and rewrites nothing, so that it is taken before any writing; again is the same.
    """
    passed = []
    for number in range(format_of(warehouse.root), CURRENT):
        _STEPS[number](warehouse)
        write_format(warehouse.root, number + 1)
        passed.append(number + 1)
    return passed


def _records_know_of_erasures(warehouse: Warehouse) -> None:
    """Format 2: batches, training sets and cut points have the columns in which an erasure says what it took.

    A version that knows format 1 alone would take erased customers in again.
    """
    names = [entry.name for entry in Path(warehouse.root).iterdir() if TABLE_NAME.fullmatch(entry.name)]
    views = [name.removeprefix("population_") for name in names if name.startswith("population_")]
    for table in (INGEST_RUNS, TRAINING_SETS, *map(population_table, views)):
        if warehouse.exists(table.name):
            opened(warehouse, table)


_STEPS: Mapping[int, Callable[[Warehouse], None]] = {1: _records_know_of_erasures}
