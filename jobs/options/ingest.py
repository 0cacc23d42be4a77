"""Take a file of events in: clean events, quarantine with reasons, counts. Or a file of aliases. Or take a batch back.

./spark-submit.sh ingest --source conf/sources/online_retail_ii.yml --input online_retail_II.csv.gz
./spark-submit.sh ingest --aliases merged_accounts.csv
./spark-submit.sh ingest --retract 3f9a1c7d20b4
"""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job's own options."""
    parser.add_argument("--source", metavar="FILE", help="how to read it: a file like conf/sources/*.yml")
    parser.add_argument("--input", metavar="PATH", help="a file, a folder or a glob")
    parser.add_argument("--aliases", metavar="PATH",
                        help="ids found to be one person: CSV, Parquet or Delta with the columns alias_id, customer_id "
                             "and, if known, known_at")  # fmt: skip
    parser.add_argument("--restore", action="store_true", help="take in again what was taken back")
    parser.add_argument("--retract", metavar="BATCH",
                        help="take a batch back, named by the first digits of its id in ingest_runs, and build the "
                             "snapshots that had seen it again")  # fmt: skip
