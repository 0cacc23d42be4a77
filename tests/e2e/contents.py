"""What two runs leave that fit models on their own: all digits but those that the fits decide, which are near."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from deltalake import DeltaTable

from featurestore.file_records import INGEST_FILES
from featurestore.ingest_runs import INGEST_RUNS
from jobs.faults.contents import differences, entries
from jobs.score_tables import ACTION_COLUMNS, LATEST, SCORES
from jobs.score_views import CUSTOMERS_AT_RISK, VIEWS
from jobs.settings import load_settings
from models.heads import HEADS
from models.registry import CHAMPION, Registry
from models.tracking import open_store

SCORED = {SCORES.name, LATEST.name}
SUMMED_UP = {table.name for table in VIEWS}
"""Made from scores, whose rows and sums move with the last digits of a fit."""
LEARNED = [head for head in HEADS.values() if head.label in load_settings().training.labels]
"""The heads of a demo that is told no labels."""
PROBABILITIES = {head.output for head in LEARNED} | {"churn_risk_level", "confidence", "reasons", *ACTION_COLUMNS}
DECIDED_BY_A_SIMULATION = {
    # Names of simulated files hold a random part, and a batch is identified by the names of its files, too.
    INGEST_RUNS.name: {"batch_id"},
    INGEST_FILES.name: {"batch_id"},
}
DECIDED_BY_A_FIT = dict.fromkeys(SCORED, PROBABILITIES)
AUC_APART, LOG_LOSS_APART = 0.002, 0.001
"""How far two distributed fits on the same rows may lie apart."""
PROBABILITY_APART = 0.05


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
    assert entries(found) == entries(clean)  # no kill leaves a thing there that a clean run does not


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
