"""Numbers as people say them: rounded, with their unit, thousands apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pyarrow as pa

from models.logistic import Floats

WHOLE, NUMBER, SHARE, MONEY, YEAR, YES_OR_NO, TEXT = "whole", "number", "share", "money", "year", "yes_or_no", "text"
# Decimals are lost where they say nothing: three digits are as many as anyone reads.
_DIGITS = 3


@dataclass(frozen=True)
class Form:
    """How a value is said: its `kind`, and the `unit` that follows the number, "" for none."""

    kind: str = NUMBER
    unit: str = ""

    def said(self, values: Floats) -> pa.Array:
        """Texts of known values, float64 (n,) to string (n,): each distinct rounded value is written once.

        >>> Form(NUMBER, "orders").said(np.array([3.0, 1.0, 2.336, 12345.6])).to_pylist()
        ['3 orders', '1 order', '2.34 orders', '12,300 orders']
        >>> Form(SHARE).said(np.array([0.356])).to_pylist(), Form(MONEY, "GBP").said(np.array([-1249.5])).to_pylist()
        (['36 %'], ['GBP -1,250'])
        """
        rounded = _ROUNDED[self.kind](values) + 0.0  # no -0
        distinct, places = np.unique(rounded, return_inverse=True)
        write = _WRITTEN[self.kind]
        return pa.array([write(one, self.unit) for one in distinct.tolist()], pa.string()).take(pa.array(places))


def form_of(kind: str, *, unit: str, type: str, currency: str) -> Form:  # noqa: A002 - the catalogue's word
    """The form of a feature's values by its unit and type; of another `kind` if one is named.

    >>> form_of("", unit="currency a year", type="double", currency="GBP")
    Form(kind='money', unit='GBP a year')
    >>> form_of("", unit="ratio", type="double", currency="GBP"), form_of("whole", unit="days", type="", currency="")
    (Form(kind='number', unit=''), Form(kind='whole', unit=''))
    """
    if type in _BY_TYPE:
        return Form(_BY_TYPE[type])
    if kind:
        return Form(kind, currency if kind == MONEY else "")
    if unit.startswith("currency"):
        return Form(MONEY, unit.replace("currency", currency))
    if unit in (SHARE, YEAR):
        return Form(unit)
    is_scale = unit == "ratio" or any(character.isdigit() for character in unit)
    return Form(WHOLE if unit == "days" else NUMBER, "" if is_scale else unit)


_BY_TYPE = {"boolean": YES_OR_NO, "string": TEXT}


def _to_digits(values: Floats) -> Floats:
    """Rounded to the digits that are read, ones at the finest where there are as many before the point."""
    size = np.floor(np.log10(np.maximum(np.abs(values), 1.0)))
    scale = 10.0 ** (size + 1 - _DIGITS)
    # By whole numbers only, so that values that are said alike are equal.
    finer, coarser = np.round(1 / np.minimum(scale, 1.0)), np.round(np.maximum(scale, 1.0))
    return np.round(values * finer / coarser) * coarser / finer


def _money(values: Floats) -> Floats:
    return np.where(np.abs(values) < 10, np.round(values, 2), np.round(_to_digits(values)))


_ROUNDED: Mapping[str, Callable[[Floats], Floats]] = MappingProxyType({
    WHOLE: np.round, NUMBER: _to_digits, SHARE: lambda values: np.round(100 * values), MONEY: _money,
    YEAR: np.round, YES_OR_NO: lambda values: np.asarray(values != 0, dtype=np.float64),
})  # fmt: skip


def _with_unit(value: float, unit: str) -> str:
    number = f"{value:,.0f}" if value == int(value) else f"{value:,.2f}".rstrip("0")
    if not unit:
        return number
    return f"{number} {unit.removesuffix('s') if value == 1 else unit}"


def _with_currency(value: float, unit: str) -> str:
    currency, _, each = unit.partition(" ")
    amount = f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"
    return " ".join(filter(None, (currency, amount, each)))


_WRITTEN: Mapping[str, Callable[[float, str], str]] = MappingProxyType({
    WHOLE: _with_unit, NUMBER: _with_unit, MONEY: _with_currency,
    SHARE: lambda value, _: f"{value:,.0f} %", YEAR: lambda value, _: f"{value:.0f}",
    YES_OR_NO: lambda value, _: "yes" if value else "no",
})  # fmt: skip
KINDS = tuple(_WRITTEN)
