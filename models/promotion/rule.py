"""When a challenger is better: five rules, each with its figure, its limit and whether it holds. A tie is a no."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from models.evaluate import evaluate
from models.intervals import Interval, paired_intervals
from models.promotion.forecasts import Pair
from models.tasks import Gate

ONE_SIDED = 0.90
"""The middle share whose lower end is a one-sided 95 % bound."""


@dataclass(frozen=True)
class Check:
    """One rule: what it asks, the figure, its limit, and whether it holds."""

    rule: str
    asks: str
    figure: float
    limit: float
    holds: bool

    def __str__(self) -> str:
        """For people.

        >>> print(Check("b", "worst gain of an as-of", -0.0031, -0.002, False))
        (b) fails: worst gain of an as-of -0.0031, limit -0.0020
        """
        return f"({self.rule}) {'holds' if self.holds else 'fails'}: {self.asks} {self.figure:.4f}, " \
               f"limit {self.limit:.4f}"  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """A pair judged: the checks, and what was measured beside them, by as-of too."""

    checks: tuple[Check, ...]
    figures: Mapping[str, float]

    @property
    def is_better(self) -> bool:
        """Whether every rule holds."""
        return bool(self.checks) and all(check.holds for check in self.checks)

    @property
    def reasons(self) -> tuple[str, ...]:
        """The checks in words: those that fail where any does."""
        failing = [check for check in self.checks if not check.holds]
        return tuple(map(str, failing or self.checks))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"checks": [asdict(check) for check in self.checks], "figures": dict(self.figures)}


@dataclass(frozen=True)
class Standing:
    """What rule (e) reads beside the rows: the guard's word, and the shares of incoherent scores with either model."""

    guard: str
    incoherent: float = 0.0
    incoherent_before: float = 0.0


def shortfalls(metrics: Mapping[str, float], gate: Gate) -> tuple[str, ...]:
    """Test figures beyond what the gate expects of them, in words: they are said and decide nothing.

    >>> shortfalls({"auc": 0.731}, Gate(least_auc=0.74))
    ('on the test auc is 0.731, the task expects 0.74 at least',)
    """
    found = []
    for name, least in (("auc", gate.least_auc), ("spearman", gate.least_spearman)):
        if least is not None and name in metrics and metrics[name] < least:
            found.append(f"on the test {name} is {metrics[name]:.3f}, the task expects {least:g} at least")
    ratio = metrics.get("sum_ratio")
    if gate.sum_ratio is not None and ratio is not None and not gate.sum_ratio[0] <= ratio <= gate.sum_ratio[1]:
        low, high = gate.sum_ratio
        found.append(f"on the test sum_ratio is {ratio:.3f}, the task expects {low:g} to {high:g}")
    return tuple(found)


def judged(pair: Pair, gate: Gate, standing: Standing, *, seed: int) -> Comparison:
    """All five rules over `pair`, ours against theirs; fewer than `gate.as_ofs` dates are no evidence."""
    if not pair.as_ofs:
        return Comparison((_enough(pair, gate),), {})
    bounds = _bounds(pair, gate, seed=seed, of=("log_loss", "auc"))
    by_date, (ours, theirs) = _gains(pair), _calibration_errors(pair)
    auc = bounds.get("auc_gain", _NOTHING)
    checks = (
        _enough(pair, gate),
        *_gain_checks(bounds, gate),
        _at_least("b", "worst log-loss gain of an as-of", min(by_date.values()), gate.worst_as_of),
        _at_least("c", "lower bound of the AUC difference", auc.low, gate.auc_noninferiority),
        Check("d", "ECE10 above the champion's", ours - theirs, gate.ece_slack, ours - theirs <= gate.ece_slack),
        *_standing_checks(standing, gate),
    )
    return Comparison(checks, _figures(pair, bounds, by_date, ours, theirs))


def gained(pair: Pair, gate: Gate, *, seed: int) -> Comparison:
    """Rule (a) alone, over a `pair` with rows: what a first champion must pass against each rival."""
    bounds = _bounds(pair, gate, seed=seed, of=("log_loss",))
    return Comparison(_gain_checks(bounds, gate), _figures(pair, bounds, _gains(pair), *_calibration_errors(pair)))


_NOTHING = Interval(0.0, 0.0, 0.0)


def _bounds(pair: Pair, gate: Gate, *, seed: int, of: Sequence[str]) -> dict[str, Interval]:
    return paired_intervals(pair.labels, pair.ours, pair.theirs, pair.customers, draws=gate.draws, seed=seed,
                            level=ONE_SIDED, within=pair.days, of=of)  # fmt: skip


def _gain_checks(bounds: Mapping[str, Interval], gate: Gate) -> tuple[Check, Check]:
    gain = bounds.get("log_loss_gain", _NOTHING)
    return (
        _at_least("a", "mean log-loss gain", gain.figure, gate.least_gain),
        Check("a", "lower bound of the log-loss gain", gain.low, 0.0, gain.low > 0),
    )


def _at_least(rule: str, asks: str, figure: float, limit: float) -> Check:
    return Check(rule, asks, figure, limit, figure >= limit)


def _enough(pair: Pair, gate: Gate) -> Check:
    return _at_least("rows", "as-ofs that both were judged at:", len(pair.as_ofs), gate.as_ofs)


def _standing_checks(standing: Standing, gate: Gate) -> tuple[Check, Check]:
    passed = standing.guard.startswith("passed")
    more = standing.incoherent - standing.incoherent_before
    return (
        Check("e", f"the leakage guard ({standing.guard}):", float(passed), 1.0, passed),
        Check("e", "share of scores made coherent above the champion's", more, gate.ece_slack,
              more <= gate.ece_slack),
    )  # fmt: skip


def _gains(pair: Pair) -> dict[str, float]:
    """Log-loss gain by ISO as-of."""
    found = {}
    for day in pair.as_ofs:
        at = pair.days == np.datetime64(day)
        theirs, ours = (evaluate(pair.labels[at], p[at]).log_loss for p in (pair.theirs, pair.ours))
        found[day.isoformat()] = (theirs or 0.0) - (ours or 0.0)
    return found


def _calibration_errors(pair: Pair) -> tuple[float, float]:
    """Mean ECE10 over the as-ofs, ours and theirs."""
    dates = [pair.days == np.datetime64(day) for day in pair.as_ofs]
    found = [[evaluate(pair.labels[at], p[at]).ece10 or 0.0 for at in dates] for p in (pair.ours, pair.theirs)]
    return float(np.mean(found[0])), float(np.mean(found[1]))


def _figures(
    pair: Pair, bounds: Mapping[str, Interval], by_date: Mapping[str, float], ours: float, theirs: float
) -> dict[str, float]:
    found = {"rows": float(len(pair.labels)), "as_ofs": float(len(pair.as_ofs)), "ece10": ours, "ece10_before": theirs}
    for name in ("log_loss_gain", "auc_gain"):
        if name in bounds:
            found |= {name: bounds[name].figure, f"{name}_lower": bounds[name].low}
    found |= {f"log_loss_gain_{day}": gain for day, gain in by_date.items()}
    return found
