"""What two warehouses hold, compared digit for digit but for lineage; reads the tables without a JVM."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from deltalake import DeltaTable

from featurestore.event_tables import events_table, quarantine_table
from featurestore.file_records import INGEST_FILES
from featurestore.ingest_runs import INGEST_RUNS
from featurestore.schemas import SOURCES
from featurestore.snapshot_records import SNAPSHOTS
from featurestore.training_set_records import TRAINING_SETS
from jobs.publication_tables import PUBLICATIONS
from jobs.run import JOB_RUNS
from jobs.score_tables import ACTION_COLUMNS, LATEST, SCORES
from jobs.score_views import CUSTOMERS_AT_RISK, VIEWS
from jobs.settings import load_settings
from models.heads import HEADS
from models.registry import CHAMPION, Registry
from models.tracking import open_store

WITH_LINEAGE = [INGEST_FILES, INGEST_RUNS, SNAPSHOTS, TRAINING_SETS, SCORES, LATEST, PUBLICATIONS, *VIEWS, JOB_RUNS,
                *map(events_table, SOURCES.values()), *map(quarantine_table, SOURCES.values())]  # fmt: skip
LINEAGE = {table.name: {column.name for column in table.columns if column.lineage} for table in WITH_LINEAGE}
SCORED = {SCORES.name, LATEST.name}
SUMMED_UP = {table.name for table in VIEWS}
"""Made from scores, whose rows and sums move with the last digits of a fit."""
LEARNED = [head for head in HEADS.values() if head.label in load_settings().training.labels]
"""The heads of a demo that is told no labels."""
PROBABILITIES = {head.output for head in LEARNED} | {"churn_risk_level", "confidence", "reasons", *ACTION_COLUMNS}
# A hash of all settings, of which the warehouse is one.
OF_ITS_OWN = {JOB_RUNS.name: {"settings_fingerprint"}}
DECIDED_BY_A_SIMULATION = {
    # Names of simulated files hold a random part, and a batch is identified by the names of its files, too.
    INGEST_RUNS.name: {"batch_id"},
    INGEST_FILES.name: {"batch_id"},
}
DECIDED_BY_A_FIT = dict.fromkeys(SCORED, PROBABILITIES)
AUC_APART, LOG_LOSS_APART = 0.002, 0.001
"""How far two distributed fits on the same rows may lie apart."""
PROBABILITY_APART = 0.05

NOTHING: Mapping[str, Collection[str]] = MappingProxyType({})
Row = tuple[Any, ...]


def tables(warehouse: Path) -> set[str]:
    """Names of the Delta tables in a warehouse."""
    return {log.parent.name for log in warehouse.glob("*/_delta_log")}


def rows(warehouse: Path, table: str, *, leave_out: Collection[str] = ()) -> Counter[Row]:
    """The rows of a table without lineage, as often as each is there; maps by their sorted entries."""
    held = DeltaTable(warehouse / table)
    unseen = {*LINEAGE.get(table, ()), *OF_ITS_OWN.get(table, ()), *leave_out}
    columns = [field.name for field in held.schema().fields if field.name not in unseen]
    return Counter(tuple(map(_plain, row.values())) for row in held.to_pyarrow_table(columns=columns).to_pylist())


def _plain(value: Any) -> str:
    # repr tells 1 from 1.0 and every double from its neighbours, and takes a NaN for itself.
    if isinstance(value, list):
        return repr(sorted(map(repr, value)) if value and isinstance(value[0], tuple) else value)
    return repr(value)


def differences(
    found: Path, clean: Path, *, leave_out: Mapping[str, Collection[str]] = NOTHING, apart_from: Collection[str] = ()
) -> list[str]:
    """A line a table whose rows differ, or that only one of two warehouses has; empty where they are the same.

    `leave_out`: columns by table that may differ; `apart_from`: tables that may.
    """
    lines = [f"{name}: only in one of the two" for name in sorted(tables(found) ^ tables(clean))]
    for name in sorted((tables(found) & tables(clean)) - set(apart_from)):
        loose = leave_out.get(name, ())
        mine, theirs = rows(found, name, leave_out=loose), rows(clean, name, leave_out=loose)
        if mine != theirs:
            more, less = mine - theirs, theirs - mine
            lines.append(f"{name}: {more.total()} rows too many, {less.total()} missing, "
                         f"such as {next(iter(more), None)} for {next(iter(less), None)}")  # fmt: skip
    return lines


def assert_same(found: Path, clean: Path, *, apart_from: Collection[str] = ()) -> None:
    """Two runs with a fit each end alike: all tables, one champion a head, and what the fits decide nearly so."""
    loose = {**DECIDED_BY_A_SIMULATION, **DECIDED_BY_A_FIT}
    assert differences(found, clean, leave_out=loose, apart_from={*apart_from, *SUMMED_UP}) == []
    for warehouse in (found, clean):
        assert _at_risk(warehouse, CUSTOMERS_AT_RISK.name) == _at_risk(warehouse, LATEST.name)
    for table in SCORED:
        assert _furthest(_probabilities(found, table), _probabilities(clean, table)) <= PROBABILITY_APART, table
    mine, theirs = champions(found), champions(clean)
    for name, figures in theirs.items():
        assert abs(mine[name]["auc"] - figures["auc"]) <= AUC_APART, (name, mine[name], figures)
        assert abs(mine[name]["log_loss"] - figures["log_loss"]) <= LOG_LOSS_APART, (name, mine[name], figures)
    assert _entries(found) == _entries(clean)


def registry_of(warehouse: Path | str) -> Registry:
    """The registry below a warehouse."""
    return Registry(f"sqlite:///{warehouse}/mlflow.db", f"{warehouse}/mlruns")


def champions(warehouse: Path) -> dict[str, Mapping[str, Any]]:
    """The figures of each head's champion: its only version, its files whole, and no run left open."""
    registry = registry_of(warehouse)
    client = open_store(registry.tracking_uri)
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    assert list(client.search_runs(experiments, filter_string="attributes.status = 'RUNNING'")) == []
    found = {}
    for head in LEARNED:
        versions = [str(one.version) for one in client.search_model_versions(f"name = '{head.model_name}'")]
        champion = registry.load(head, alias=CHAMPION)
        assert versions == [champion.version]
        found[head.name] = champion.bundle.metrics
    return found


def _probabilities(warehouse: Path, table: str) -> dict[tuple[str, str], float | None]:
    columns = sorted(head.output for head in LEARNED)
    held = DeltaTable(warehouse / table).to_pyarrow_table(columns=["customer_id", "as_of_date", *columns])
    return {
        (f"{row['customer_id']} {row['as_of_date']}", name): row[name] for row in held.to_pylist() for name in columns
    }


def _at_risk(warehouse: Path, table: str) -> set[tuple[str, float]]:
    columns = ["customer_id", "churn_risk_level", "churn_probability"]
    rows = DeltaTable(warehouse / table).to_pyarrow_table(columns=columns).to_pylist()
    return {(row["customer_id"], row[columns[2]]) for row in rows if row[columns[1]] in ("HIGH", "CRITICAL")}


def _furthest(mine: Mapping[Any, float | None], theirs: Mapping[Any, float | None]) -> float:
    """The largest distance of two values; infinite where only one of them is there."""
    known = {key for key, value in mine.items() if value is not None}
    if mine.keys() != theirs.keys() or known != {key for key, value in theirs.items() if value is not None}:
        return float("inf")
    return max((abs(mine[key] - theirs[key]) for key in known), default=0.0)  # type: ignore[operator]


def _entries(warehouse: Path) -> set[str]:
    """What lies in the folder: no kill leaves a thing there that a clean run does not."""
    return {entry.name for entry in warehouse.iterdir()}
