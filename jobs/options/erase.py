"""Take customers out of every table, raw copy and former version of the warehouse, prove it, and sign a receipt.

TESSERA_ERASURE_KEY=... ./spark-submit.sh erase --customer 13085 13086
./spark-submit.sh erase --file ids.txt --set erasure.key_file=/etc/tessera.key
./spark-submit.sh erase --verify lakehouse/receipts/erasure-3f9a1c7d20b4.json --customer 13085

All ids of a person go, those that aliases name, too. Nothing changes of anyone else. Older versions of the tables are
gone afterwards: training sets built before say that they cannot be replayed. No later batch brings the customers back.
Interrupted, the same command, or `erase` alone, ends it. Do not let others read the warehouse meanwhile.
"""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job's own options."""
    parser.add_argument("--customer", metavar="ID", nargs="+", default=[], help="ids of customers")
    parser.add_argument("--file", metavar="FILE", help="ids, one a line")
    parser.add_argument("--dry-run", action="store_true", help="say what would go, and write nothing")
    parser.add_argument("--verify", metavar="RECEIPT",
                        help="check the signature of a receipt, and whether it covers the ids given")  # fmt: skip
