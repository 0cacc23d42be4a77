"""Check the environment and the warehouse's invariants, and say of each what is wrong and what to do."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table as Rich

from featurestore.erasure_key import ErasureKey
from featurestore.errors import ConfigurationError, DataContractError
from featurestore.invariants import (
    Check,
    batch_checks,
    erasure_check,
    key_check,
    snapshot_checks,
    training_set_checks,
)
from featurestore.schemas import SOURCES
from featurestore.suppression import SUPPRESSED_CUSTOMERS, refuse_other_key
from featurestore.tables import is_local
from featurestore.warehouse_format import CURRENT, format_of, migrate
from jobs.erasure_keys import erasure_key
from jobs.run import Run
from jobs.score_tables import LATEST, SCORES
from jobs.sql import local_tables

PYTHONS, JAVAS = ("3.11", "3.12"), ("17", "21")
LEAST_FREE_BYTES = 2 * 2**30
MOST_OF_THE_MEMORY = 0.8
GIBIBYTE = 2**30
UNITS = {"": 1, "b": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


def run(run: Run) -> None:
    """Do what the arguments say."""
    with run.step("doctor") as step:
        checks = [*environment(run)]
        root = Path(run.settings.warehouse)
        if is_local(run.settings.warehouse) and root.is_dir() and _tables(run):
            if run.arguments.migrate:
                passed = migrate(run.warehouse)
                told = ", ".join(map(str, passed)) or f"none: it is of format {CURRENT}"
                run.out.print(f"migrated to format {told}")
            checks += warehouse_checks(run)
        elif run.arguments.migrate:
            raise ConfigurationError(f"there is nothing to migrate: no table in {run.settings.warehouse}.")
        wrong = [one for one in checks if not one.is_ok]
        step.results.update(checks=len(checks), wrong=len(wrong))
    run.out.print(checks_table(checks))
    for one in wrong:
        run.out.print(f"{one.name}: {one.wrong}\n  do: {one.do}", markup=False)
    if run.arguments.json:
        told_of = [{**asdict(one), "ok": one.is_ok} for one in checks]
        Path(run.arguments.json).write_text(json.dumps(told_of, indent=2) + "\n", "utf-8")
    if wrong:
        raise DataContractError(f"{len(wrong)} of {len(checks)} checks found something wrong; see above.")


def environment(run: Run) -> Iterator[Check]:
    """Python, Java, the JARs of Delta, memory, disk."""
    python = platform.python_version()
    yield Check("Python", python, "" if python.startswith(PYTHONS) else f"{python} is not supported",
                f"install Python {' or '.join(PYTHONS)}")  # fmt: skip
    java = str(run.spark.sql("SELECT java_method('java.lang.System', 'getProperty', 'java.version')").first()[0])  # type: ignore[index]
    yield Check("Java", java, "" if java.split(".")[0] in JAVAS else f"{java} is not supported",
                f"install Java {' or '.join(JAVAS)}, set JAVA_HOME")  # fmt: skip
    yield _delta(run)
    yield _memory(run)
    folder = _nearest_folder(Path(run.settings.warehouse).absolute())
    free = shutil.disk_usage(folder).free
    yield Check("disk", f"{free / GIBIBYTE:,.1f} GiB free at {folder}",
                "" if free >= LEAST_FREE_BYTES else f"less than {LEAST_FREE_BYTES / GIBIBYTE:.0f} GiB are free",
                "free some, run maintain, or give another --warehouse")  # fmt: skip
    can = os.access(folder, os.W_OK | os.X_OK)
    yield Check("warehouse can be written", str(folder), "" if can else f"{folder} is read-only for this user",
                "change its permissions, or give another --warehouse")  # fmt: skip


def _delta(run: Run) -> Check:
    """A table written and read back: the JARs, Spark's own folders, and what it may write."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            run.spark.range(3).write.format("delta").save(f"{folder}/t")
            found = run.spark.read.format("delta").load(f"{folder}/t").count()
        except Exception as problem:  # noqa: BLE001 - whatever it is, it is what is wrong
            first = str(problem).strip().split("\n", 1)[0]
            return Check("Spark and Delta", f"Spark {run.spark.version}", f"{type(problem).__name__}: {first}"[:300],
                         "remove the folder .tessera/jars, start again: set-up resolves them anew")  # fmt: skip
    return Check("Spark and Delta", f"Spark {run.spark.version}, a table written and read",
                 "" if found == 3 else f"{found} rows of 3 came back")  # fmt: skip


def _memory(run: Run) -> Check:
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    asked = in_bytes(run.spark.conf.get("spark.driver.memory", "1g") or "1g")
    enough = asked <= MOST_OF_THE_MEMORY * there
    return Check("memory", f"{asked / GIBIBYTE:.1f} GiB for Spark's driver of {there / GIBIBYTE:.1f}",
                 "" if enough else "Python's workers need the rest, and there is too little",
                 f"-- --driver-memory {max(1, int(there / GIBIBYTE / 2))}g")  # fmt: skip


def in_bytes(text: str) -> int:
    """A size as Spark writes it.

    >>> in_bytes("3g") == 3 * 2**30, in_bytes("512m") == 2**29, in_bytes("2gb") == 2**31
    (True, True, True)
    """
    found = re.fullmatch(r"\s*(\d+)\s*([bkmgt]?)b?\s*", text.lower())
    if found is None:
        raise ConfigurationError(f"spark.driver.memory is '{text}'; expected a size such as 3g.")
    return int(found[1]) * UNITS[found[2]]


def _nearest_folder(path: Path) -> Path:
    """The folder itself, or the one that it would be made in."""
    return next(one for one in (path, *path.parents) if one.is_dir())


def _tables(run: Run) -> list[str]:
    try:
        return local_tables(run.warehouse)
    except DataContractError:  # there is none yet
        return []


def warehouse_checks(run: Run) -> Iterator[Check]:
    """Everything that must hold of the tables."""
    warehouse, tables = run.warehouse, set(_tables(run))
    found = format_of(warehouse.root)
    yield Check("format", f"{found}, this version writes {CURRENT}", "" if found == CURRENT else "it is an older one",
                "doctor --migrate; the next job that writes does it, too")  # fmt: skip
    yield from batch_checks(warehouse)
    for source in SOURCES.values():
        if source.events_table in tables:
            yield key_check(
                warehouse, source.events_table, ["event_id"], do="ingest --retract the later of the batches"
            )
    for table in sorted(tables):
        keys = ["customer_id"] if table == LATEST.name else ["customer_id", "as_of_date"]
        if table in (SCORES.name, LATEST.name) or table.startswith("features_"):
            yield key_check(warehouse, table, keys, do="build_features and score the date again")
    yield from snapshot_checks(warehouse, run.views)
    yield from training_set_checks(warehouse)
    yield erasure_check(warehouse)
    yield _key(run, erasure_key(run.settings))


def _key(run: Run, key: ErasureKey | None) -> Check:
    known = len(run.warehouse.records(SUPPRESSED_CUSTOMERS.name, ("key_id",)))
    try:
        refuse_other_key(run.warehouse, key)
        wrong = ""
    except ConfigurationError as problem:
        wrong = str(problem).splitlines()[0]
    return Check("erasure key", f"{known:,} customers kept out", wrong, "give the key: TESSERA_ERASURE_KEY")


def checks_table(checks: Sequence[Check]) -> Rich:
    """A line a check."""
    table = Rich(title="Checks", title_justify="left")
    for name in ("", "check", "looked at"):
        table.add_column(name, justify="left")
    for one in checks:
        table.add_row("ok" if one.is_ok else "WRONG", one.name, one.looked_at)
    return table
