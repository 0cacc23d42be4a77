"""The files of a warehouse in an erasure: those to clean beside the tables, and the search of them all afterwards."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from deltalake import DeltaTable as DeltaLog

from featurestore.erasure_plan import PLAN_FILE, QUARANTINE, ErasurePlan
from featurestore.errors import DataContractError
from featurestore.fold import CUSTOMER
from featurestore.id_scan import Found, Scan, files_below, pattern, scan
from featurestore.raw_copies import UNFINISHED, said_without, without_records, without_words
from featurestore.record_tables import put_records
from jobs.erasure_receipt import FOLDER
from jobs.run import JOB_RUNS, Run
from jobs.sql import local_tables
from jobs.workplace import LOCK

LOG = "_delta_log"
DOCUMENTS = ("mlruns", "reports")
MADE_UP = "bench"
"""Benchmarks make up their customers."""
NOT_SEARCHED = {LOCK, PLAN_FILE, f"{PLAN_FILE}{UNFINISHED}", MADE_UP}
RECORD = "raw"
"""Column of what was set aside, as it was read."""
SAID = ("arguments", "results", "error")
SHOWN = 5


@dataclass(frozen=True)
class Cleaned:
    """What was taken out beside the tables: records of raw copies, texts of documents; and tables of records."""

    records: dict[str, int] = field(default_factory=dict)
    documents: dict[str, int] = field(default_factory=dict)
    tables: tuple[str, ...] = ()


@dataclass(frozen=True)
class Searched:
    """A search of all files: which tables there are, which files of theirs are live, which columns name customers."""

    scan: Scan
    live: dict[str, frozenset[str]]
    naming: dict[str, tuple[str, ...]]

    def former_versions(self, swept: Collection[str]) -> list[str]:
        """Tables, none of those `swept`, of which files of former versions, or the log of those, hold ids."""
        found = {_table(one.path) for one in self.scan.found if self._is_dead(one) or self._is_of_a_log(one)}
        return sorted(found - set(swept))

    def elsewhere(self) -> list[Found]:
        """Where the same text stands in what names no customer."""
        return [one for one in self.scan.found if not (self._names(one) or self._is_dead(one))]

    def refuse_left(self, plan: ErasurePlan) -> None:
        """DataContractError where a customer of the plan is still named."""
        left = [one for one in self.scan.found if self._names(one) or self._is_dead(one)]
        if left:
            shown = "\n".join(f"  {one.path} {one.column}: {max(one.equal, one.words)}" for one in left[:SHOWN])
            raise DataContractError(
                f"erasure {plan.erasure_id}: {len(left)} places still name its customers, such as\n{shown}\n"
                "  Someone wrote them meanwhile. Stop that, and run erase again: it ends what it began."
            )

    def by_table(self) -> dict[str, dict[str, str]]:
        """By table, its live files with their hashes."""
        found: dict[str, dict[str, str]] = {name: {} for name in self.live}
        for path, sha256 in self.scan.hashes.items():
            table = _table(path)
            if table in self.live and path in self.live[table]:
                found[table][path] = sha256
        return found

    def _is_of_a_log(self, one: Found) -> bool:
        return _table(one.path) in self.live and PurePosixPath(one.path).parts[1] == LOG

    def _is_dead(self, one: Found) -> bool:
        """Whether no version that is left has the file. A log that was cut tells of live files alone."""
        table = _table(one.path)
        return table in self.live and one.path not in self.live[table] and not self._is_of_a_log(one)

    def _names(self, one: Found) -> bool:
        table = _table(one.path)
        if one.path not in self.live.get(table, ()):
            return False
        if table in QUARANTINE:  # a word inside of a longer text, such as a product's name, names nobody
            return one.column == RECORD and one.equal > 0
        return one.column in self.naming.get(table, ())


def clean_files(run: Run, plan: ErasurePlan) -> Cleaned:
    """Take the customers out of raw copies and documents below the warehouse, and out of what was told of runs."""
    root, words = Path(run.warehouse.root), pattern(plan.ids)
    tables = set(local_tables(run.warehouse))
    records: dict[str, int] = {}
    documents: dict[str, int] = {}
    for name in files_below(str(root), leave_out={*NOT_SEARCHED, *tables, FOLDER}):
        if _table(name) in DOCUMENTS:
            changed = without_words(root / name, words) if name.endswith(".json") else 0
            documents |= {name: changed} if changed else {}
        elif not PurePosixPath(name).name.startswith(("_", ".")):  # markers, and checksums of what is cleaned
            gone = without_records(root / name, plan.ids)
            records |= {name: gone} if gone else {}
    return Cleaned(records, documents, (JOB_RUNS.name,) if _clean_runs(run, plan) else ())


def _clean_runs(run: Run, plan: ErasurePlan) -> int:
    """What was said to and by earlier runs may name customers; how many rows did."""
    words, names = pattern(plan.ids), JOB_RUNS.column_names
    changed = []
    for row in run.warehouse.records(JOB_RUNS.name, names):
        told = {name: said_without(row[name], words) for name in SAID if row[name] is not None}
        if any(row[name] != text for name, text in told.items()):
            changed.append([{**row, **told}[name] for name in names])
    if changed:
        put_records(run.warehouse, JOB_RUNS, changed, keys=("run_id", "attempt"))
    return len(changed)


def search_all(run: Run, plan: ErasurePlan) -> Searched:
    """Search every file of the warehouse for the ids of a plan."""
    root, tables = run.warehouse.root, local_tables(run.warehouse)
    numbers = {CUSTOMER, *(name for names in plan.columns.values() for name in names)}
    found = scan(run.spark, root, files_below(root, leave_out=NOT_SEARCHED), plan.ids, numbers=numbers,
                 records={RECORD})  # fmt: skip
    return Searched(found, {name: _live(root, name) for name in tables}, dict(plan.columns))


def _live(root: str, table: str) -> frozenset[str]:
    """The files of the newest version, as paths below the warehouse."""
    return frozenset(str(Path(uri).relative_to(root)) for uri in DeltaLog(f"{root}/{table}").file_uris())


def _table(path: str) -> str:
    """The table, or the folder, that a file lies in."""
    return PurePosixPath(path).parts[0]
