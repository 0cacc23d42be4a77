"""What a model looks at: gain of its trees, loss without a feature, and exact contributions to single rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.algorithms.contract import Explained, Matrix
from models.amounts import spearman
from models.bundle import Bundle
from models.evaluate import log_loss
from models.logistic import Floats

NO_FAMILY = "other"
MOST_ROWS = 5_000
MOST_SHUFFLED = 20
_DRAWS = 3


@dataclass(frozen=True)
class Importance:
    """One feature, or one family of them.

    `shuffled` is the rise of the log loss (nats), or of amounts the fall of the rank correlation, where its values are
    dealt out anew among the rows; `contribution` the mean size of what it adds to a row's margin: log-odds, or the
    expected root of an amount; `gain` its share of the trees' gain. None where the algorithm has no such figure.
    """

    name: str
    shuffled: float | None
    contribution: float | None
    gain: float | None


@dataclass(frozen=True)
class Importances:
    """All features and all families, the most important first, on a sample of rows.

    `matrix` are the rows that were looked at, float32 (n, d); `contributions` what each feature adds to each row's
    margin before calibration, float64 (n, d), None where the algorithm cannot say it exactly.
    """

    features: tuple[Importance, ...]
    families: tuple[Importance, ...]
    matrix: Matrix
    contributions: Floats | None


def importances(
    bundle: Bundle, matrix: Matrix, labels: Floats, *, families: Mapping[str, str], seed: int
) -> Importances:
    """Importance on at most `MOST_ROWS` rows, drawn by the seed: of each feature, and of the features of a family.

    matrix: float32 (n, d); labels: 0/1, or amounts where the bundle expects those, (n,).

    Features that stand for the same thing share its importance, and shuffling one alone understates both: families
    are shuffled as a whole. Contributions are exact TreeSHAP values (Lundberg et al. 2020) where there are trees of
    XGBoost. Of the features only the `MOST_SHUFFLED` that contribute most are shuffled; all, where none is known to.
    """
    chance = np.random.default_rng(seed)
    rows = np.sort(chance.permutation(len(labels))[:MOST_ROWS])
    seen, outcomes = matrix[rows], labels[rows]
    model = bundle.fitted
    explained = model if isinstance(model, Explained) else None
    contributions = None if explained is None else explained.contributions(seen)
    sizes = None if contributions is None else np.abs(contributions).mean(axis=0)
    gains = None if explained is None else _shares(explained.gains(len(bundle.features)))
    shuffle = _Shuffles(bundle, seen, outcomes, chance, _disorder if bundle.is_amount else log_loss)

    first = range(len(bundle.features)) if sizes is None else np.argsort(-sizes, kind="stable")[:MOST_SHUFFLED]
    risen = {int(at): shuffle.rise([int(at)]) for at in first}
    found = [Importance(name, risen.get(at), _at(sizes, [at]), _at(gains, [at]))
             for at, name in enumerate(bundle.features)]  # fmt: skip
    grouped = [Importance(name, shuffle.rise(places), _together(contributions, places), _at(gains, places))
               for name, places in _by_family(bundle.features, families)]  # fmt: skip
    return Importances(_ordered(found), _ordered(grouped), seen, contributions)


@dataclass(frozen=True)
class _Shuffles:
    bundle: Bundle
    matrix: Matrix
    labels: Floats
    chance: np.random.Generator
    loss: Callable[[Floats, Floats], float]

    def rise(self, places: Sequence[int]) -> float:
        """What the loss is more where these columns are dealt out anew, together; the mean of a few deals."""
        whole = self.loss(self.labels, self.bundle.predict(self.matrix))
        return float(np.mean([self._dealt(places) for _ in range(_DRAWS)])) - whole

    def _dealt(self, places: Sequence[int]) -> float:
        other = self.matrix.copy()
        other[:, places] = self.matrix[self.chance.permutation(len(other))][:, places]
        return self.loss(self.labels, self.bundle.predict(other))


def _disorder(amounts: Floats, forecasts: Floats) -> float:
    """How far the order of customers is off. No error in currency: that falls where forecasts shrink to a median."""
    return -(spearman(amounts, forecasts) or 0.0)


def _by_family(features: Sequence[str], families: Mapping[str, str]) -> Iterator[tuple[str, list[int]]]:
    named = [families.get(name, NO_FAMILY) for name in features]
    for family in dict.fromkeys(named):
        yield family, [at for at, name in enumerate(named) if name == family]


def _at(values: Floats | None, places: Sequence[int]) -> float | None:
    return None if values is None else float(values[list(places)].sum())


def _together(contributions: Floats | None, places: Sequence[int]) -> float | None:
    """Mean size of what features add together: theirs may cancel."""
    return None if contributions is None else float(np.abs(contributions[:, list(places)].sum(axis=1)).mean())


def _shares(gains: Floats) -> Floats:
    return gains / gains.sum() if gains.sum() > 0 else gains


def _ordered(found: Sequence[Importance]) -> tuple[Importance, ...]:
    def size(one: Importance) -> float:
        known = one.contribution if one.contribution is not None else one.shuffled
        return -(known or 0.0)

    return tuple(sorted(found, key=size))
