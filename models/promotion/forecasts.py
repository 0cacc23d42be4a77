"""What two models said of the same rows, side by side; rows that differ are refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from featurestore.errors import DataContractError
from models.logistic import Floats


class UnequalRows(DataContractError):
    """Two models were judged on rows that are not the same."""

    @classmethod
    def keys(cls, only_challenger: int, only_champion: int) -> UnequalRows:
        return cls(
            "champion and challenger were not judged on the same rows: "
            f"{only_challenger} are the challenger's alone, {only_champion} the champion's alone.\n"
            "  Nothing has been decided. Build the training set again and run promote."
        )


@dataclass(frozen=True)
class Forecast:
    """What one model said: `customers` (n,) ids, `days` datetime64[D] (n,), `labels` 0/1 and `probabilities` (n,)."""

    customers: NDArray[np.object_]
    days: NDArray[np.datetime64]
    labels: Floats
    probabilities: Floats

    @property
    def as_ofs(self) -> tuple[date, ...]:
        """The dates of its rows, earliest first."""
        return tuple(day.item() for day in np.unique(self.days))

    def at(self, as_ofs: Sequence[date]) -> Forecast:
        """Its rows of these dates, ordered by date and customer."""
        ids = self.customers.astype(str)
        order = np.lexsort((ids, self.days))
        chosen = order[np.isin(self.days[order], np.array(as_ofs, dtype="datetime64[D]"))]
        return Forecast(self.customers[chosen], self.days[chosen], self.labels[chosen], self.probabilities[chosen])


NOBODY = Forecast(np.array([], object), np.array([], "datetime64[D]"), np.zeros(0), np.zeros(0))


def together(parts: Sequence[Forecast]) -> Forecast:
    """The rows of all forecasts as one; none of none.

    >>> together([]).as_ofs
    ()
    """
    every = [NOBODY, *parts]
    return Forecast(*(np.concatenate([getattr(one, name) for one in every]) for name in Forecast.__dataclass_fields__))


@dataclass(frozen=True)
class Pair:
    """Probabilities `ours` and `theirs` of the same rows; arrays (n,) as in `Forecast`."""

    customers: NDArray[np.object_]
    days: NDArray[np.datetime64]
    labels: Floats
    ours: Floats
    theirs: Floats

    @property
    def as_ofs(self) -> tuple[date, ...]:
        """The dates of its rows, earliest first."""
        return tuple(day.item() for day in np.unique(self.days))


def paired(challenger: Forecast, champion: Forecast) -> Pair:
    """Both at the dates that both have; UnequalRows unless keys and labels there are the same.

    >>> days = np.array(["2011-10-10", "2011-10-10"], dtype="datetime64[D]")
    >>> one = Forecast(np.array(["b", "a"], object), days, np.array([1.0, 0.0]), np.array([0.9, 0.1]))
    >>> two = Forecast(np.array(["a", "b"], object), days, np.array([0.0, 1.0]), np.array([0.2, 0.8]))
    >>> paired(one, two).ours.tolist(), paired(one, two).theirs.tolist()
    ([0.1, 0.9], [0.2, 0.8])
    """
    common = sorted(set(challenger.as_ofs) & set(champion.as_ofs))
    ours, theirs = challenger.at(common), champion.at(common)
    mine, its = _rows(ours), _rows(theirs)
    if mine != its:
        raise UnequalRows.keys(len(set(mine) - set(its)), len(set(its) - set(mine)))
    return Pair(ours.customers, ours.days, ours.labels, ours.probabilities, theirs.probabilities)


def _rows(of: Forecast) -> list[tuple[object, ...]]:
    return list(zip(of.customers.tolist(), of.days.tolist(), of.labels.tolist(), strict=True))
