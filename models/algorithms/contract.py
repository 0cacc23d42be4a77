"""What an algorithm is to the rest of Tessera: rows in, a fitted function out, bytes to keep it in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from featurestore.configuration import Strict
from models.logistic import Floats

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Place = Literal["spark", "one machine"]
Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Rows:
    """Rows to learn from, in memory: `matrix` float32 (n, d), NaN for NULL; `labels` float64 (n,), 0/1 or numbers.

    `stop_matrix` (m, d) and `stop_labels` (m,) are never learned from: they end a fit, or set its scale.
    `categorical` are the positions of columns whose numbers are codes of words (`models.vocabulary`). `offsets` (n,)
    and `stop_offsets` (m,), float64, are what is known of each row's margin beforehand, such as the season of its date:
    an algorithm that takes offsets learns the rest, and its margins are those of a row without.
    """

    matrix: Matrix
    labels: Floats
    stop_matrix: Matrix
    stop_labels: Floats
    features: tuple[str, ...]
    categorical: tuple[int, ...] = ()
    offsets: Floats | None = None
    stop_offsets: Floats | None = None


@dataclass(frozen=True)
class FrameRows:
    """Rows to learn from, as a frame: those where the boolean column `stopping` is false, `learned` of them.

    `label` is 0/1 (or a number) without NULLs; `features` are numbers, booleans, or text whose `words` are known; `key`
    names the columns that tell rows apart. `sample` reads a counted sample of the rows on the driver. `offset` names a
    column of offsets as those of `Rows`, if there is one, and `mean` is that of the learned rows' labels.
    """

    frame: DataFrame
    features: tuple[str, ...]
    words: Mapping[str, Sequence[str]]
    label: str
    stopping: str
    key: Sequence[str]
    learned: int
    sample: Callable[[], Rows]
    offset: str | None = None
    mean: float | None = None


@runtime_checkable
class Fitted(Protocol):
    """A fitted model. Each row's result depends on that row alone, however rows are cut into batches."""

    def margins(self, matrix: Matrix) -> Floats:
        """Log-odds (or numbers), float64 (n,), of a float32 matrix (n, d), its columns those of the fit."""
        ...

    def predict(self, matrix: Matrix) -> Floats:
        """Probabilities (or numbers) before calibration, float64 (n,)."""
        ...

    def save(self) -> bytes:
        """All there is to keep; `Algorithm.load` gives a model whose every result is equal to the last bit."""
        ...


@runtime_checkable
class Explained(Protocol):
    """A fitted model that says exactly what each feature adds to the log-odds of each row."""

    def contributions(self, matrix: Matrix) -> Floats:
        """Float64 (n, d), in the order of the columns."""
        ...

    def gains(self, features: int) -> Floats:
        """How much of the fit each of so many features bore, float64 (d,), in any unit."""
        ...


@dataclass(frozen=True)
class Fit:
    """A fitted model and how it came about; `history` is the loss of every iteration by data set."""

    model: Fitted
    rows: int
    best_iteration: int | None = None
    history: Mapping[str, Sequence[float]] = field(default_factory=dict)
    workers: int = 1

    def figures(self) -> dict[str, float]:
        """What a run logs of the fit."""
        found = {"workers": float(self.workers), "rows_learned": float(self.rows)}
        return found if self.best_iteration is None else {**found, "best_iteration": float(self.best_iteration)}


class Algorithm(Protocol):
    """A way to fit: its name, its checked parameters, and where it runs.

    `place` "spark" means that `train` gives it all rows as a frame (`SparkAlgorithm`); one of "one machine" is given a
    sample of `sample_rows` rows.
    """

    @property
    def name(self) -> str: ...

    @property
    def place(self) -> Place: ...

    @property
    def parameters(self) -> Strict: ...

    @property
    def sample_rows(self) -> int | None:
        """Most rows that a fit in memory is given by `train`; None for an algorithm that takes all in Spark."""
        ...

    def fit(self, rows: Rows, *, seed: int) -> Fit:
        """Fit in memory; the same rows, in the same order, with the same seed give the same model."""
        ...

    def load(self, saved: bytes) -> Fitted:
        """The model that `Fitted.save` gave; no code in the bytes is ever run."""
        ...


@runtime_checkable
class SparkAlgorithm(Algorithm, Protocol):
    """One that Spark trains on all rows, wherever they are."""

    def fit_frame(self, rows: FrameRows, *, seed: int) -> Fit:
        """Fit on a frame; the same rows with the same seed, in as many partitions, give the same model."""
        ...
