"""Texts of many reasons at once: one feature after another, each of its sentences for all rows that it applies to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.logistic import Floats
from models.reasons.wording import Slot, Spoken, Worded

Places = NDArray[np.intp]
OTHER_WORD = "another"
"""What is said of a word that the fitted rows did not have among their frequent ones."""


@dataclass(frozen=True)
class Values:
    """What a model met: `matrix` float32 (n, d), its columns `features`, those of text codes of their `words`."""

    matrix: NDArray[np.float32]
    features: tuple[str, ...]
    words: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def numbers(self, feature: str, at: Places) -> Floats:
        """Float64 of the rows `at`, NaN for NULL and for what is a word.

        Of all doubles that are the same in single precision it is the one of fewest digits: 1234.56 stays that.
        """
        if feature in self.words:
            return np.full(len(at), np.nan)
        return self._of(feature, at).astype(str).astype(np.float64)

    def known(self, feature: str, at: Places) -> NDArray[np.bool_]:
        """Where there is a value."""
        return ~np.isnan(self._of(feature, at))

    def said(self, slot: Slot, at: Places) -> pa.Array:
        """The texts of the values of rows `at`, all known."""
        if slot.feature in self.words:
            known = pa.array([*self.words[slot.feature], OTHER_WORD], pa.string())
            return known.take(pa.array(self._of(slot.feature, at).astype(np.int64)))
        return slot.form.said(self.numbers(slot.feature, at))

    def _of(self, feature: str, at: Places) -> NDArray[np.float32]:
        return self.matrix[at, self.features.index(feature)]


def texts_of(feature: str, worded: Worded, values: Values, *, at: Places, raises: NDArray[np.bool_]) -> pa.Array:
    """What is said of `feature` in the rows `at`, string (n,); `raises` says where its family raised the score."""
    own, known = values.numbers(feature, at), values.known(feature, at)
    left = np.flatnonzero(known)
    found: list[tuple[Places, pa.Array]] = []
    for spoken in worded.sentences:
        applies = _applies(spoken, values, at[left], own[left], raises[left])
        found.append((left[applies], _rendered(spoken, values, at[left[applies]])))
        left = left[~applies]
    without = np.concatenate([np.flatnonzero(~known), left])
    found.append((without, pa.repeat(pa.scalar(worded.missing, pa.string()), len(without))))
    return in_places(found)


def in_places(parts: Iterable[tuple[Places, pa.Array]]) -> pa.Array:
    """Arrays put where their places say; together the places are 0 to n - 1.

    >>> in_places([(np.array([2, 0]), pa.array(["c", "a"])), (np.array([1]), pa.array(["b"]))]).to_pylist()
    ['a', 'b', 'c']
    """
    chosen = list(parts)
    order = np.argsort(np.concatenate([places for places, _ in chosen]), kind="stable")
    return pa.concat_arrays([array for _, array in chosen]).take(pa.array(order))


def _applies(
    spoken: Spoken, values: Values, at: Places, own: Floats, raises: NDArray[np.bool_]
) -> NDArray[np.bool_]:  # fmt: skip
    holds = np.ones(len(at), dtype=np.bool_)
    bounds: tuple[tuple[float | None, Callable[[Floats, float], NDArray[np.bool_]]], ...] = (
        (spoken.at_least, np.greater_equal), (spoken.below, np.less)
    )  # fmt: skip
    for bound, compare in bounds:
        if bound is not None:
            holds &= compare(own, bound)
    if spoken.raises is not None:
        holds &= raises == spoken.raises
    for name in spoken.named:
        holds &= values.known(name, at)
    return holds


def _rendered(spoken: Spoken, values: Values, at: Places) -> pa.Array:
    if len(at) == 0:
        return pa.array([], pa.string())
    columns = [values.said(part, at) if isinstance(part, Slot) else pa.scalar(part) for part in spoken.parts]
    if not spoken.named:
        return pa.repeat(pa.scalar("".join(map(str, spoken.parts)), pa.string()), len(at))
    return pc.binary_join_element_wise(*columns, "")
