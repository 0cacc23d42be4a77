"""G6 and what else rows can show: test rows seen before, keys in two splits, identifiers, jumps of the rate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.guard.evidence import Evidence, Matrix, Part
from models.guard.findings import Finding
from models.splits import FIT, STOP, TEST

_SURE = 4.0  # standard errors
_FEWEST = 50


def repeats(evidence: Evidence) -> list[Finding]:
    """G6: feature vectors of test rows that a fitted or stopping row has too, identifiers left aside."""
    if TEST not in evidence.parts:
        return []
    names = {one.feature for one in identifiers(evidence)}
    columns = [at for at, name in enumerate(evidence.features) if name not in names]
    seen = [_vectors(evidence.parts[name].matrix[:, columns]) for name in (FIT, STOP) if name in evidence.parts]
    tested = _vectors(evidence.parts[TEST].matrix[:, columns])
    if len(tested) == 0 or not columns:
        return []
    share, limit = float(np.isin(tested, np.concatenate(seen)).mean()), evidence.settings.repeated_share
    words = f"{share:.1%} of the test rows have the features of a row that was learned from (limit {limit:.0%})"
    return [Finding("G6", "", share, limit, True, words)] if share > limit else []


def keys_twice(evidence: Evidence) -> list[Finding]:
    """The same customer and date in two splits, or twice in one."""
    keys = [_keys(part) for part in evidence.parts.values()]
    every = np.concatenate(keys)
    twice = len(every) - len(np.unique(every))
    words = f"{twice} rows have a customer and date that another row, of this or another split, has too"
    return [Finding("KEYS", "", twice, 0, True, words)] if twice else []


def identifiers(evidence: Evidence) -> list[Finding]:
    """Whole numbers that tell customers apart, the same at all dates of a customer: nothing to learn from."""
    customers = evidence.fit.customers.astype(str)
    _, first, who = np.unique(customers, return_index=True, return_inverse=True)
    found = []
    for at, name in enumerate(evidence.features):
        values = evidence.fit.matrix[:, at]
        if len(first) < _FEWEST or not np.all(np.isfinite(values)) or np.any(values != np.round(values)):
            continue
        share = len(np.unique(values[first])) / len(first)
        if share >= evidence.settings.identifier_share and np.array_equal(values[first][who], values):
            words = f"'{name}' is an identifier: {share:.1%} of the customers have a whole number of their own"
            found.append(Finding("ID", name, share, evidence.settings.identifier_share,
                                 not evidence.is_verified(name), words))  # fmt: skip
    return found


def rate_jumps(evidence: Evidence) -> list[Finding]:
    """Splits whose rate of the outcome is far from the fitted rows', in log-odds and beyond chance; reported."""
    fitted, limit = evidence.fit.labels, evidence.settings.rate_jump
    found = []
    for name, part in evidence.parts.items():
        if name == FIT or len(part.labels) == 0:
            continue
        jump, error = _log_odds(part.labels) - _log_odds(fitted), _error(part.labels, fitted)
        if abs(jump) > limit and abs(jump) > _SURE * error:
            words = (f"the outcome's rate is {part.labels.mean():.1%} in split '{name}' and {fitted.mean():.1%} on the "
                     f"fitted rows: {jump:+.2f} in log-odds (limit {limit:g})")  # fmt: skip
            found.append(Finding("RATE", "", abs(jump), limit, False, words))
    return found


def too_good(evidence: Evidence, auc: float | None) -> list[Finding]:
    """G6: an AUC that behaviour does not allow."""
    limit = evidence.settings.test_auc
    if auc is None or auc < limit:
        return []
    return [Finding("G6", "", auc, limit, True, f"the model has an AUC of {auc:.3f} on later rows (limit {limit:g})")]


def _vectors(matrix: Matrix) -> NDArray[np.void]:
    plain = np.ascontiguousarray(np.where(np.isnan(matrix), np.float32(np.nan), matrix) + np.float32(0.0))
    return plain.view(np.dtype((np.void, plain.dtype.itemsize * max(plain.shape[1], 1)))).ravel()


def _keys(part: Part) -> NDArray[np.str_]:
    # A date has a fixed width, so that no two keys are written the same way.
    return np.char.add(np.datetime_as_string(part.days.astype("datetime64[D]")), part.customers.astype(str))


def _log_odds(labels: NDArray[np.float64]) -> float:
    positives = labels.sum()
    return float(np.log((positives + 0.5) / (len(labels) - positives + 0.5)))


def _error(*parts: NDArray[np.float64]) -> float:
    return float(np.sqrt(sum(1 / (one.sum() + 0.5) + 1 / (len(one) - one.sum() + 0.5) for one in parts)))
