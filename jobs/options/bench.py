"""Measure: every contender on the same data in the same run, results compared first, then times and ratios.

./spark-submit.sh bench readers --warehouse lakehouse --json figures.json
"""

from __future__ import annotations

import argparse
import os

from jobs.arguments import positive

BENCHMARKS = {
    "additions": "what features beyond windows of orders, spend and recency add at rolling as-ofs; a learning curve",
    "backfill": "weekly snapshots x 35 counts and sums, then harder kinds: Tessera, Spark by hand and DuckDB",
    "daily": "one more day after 12, 24 and 36 months of history: Tessera and Spark by hand",
    "erase": "random customers erased from a copy of a warehouse: what is left of them, what changed of the others",
    "faults": "faults on purpose in each writing job, then a rerun: digits changed; goes on where it was stopped",
    "fuzz": "malformed files, settings, queries and names: how each command ends, and what it leaves",
    "guard": "what each rule of the leakage guard catches: two public traps, ten planted leaks, false alarms",
    "late": "1,000 late events: repaired and built anew, equal values",
    "lifetime": "BG/NBD beside its published fit on CDNOW; fold, gather, fit and score as customers grow a hundredfold",
    "line": "ingest to scores over a tenth of the customers, then all: seconds, memory and disk by step, and growth",
    "lookup": "one customer's scores among millions, as files lie and once in order: files opened, seconds by reader",
    "oracle": "written scores of the simulated shop beside its oracle, on the same customers",
    "spine": "35 window features at random instants: Tessera and range joins in Spark and DuckDB",
    "start": "seconds from the command to the end of its first Spark job",
    "profile": "where the seconds of a backfill go: read, shuffle and sort, Arrow, fold, write",
    "reasons": "reasons of a million scores: rows a second, cost of a scoring pass, additivity, agreement with shap",
    "scale": "time and memory of a worker against 1, 5, 20 and 50 times the events",
    "jdbc": "a table of PostgreSQL: whole, what is new, and with the server killed while it is read",
    "pit": "the newest row of a feature table at each instant of a spine: Tessera, Spark by hand and Feast",
    "score": "six heads over made-up customers, reading and writing included: one pass, SparkXGB, one process alone",
    "train": "boosted trees on made-up rows: in processes of Spark against XGBoost alone, loading included",
    "written": "written scores at the date that each model was tested at, beside what the model's report claims",
    "readers": "customer_scores read by Spark, delta-rs and DuckDB: the same rows, the same mean",
}

SIZES = {
    "events": "order lines",
    "customers": "customers that they are of, or that are scored (score)",
    "days": "days that they lie in",
    "dates": "snapshots",
    "rows": "rows of the table (jdbc, pit), of the scores (lookup), to learn from (train), to score (reasons)",
    "columns": "features of a row (train)",
    "trees": "trees of a fit (train, score, reasons)",
    "most": "customers of the largest size that a slope is measured on (score)",
    "asked": "rows of the spine (pit, spine), customers to erase (erase)",
    "trials": "malformed inputs (fuzz); faults in all, those of earlier starts counted (faults)",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job's own options."""
    explained = "; ".join(f"{name}: {what}" for name, what in BENCHMARKS.items())
    parser.add_argument("name", choices=list(BENCHMARKS), metavar="NAME", help=explained)
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    parser.add_argument("--feast", metavar="PYTHON", help="interpreter of a virtual environment with Feast (pit)")
    parser.add_argument("--shap", metavar="PYTHON", help="interpreter of a virtual environment with shap (reasons)")
    parser.add_argument("--input", metavar="FILE", help="CDNOW_sample.txt of the literature (lifetime)")
    parser.add_argument("--kind", action="append", default=[], metavar="KIND",
                        help="these faults only, such as 'disk full', each in every command (faults)")  # fmt: skip
    parser.add_argument("--data", metavar="FOLDER", default=os.environ.get("TESSERA_DATA", "../shared/data"),
                        help="public data sets (guard; default: TESSERA_DATA, else ../shared/data)")  # fmt: skip
    sizes = parser.add_argument_group("sizes of the benchmarks that make up their own events")
    for name, what in SIZES.items():
        sizes.add_argument(f"--{name}", type=positive, metavar="N", help=what)
