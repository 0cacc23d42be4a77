"""What each rule of the leakage guard catches: two traps of public data, ten planted leaks, and nothing honest.

Reads the newest training sets of the warehouse (build them with `ingest` and `build_training_set --build`).
"""

from __future__ import annotations

import csv
import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from rich.table import Table

from featurestore.customer_draw import SHARES, draw
from featurestore.errors import MissingInput
from featurestore.schemas import source
from featurestore.training_set_records import newest, table_of
from jobs.benchmarks.contest import Figure
from jobs.benchmarks.planted_leaks import TRUNCATED, planted, with_leaks
from jobs.learning import HEAD_OF, families_of
from jobs.run import Run
from jobs.train import rebuilt_sample
from models.guard.evidence import Evidence, Matrix, Part, Rebuilt
from models.guard.findings import Verdict
from models.guard.guard import judge
from models.guard.settings import GuardSettings
from models.logistic import Floats
from models.splits import FIT, SPLITS, TEST
from models.training_rows import count_splits, labelled_rows, read_sample

PLANTED_ON = "churn_60d"
MOST_ROWS = 20_000  # of a split, on the driver
log = logging.getLogger(__name__)


def run(run: Run) -> list[Figure]:
    """Print a line a trap, a leak and an honest training set; count what was caught and what was falsely blocked."""
    table = Table("case", "caught by", "findings that block", "seconds", title="leakage guard")
    traps = [_told(table, *case) for case in _traps(run)]
    honest, leaks = _honest(run, table), _planted(run, table)
    run.out.print(table)
    return [
        Figure("traps_caught", sum(traps), f"of {len(traps)}"),
        Figure("planted_leaks_caught", sum(caught for caught, _ in leaks), f"of {len(leaks)}"),
        Figure("planted_leaks_caught_without_g1", sum(alone for _, alone in leaks), f"of {len(leaks)}"),
        Figure("false_blocks_on_honest_sets", sum(honest), f"of {len(honest)} training sets"),
    ]


def _told(table: Table, name: str, evidence: Evidence, expected: str, *, also: Sequence[str] = ()) -> bool:
    """A line of the table; whether a blocking finding names what is `expected` ("" accepts any).

    `also` are rules that were asked outside `judge`: a leak is let in by name there, so that the other rules show
    what they see without G1.
    """
    started = time.perf_counter()
    verdict = judge(evidence)
    rules = sorted({one.rule for one in verdict.blocking if not expected or one.feature in (expected, "")})
    table.add_row(name, " ".join([*also, *rules]) or "-", _words(verdict), f"{time.perf_counter() - started:.0f}")
    return bool(rules)


def _words(verdict: Verdict, *, most: int = 6) -> str:
    shown = [f"{one.rule} {one.feature or 'rows'} {one.figure:.3g}" for one in verdict.blocking]
    return "; ".join(shown[:most]) + (f"; and {len(shown) - most} more" if len(shown) > most else "")


def _traps(run: Run) -> list[tuple[str, Evidence, str]]:
    """PageValues is computed from the outcome; the other file's columns are copies and its rows repeat."""
    folder = Path(run.arguments.data)
    shoppers = folder / "online_shoppers" / "online_shoppers_intention.csv"
    behaviours = folder / "customer_purchasing_behaviors" / "Customer_Purchasing_Behaviors.csv"
    return [
        ("online_shoppers", evidence_of_csv(shoppers, "Revenue", settings=run.settings.guard), "PageValues"),
        ("customer_purchasing_behaviors",
         evidence_of_csv(behaviours, "loyalty_score", settings=run.settings.guard), ""),
    ]  # fmt: skip


def evidence_of_csv(file: Path, label: str, *, settings: GuardSettings) -> Evidence:
    """A small file of one row a customer as evidence: no dates, so a third by a hash of the row number is the test.

    A label that is a number means "above its median". Nothing has a time, so every column is let in by name: what is
    caught is caught by figures alone.
    """
    if not file.is_file():
        raise MissingInput(f"{file} does not exist.\n  Name the folder of public data: bench guard --data FOLDER")
    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    names = tuple(name for name in rows[0] if name != label)
    matrix = np.column_stack([_coded([row[name] for row in rows]) for name in names]).astype(np.float32)
    outcome = _coded([row[label] for row in rows])
    labels = (outcome > np.median(outcome)).astype(float) if len(np.unique(outcome)) > 2 else outcome
    who = np.array([str(at) for at in range(len(rows))], dtype=object)
    tested = np.array([draw(one, purpose="trap") < SHARES // 3 for one in who])
    parts = {split: _part(matrix, labels, who, chosen) for split, chosen in ((FIT, ~tested), (TEST, tested))}
    return Evidence(names, parts, settings.model_copy(update={"unverified_allowed": names}))


def _coded(values: Sequence[str]) -> Floats:
    try:
        return np.array([float(value) if value else np.nan for value in values])
    except ValueError:
        known = sorted(set(values))
        return np.array([float(known.index(value)) for value in values])


def _part(matrix: Matrix, labels: Floats, who: np.ndarray, chosen: np.ndarray) -> Part:
    days = np.zeros(int(chosen.sum()), dtype="datetime64[D]")
    return Part(matrix[chosen], labels[chosen], who[chosen], days)


def _honest(run: Run, table: Table) -> list[bool]:
    """Whether each training set of the warehouse is blocked; it should not be."""
    found = []
    for label in HEAD_OF:
        standing = newest(run.warehouse, label)
        if standing is None:
            continue
        features = run.features()
        parts = _sampled(standing.load_df(run.warehouse), label, features.model_inputs)
        rebuilt = rebuilt_sample(run, standing, features)
        evidence = Evidence(tuple(features.model_inputs), parts, run.settings.guard, rebuilt, families_of(features))
        compared, different = sum(rebuilt.compared.values()), sum(rebuilt.different.values())
        name = f"{label}, as it is; {compared:,} values rebuilt, {different:,} differ"
        found.append(_told(table, name, evidence, ""))
    return found


def _planted(run: Run, table: Table) -> list[tuple[bool, bool]]:
    """Each leak beside the honest features: whether any rule caught it, and whether one did without G1."""
    standing = newest(run.warehouse, PLANTED_ON)
    if standing is None:
        make = f"build_training_set --label {PLANTED_ON} --build"
        raise MissingInput.table(table_of(PLANTED_ON), warehouse=run.warehouse.root, make_with=make)
    leaks, honest = {leak.name: leak for leak in planted()}, tuple(run.features().model_inputs)
    folds = [name for name, leak in leaks.items() if leak.value is not None]
    rows = with_leaks(standing.load_df(run.warehouse), _orders(run), label=PLANTED_ON, leaks=leaks)
    columns = (*honest, *leaks, *(name + TRUNCATED for name in folds))
    whole = _sampled(rows, PLANTED_ON, columns)
    found = []
    for name, leak in leaks.items():
        at = [*range(len(honest)), columns.index(name)]
        parts = {split: replace(part, matrix=part.matrix[:, at]) for split, part in whole.items()}
        allowed = run.settings.guard.model_copy(update={"unverified_allowed": (name,)})
        rebuilt = Rebuilt(compared=dict.fromkeys(honest, 1))
        evidence = Evidence((*honest, name), parts, allowed, rebuilt, families_of(run.features()))
        rebuilt_differs = _caught_by_g1(whole[FIT], columns, name, folds=folds)
        alone = _told(table, f"{name}: {leak.story}", evidence, name, also=("G1",) if rebuilt_differs else ())
        found.append((rebuilt_differs or alone, alone))
    return found


def _caught_by_g1(part: Part, columns: Sequence[str], name: str, *, folds: Sequence[str]) -> bool:
    """A fold by its difference from the same fold of truncated events; what is no fold for want of events."""
    if name not in folds:
        return True
    stored, again = (part.matrix[:, columns.index(one)] for one in (name, name + TRUNCATED))
    return not np.array_equal(stored, again, equal_nan=True)


def _orders(run: Run) -> DataFrame:
    events = run.warehouse.read(source("orders").events_table).where("amount > 0")
    return events.groupBy("customer_id", "order_id").agg(
        F.min("event_time").alias("ordered_at"), F.sum("amount").alias("order_value")
    )


def _sampled(rows: DataFrame, label: str, columns: Sequence[str]) -> dict[str, Part]:
    chosen = labelled_rows(rows, label=label)
    counts = count_splits(chosen, label=label)
    found = {}
    for split in (one for one in SPLITS if one in counts):
        sample = read_sample(chosen, split=split, features=columns, label=label, total=counts[split].rows,
                             at_most=MOST_ROWS)  # fmt: skip
        # Of amounts the guard asks whether there was one at all; of outcomes that changes nothing.
        outcomes = (sample.labels > 0).astype(np.float64)
        found[split] = Part(sample.matrix, outcomes, sample.customers, sample.days)
    return found
