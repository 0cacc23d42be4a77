"""Derived features: pure functions on Arrow arrays, the same in the sweep, as Arrow UDF and in SQL.

NULL in, NULL out; a quotient whose divisor is 0 is NULL.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def same(values: pa.Array) -> pa.Array:
    """The feature itself, under the name that the field knows it by."""
    return values


def ratio(numerator: pa.Array, denominator: pa.Array) -> pa.Array:
    """numerator / denominator as doubles; NULL where the denominator is 0.

    >>> ratio(pa.array([1.0, 1.0, None]), pa.array([2.0, 0.0, 2.0])).to_pylist()
    [0.5, None, None]
    """
    below = pc.cast(denominator, pa.float64())
    above = pc.cast(numerator, pa.float64())
    return pc.divide(above, pc.if_else(pc.equal(below, 0.0), pa.scalar(None, pa.float64()), below))


def difference(minuend: pa.Array, subtrahend: pa.Array) -> pa.Array:
    """minuend - subtrahend.

    >>> difference(pa.array([30.0, None]), pa.array([10.0, 1.0])).to_pylist()
    [20.0, None]
    """
    return pc.subtract(minuend, subtrahend)


def least(*values: pa.Array) -> pa.Array:
    """The smallest of several values of a row, NULLs skipped; NULL where all are.

    >>> least(pa.array([3.0, None, None]), pa.array([5.0, 2.0, None])).to_pylist()
    [3.0, 2.0, None]
    """
    return pc.min_element_wise(*values)


def overdue_ratio(recency_days: pa.Array, gap_mean_days: pa.Array) -> pa.Array:
    """Days since the last order in units of the customer's own mean gap; above 1 is overdue.

    >>> overdue_ratio(pa.array([42.0]), pa.array([21.0])).to_pylist()
    [2.0]
    """
    return ratio(recency_days, gap_mean_days)


def trend(recent: pa.Array, longer: pa.Array, recent_days: int, longer_days: int) -> pa.Array:
    """Rate over the last `recent_days` over the rate in the days before them, up to `longer_days` back.

    >>> trend(pa.array([3]), pa.array([4]), 30, 60).to_pylist()
    [3.0]
    """
    now, both = pc.cast(recent, pa.float64()), pc.cast(longer, pa.float64())
    rate_now = pc.divide(now, float(recent_days))
    rate_before = pc.divide(pc.subtract(both, now), float(longer_days - recent_days))
    return ratio(rate_now, rate_before)


def trend_7d_vs_14d(recent: pa.Array, longer: pa.Array) -> pa.Array:
    """`trend` of a 7 day window against the 7 days before it."""
    return trend(recent, longer, 7, 14)


def trend_30d_vs_60d(recent: pa.Array, longer: pa.Array) -> pa.Array:
    """`trend` of a 30 day window against the 30 days before it."""
    return trend(recent, longer, 30, 60)


def trend_30d_vs_90d(recent: pa.Array, longer: pa.Array) -> pa.Array:
    """`trend` of a 30 day window against the 60 days before it."""
    return trend(recent, longer, 30, 90)


def trend_90d_vs_180d(recent: pa.Array, longer: pa.Array) -> pa.Array:
    """`trend` of a 90 day window against the 90 days before it."""
    return trend(recent, longer, 90, 180)


def acceleration(recent: pa.Array, before: pa.Array, earlier: pa.Array) -> pa.Array:
    """How the change grew over three windows of equal length: (recent - before) - (before - earlier), as doubles.

    >>> acceleration(pa.array([7]), pa.array([4]), pa.array([3])).to_pylist()
    [2.0]
    """
    now, then, first = (pc.cast(values, pa.float64()) for values in (recent, before, earlier))
    return pc.subtract(pc.subtract(now, then), pc.subtract(then, first))


def signed_log(values: pa.Array) -> pa.Array:
    """ln(1 + |v|) with the sign of v: the log form of amounts that may be 0 or negative.

    >>> signed_log(pa.array([0.0, 1.718281828459045, -1.718281828459045])).to_pylist()
    [0.0, 1.0, -1.0]
    """
    numbers = pc.cast(values, pa.float64())
    return pc.multiply(pc.sign(numbers), pc.log1p(pc.abs(numbers)))


def yearly(amount: pa.Array, tenure_days: pa.Array) -> pa.Array:
    """An amount a year of tenure; a tenure below one mean month counts as a month, so that newcomers do not explode.

    >>> yearly(pa.array([100.0, 100.0]), pa.array([730.5, 0.0])).to_pylist()
    [50.0, 1200.0]
    """
    years = pc.divide(pc.max_element_wise(tenure_days, MEAN_MONTH_DAYS, skip_nulls=False), YEAR_DAYS)
    return ratio(amount, years)


def minutes(days: pa.Array) -> pa.Array:
    """Days as minutes.

    >>> minutes(pa.array([0.5])).to_pylist()
    [720.0]
    """
    return pc.multiply(days, 1440.0)


def share_of_months(active_months: pa.Array, tenure_days: pa.Array) -> pa.Array:
    """Calendar months with an order over the months that the tenure touches at least (days / 30.44, up, plus 1).

    >>> share_of_months(pa.array([2]), pa.array([45.0])).to_pylist()
    [0.6666666666666666]
    """
    return ratio(active_months, pc.add(pc.ceil(pc.divide(tenure_days, MEAN_MONTH_DAYS)), 1.0))


def share_of_year(active_months: pa.Array, tenure_days: pa.Array) -> pa.Array:
    """`share_of_months` over the last 365 days, or the tenure where that is shorter."""
    return share_of_months(active_months, pc.min_element_wise(tenure_days, 365.0))


def number(text: pa.Array) -> pa.Array:
    """A text as a double; NULL where it is no plain decimal number.

    >>> number(pa.array(["-1.5", "12", "1,234", "", None])).to_pylist()
    [-1.5, 12.0, None, None, None]
    """
    plain = pc.match_substring_regex(text, r"^-?[0-9]{1,15}(\.[0-9]{1,6})?$")
    return pc.cast(pc.if_else(plain, text, pa.scalar(None, pa.string())), pa.float64())


def age(birth_year: pa.Array, as_of_date: pa.Array) -> pa.Array:
    """The year of as_of less the year of birth, as doubles.

    >>> age(pa.array([1980.0]), pa.array([19_800], pa.date32())).to_pylist()
    [44.0]
    """
    return pc.subtract(pc.cast(pc.year(as_of_date), pa.float64()), birth_year)


YEAR_DAYS = 365.25
MEAN_MONTH_DAYS = YEAR_DAYS / 12
