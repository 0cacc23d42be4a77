"""How far scores moved since the published date before them, and whether that may become the newest view."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from scipy.stats import chi2

from featurestore.errors import DataContractError
from models.publication.portrait import LEVEL, PROBABILITIES, Distribution, Portrait
from models.publication.settings import Levels, PublicationSettings
from models.risk import LOWEST_RISK, RISK_LEVELS

WARN, STOP = "warn", "stop"
PUBLISHED, ANYWAY, STOPPED = "published", "published anyway", "stopped"
BY_CHANCE = 0.99
MOST_SHOWN = 12
LEVELS = (*(name for _, name in RISK_LEVELS), LOWEST_RISK)
INDEX = "population stability index"
WHOLE = "all columns"


@dataclass(frozen=True)
class Finding:
    """A `measure` of a `column` that moved by `shift`, beyond the `bound` that its `level` (warn, stop) begins at.

    `earlier` and `now` are what it was and is. `setting` names the bound.
    """

    level: str
    column: str
    measure: str
    earlier: float
    now: float
    shift: float
    bound: float
    setting: str

    def __str__(self) -> str:
        return (f"{self.column}, {self.measure}: was {self.earlier:,.4g}, is {self.now:,.4g}; moved by "
                f"{self.shift:.3g}, limit {self.bound:.3g} (publication.{self.setting}.{self.level})")  # fmt: skip


def judged(now: Portrait, before: Portrait | None, limits: PublicationSettings, *, part: bool = False) -> list[Finding]:
    """All shifts beyond a limit, those that stop first; nothing to say of a first date.

    `part` says that only some customers were scored at the date, and that `before` is of the same ones: their number
    says nothing then. A score that nobody had before is new and is not judged. Limits are those for the days between.
    """
    if before is None:
        return []
    limits = limits.over((now.as_of - before.as_of).days)
    found = [*_customers(now, before, limits, part=part), *_scores(now, before, limits), *_levels(now, before, limits)]
    return sorted(found, key=lambda one: one.level != STOP)


def stability_index(earlier: Mapping[int, int], now: Mapping[int, int]) -> float:
    """Population stability index of two counts by bin; an empty bin counts as half a customer.

    >>> round(stability_index({0: 50, 1: 50}, {0: 80, 1: 20}), 4)
    0.4159
    """
    was, is_now = sum(earlier.values()), sum(now.values())
    index = 0.0
    for place in {*earlier, *now}:
        p, q = max(earlier.get(place, 0), 0.5) / was, max(now.get(place, 0), 0.5) / is_now
        index += (q - p) * math.log(q / p)
    return index


def index_by_chance(earlier: Mapping[int, int], now: Mapping[int, int]) -> float:
    """What the index stays below in 99 of 100 draws from one population.

    Under no shift it is (1/n + 1/m) times a chi-square of as many degrees as bins less one (Yurdakul and Naranjo,
    Journal of Risk Model Validation 14(4), 2020).

    >>> round(index_by_chance({0: 50, 1: 50}, {0: 80, 1: 20}), 3)
    0.133
    """
    free = len({*earlier, *now}) - 1
    if free < 1:
        return 0.0
    return float(chi2.ppf(BY_CHANCE, free)) * (1 / sum(earlier.values()) + 1 / sum(now.values()))


def _customers(now: Portrait, before: Portrait, limits: PublicationSettings, *, part: bool) -> Iterator[Finding]:
    if part or not before.customers:
        return
    moved = now.customers / before.customers - 1
    levels, setting = (limits.fewer_customers, "fewer_customers") if moved < 0 else (
        limits.more_customers, "more_customers")  # fmt: skip
    yield from _beyond(levels, setting, column=WHOLE, measure="customers, as a share",
                       earlier=before.customers, now=now.customers, shift=abs(moved))  # fmt: skip


def _scores(now: Portrait, before: Portrait, limits: PublicationSettings) -> Iterator[Finding]:
    for column, earlier in before.scores.items():
        one = now.scores.get(column, Distribution(nulls=now.customers))
        if not earlier.scored:
            continue
        yield from _beyond(limits.null_share, "null_share", column=column, measure="share without a score",
                           earlier=earlier.null_share, now=one.null_share)  # fmt: skip
        if one.scored:
            yield from _distribution(column, earlier, one, limits)


def _distribution(
    column: str, earlier: Distribution, now: Distribution, limits: PublicationSettings
) -> Iterator[Finding]:  # fmt: skip
    index = stability_index(earlier.counts, now.counts)
    excess = max(index - index_by_chance(earlier.counts, now.counts), 0.0)
    yield from _beyond(limits.stability_index, "stability_index", column=column, measure=f"{INDEX} beyond chance",
                       earlier=0.0, now=index, shift=excess)  # fmt: skip
    was, mean = earlier.mean or 0.0, now.mean or 0.0
    if column in PROBABILITIES:
        yield from _beyond(limits.mean_probability, "mean_probability", column=column, measure="mean",
                           earlier=was, now=mean)  # fmt: skip
    elif was:
        # Half is as far as twice.
        moved = max(mean / was, was / mean) - 1 if mean > 0 else math.inf
        yield from _beyond(limits.mean_amount, "mean_amount", column=column, measure="mean, factor less one",
                           earlier=was, now=mean, shift=moved)  # fmt: skip


def _levels(now: Portrait, before: Portrait, limits: PublicationSettings) -> Iterator[Finding]:
    was, is_now = (sum(one.count(LEVEL, level) for level in LEVELS) for one in (before, now))
    if not was or not is_now:
        return
    for level in LEVELS:
        yield from _beyond(limits.level_share, "level_share", column=LEVEL, measure=f"share of {level}",
                           earlier=before.count(LEVEL, level) / was, now=now.count(LEVEL, level) / is_now)  # fmt: skip


def _beyond(
    levels: Levels, setting: str, *, column: str, measure: str, earlier: float, now: float, shift: float | None = None
) -> Iterable[Finding]:  # fmt: skip
    """The finding of the graver level that `shift`, else the difference, lies beyond; none within both."""
    moved = abs(now - earlier) if shift is None else shift
    for level, bound in ((STOP, levels.stop), (WARN, levels.warn)):
        if bound is not None and moved > bound:
            return (Finding(level, column, measure, float(earlier), float(now), moved, bound, setting),)
    return ()


class StoppedPublication(DataContractError):
    """Scores moved further than the settings allow: they are written, and the newest view is as it was."""

    @classmethod
    def of(cls, as_of: date, *, since: date | None, findings: Sequence[Finding], warehouse: str) -> StoppedPublication:
        stopping = [one for one in findings if one.level == STOP]
        many = "shift" if len(stopping) == 1 else "shifts"
        return cls("\n".join([
            f"a stopped publication: the scores of {as_of} moved too far since {since} ({len(stopping)} {many}):",
            *(f"  {one}" for one in stopping[:MOST_SHOWN]),
            *([f"  ... and {len(stopping) - MOST_SHOWN} more."] if len(stopping) > MOST_SHOWN else []),
            f"  customer_scores holds them under {as_of}; customer_scores_latest is as it was.",
            f"  If the customers did change: ./spark-submit.sh score --as-of {as_of} --publish-anyway --warehouse "
            f"{warehouse}",
            "  If not, mend what was ingested, or go back (promote --rollback --label NAME), and score again.",
        ]))  # fmt: skip
