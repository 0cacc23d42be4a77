"""What a trial is, and the small shop whose inputs are malformed."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DONE, SETTINGS, DATA, PLACE = 0, 2, 3, 4
"""How a command may end (README, exit status); 1 is never right."""
HEADER = "customer,order,line,sku,pieces,price,at"
SHOP: Mapping[str, Any] = {
    "source": "orders",
    "format": "csv",
    "columns": {
        "customer_id": "customer",
        "event_time": "at",
        "order_id": "order",
        "product_id": "sku",
        "quantity": "pieces",
        "unit_price": "price",
        "amount": "round(try_cast(pieces as bigint) * try_cast(price as decimal(18,4)), 2)",
        "is_product": "sku <> 'POST'",
    },
    "identical_rows": "duplicates",
    "time_zone": "Europe/London",
    "time_format": "yyyy-MM-dd HH:mm:ss",
    "quarantined_share_limit": 1,
    "lateness": 0,
}


@dataclass(frozen=True)
class Trial:
    """A malformed input: the `words` of the command that takes it, and the exit statuses that are right for it.

    `rows` are those that the input holds, where the generator knows; `trap` is a file that exists only if the command
    did what the input must not be able to make it do.
    """

    family: str
    kind: str
    words: tuple[str, ...]
    may_end: frozenset[int]
    rows: int | None = None
    trap: Path | None = None


@dataclass(frozen=True)
class Drawing:
    """Chance and a folder of one trial's own; a family draws a trial with it."""

    chance: random.Random
    folder: Path

    def one_of(self, options: Sequence[Any]) -> Any:
        return self.chance.choice(options)

    def write(self, name: str, content: str | bytes) -> str:
        """The path of a new file with this content."""
        path = self.folder / name
        path.write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
        return str(path)

    def shop(self, **changes: Any) -> str:
        """The path of the shop's source file with keys changed."""
        return self.write("shop.yml", json.dumps({**SHOP, **changes}))  # JSON is YAML

    def records(self, most: int = 8) -> list[list[str]]:
        """Between two and `most` faultless order lines, as fields in the order of `HEADER`."""
        return [self._record(number) for number in range(self.chance.randint(2, most))]

    def _record(self, number: int) -> list[str]:
        draw = self.chance
        day, second = f"2024-{draw.randint(1, 5):02}-{draw.randint(1, 28):02}", f"{draw.randint(0, 59):02}"
        return [f"c{draw.randint(1, 30)}", f"o{draw.getrandbits(48):x}", str(number), f"sku{draw.randint(1, 9)}",
                str(draw.randint(1, 9)), f"{draw.randint(1, 99)}.{draw.randint(10, 99)}",
                f"{day} {draw.randint(8, 20):02}:30:{second}"]  # fmt: skip


Family = Callable[[Drawing], Trial]


def ingesting(draw: Drawing, family: str, kind: str, path: str, may_end: set[int], *, rows: int | None = None,
              **changes: Any) -> Trial:  # fmt: skip
    """The trial of feeding the file at `path` to the shop."""
    words = ("ingest", "--source", draw.shop(**changes), "--input", path)
    return Trial(family, kind, words, frozenset(may_end), rows)


def csv_text(records: Sequence[Sequence[str]], *, header: str = HEADER, separator: str = ",") -> str:
    """The lines of a CSV file; nothing is quoted."""
    lines = [header.replace(",", separator), *(separator.join(fields) for fields in records)]
    return "\n".join(lines) + "\n"


def csv_rows(content: str | bytes) -> int:
    """The records that a CSV file of one line a record holds after its header: its lines that are not blank, less one.

    >>> csv_rows(b"a,b\\r\\n1,2\\n\\n \\n3\\r4")
    3
    """
    raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    blank = bytes(range(0x21))  # what Java trims
    return max(0, sum(1 for line in re.split(rb"\r\n|\n|\r", raw) if line.strip(blank)) - 1)
