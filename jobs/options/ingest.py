"""Take events in, of files or of a database's table: clean events, quarantine with reasons, counts. Or aliases. Or take
a batch back.

./spark-submit.sh ingest --source conf/sources/online_retail_ii.yml --input online_retail_II.csv.gz
./spark-submit.sh ingest --source postgres_events --input jdbc:postgresql://db.example:5432/shop
./spark-submit.sh ingest --aliases merged_accounts.csv
./spark-submit.sh ingest --retract 3f9a1c7d20b4
"""

from __future__ import annotations

import argparse

from jobs.arguments import input_place


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job's own options."""
    parser.add_argument("--source", metavar="FILE", help="how to read it: a file like conf/sources/*.yml")
    parser.add_argument("--input", metavar="PATH_OR_ADDRESS", type=input_place,
                        help="a file, a folder, a glob, or jdbc:postgresql://HOST[:PORT]/DATABASE, whose user and "
                             "password are where the source's configuration says")  # fmt: skip
    parser.add_argument(
        "--accept-columns",
        action="store_true",
        help="columns that are new or of another type than before are right as they are",
    )
    parser.add_argument("--aliases", metavar="PATH",
                        help="ids found to be one person: CSV, Parquet or Delta with the columns alias_id, customer_id "
                             "and, if known, known_at")  # fmt: skip
    parser.add_argument("--restore", action="store_true", help="take in again what was taken back")
    parser.add_argument("--retract", metavar="BATCH",
                        help="take a batch back, named by the first digits of its id in ingest_runs, and build the "
                             "snapshots that had seen it again")  # fmt: skip
