"""A stable number for a customer: chance that is the same in Python and Spark, in every run, everywhere."""

from __future__ import annotations

from hashlib import md5
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import Column

SHARES = 2**32
_HEX_DIGITS = 8


def draw(customer_id: str, *, purpose: str) -> int:
    """A number in [0, SHARES) that depends on the id and on what it is drawn for.

    Draws for different purposes are independent, so that a sample is not the stopping tenth again. The
    formula is the first 32 bits of MD5, which Spark has too (its hash() and xxhash64() have no counterpart in
    Python).

    >>> draw("13085", purpose="a") == draw("13085", purpose="a") != draw("13085", purpose="b")
    True
    """
    digest = md5(f"{purpose}:{customer_id}".encode(), usedforsecurity=False).hexdigest()
    return int(digest[:_HEX_DIGITS], 16)


def draw_column(customer_id: Column, *, purpose: str) -> Column:
    """The same number as a column of type bigint; NULL for a NULL id."""
    from pyspark.sql import functions as F

    digest = F.md5(F.concat(F.lit(f"{purpose}:"), customer_id).cast("binary"))
    return F.conv(F.substring(digest, 1, _HEX_DIGITS), 16, 10).cast("bigint")
