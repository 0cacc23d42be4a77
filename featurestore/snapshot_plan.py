"""What a build of snapshots must do, and why: decided from what is recorded, before any event is folded.

A date that nobody has built is folded. A date that late events or new aliases made stale is repaired: only their
customers are folded again. Where the view has changed, the stored dates are extended: only what is new is folded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from featurestore.definitions import Derived, Feature
from featurestore.staleness import IngestedBatch, Late, Listed, Stored, Unseen
from featurestore.views import FeatureView, repeated

REPAIR_SHARE = 0.25
"""Of a snapshot's customers, the share above which folding all of them is the cheaper way to repair it.

Both ways read all events and write all rows. A repair saves the shuffle, sort and fold of the customers that it
carries over, and pays for finding the others and for reading the old rows.
"""
SKIPPED_SHARE = 0.25
"""Of the days with events, the share below which not reading the oldest is not worth reading who was seen in them."""
NAMES_SHOWN = 3
NOTHING_UNSEEN = Unseen()


@dataclass(frozen=True)
class Repair:
    """Stale snapshots that miss the same batches, and the most rows that one of them has."""

    dates: tuple[date, ...]
    unseen: Unseen
    rows: int

    def is_worthwhile(self, late: Late) -> bool:
        """Whether carrying the other customers over beats folding everyone."""
        return late.customers <= REPAIR_SHARE * self.rows


@dataclass(frozen=True)
class Recent:
    """Events from `since` on, which are all that the windows reach; `seen_at`, a complete snapshot in `table` not
    before it, names everyone who had an event earlier.
    """

    since: date
    seen_at: date
    table: str = field(compare=False)
    """Any view over the source will do: at one date they name the same customers."""


@dataclass(frozen=True)
class Pass:
    """One sweep: what is folded at which dates; of customers whom `unseen` batches touch, or of all if empty; from
    all events before the dates, or from the recent ones.
    """

    dates: tuple[date, ...]
    folds: tuple[Feature, ...]
    derived: tuple[Derived, ...]
    unseen: Unseen = NOTHING_UNSEEN
    recent: Recent | None = None

    @property
    def names(self) -> list[str]:
        """The features that it computes."""
        return [*(fold.name for fold in self.folds), *(one.name for one in self.derived)]


def group_of(passes: Sequence[Pass]) -> Pass | None:
    """One sweep that does several; None where their customers or dates differ or a name would be there twice."""
    first, names = passes[0], [name for one in passes for name in one.names]
    alike = {(one.dates, one.unseen, one.recent) for one in passes}
    if len(alike) > 1 or repeated(names):
        return None
    folds = tuple(fold for one in passes for fold in one.folds)
    return replace(first, folds=folds, derived=tuple(derived for one in passes for derived in one.derived))


@dataclass(frozen=True)
class Planned:
    """What happens to one date of a view: `complete`, `fold`, `repair` or `extend`, and why."""

    view: str
    as_of_date: date
    how: str
    reason: str


@dataclass(frozen=True)
class Plan:
    """What makes `view` complete at the dates asked for.

    `fold`: dates for which everything is folded, and why. `repairs`: dates of which some customers are. `extend`:
    stored dates whose `kept` features stay as they are while the others are folded. `complete`: left alone.
    `fresh`: all dates that are complete, asked for or not; `first_event`: when the source begins.
    """

    view: FeatureView
    complete: tuple[date, ...]
    fold: Mapping[date, str]
    repairs: tuple[Repair, ...] = ()
    extend: tuple[date, ...] = ()
    kept: frozenset[str] = frozenset()
    is_another_generation: bool = False
    change: str = ""
    fresh: frozenset[date] = frozenset()
    first_event: date | None = None

    @property
    def dates(self) -> tuple[date, ...]:
        """All dates that are written, ascending."""
        repaired = [day for repair in self.repairs for day in repair.dates]
        return tuple(sorted([*self.fold, *repaired, *self.extend]))

    @property
    def folding(self) -> Pass | None:
        """The sweep over everyone."""
        dates = tuple(sorted(self.fold))
        return Pass(dates, self.view.folds, self.view.derived, recent=self._recent(dates)) if dates else None

    def _recent(self, dates: tuple[date, ...]) -> Recent | None:
        """What a sweep for `dates` needs to read where no feature reaches the first event; None: everything."""
        reach = reach_days(self.view.folds)
        earlier = [day for day in self.fresh if day < dates[0]]
        if reach is None or not earlier or self.first_event is None:
            return None
        recent = Recent(min(max(earlier), dates[0] - timedelta(days=reach)), max(earlier), self.view.table)
        skipped, all_days = recent.since - self.first_event, dates[-1] - self.first_event
        return recent if skipped >= SKIPPED_SHARE * all_days else None

    def repairing(self, repair: Repair) -> Pass:
        """The sweep over the customers that a repair touches."""
        return Pass(repair.dates, self.view.folds, self.view.derived, repair.unseen)

    @property
    def extending(self) -> Pass | None:
        """The sweep over everyone of what the stored dates lack, with what it derives from."""
        needed = {one.name for one in self.view.computed} - self.kept
        for one in reversed(self.view.derived):
            if one.name in needed:
                needed |= set(one.inputs)
        folds = tuple(fold for fold in self.view.folds if fold.name in needed)
        derived = tuple(one for one in self.view.derived if one.name in needed)
        return Pass(self.extend, folds, derived) if self.extend and folds else None

    @property
    def passes(self) -> list[Pass]:
        """All sweeps of the plan."""
        found = [self.folding, *map(self.repairing, self.repairs), self.extending]
        return [one for one in found if one is not None]

    def settled(self, late: Mapping[date, Late]) -> Plan:
        """With the repairs that are not worthwhile, by the late events before each date, turned into folds."""
        too_many = [repair for repair in self.repairs if not repair.is_worthwhile(late[repair.dates[-1]])]
        folds = {day: f"{late[day]}, too many to repair" for repair in too_many for day in repair.dates}
        kept = tuple(repair for repair in self.repairs if repair not in too_many)
        return replace(self, fold={**self.fold, **folds}, repairs=kept)

    def explained(self, late: Mapping[date, Late]) -> Iterator[Planned]:
        """What happens to each date, by date, of a settled plan."""
        repairs = {day: str(late[day]) for repair in self.repairs for day in repair.dates}
        ways = {
            "complete": dict.fromkeys(self.complete, "left alone"),
            "fold": self.fold,
            "repair": repairs,
            "extend": dict.fromkeys(self.extend, self.change),
        }
        found = [
            Planned(self.view.name, day, how, reason)
            for how, reasons in ways.items()
            for day, reason in reasons.items()
        ]
        yield from sorted(found, key=lambda one: one.as_of_date)


def make_plan(view: FeatureView, wanted: Sequence[date], *, stored: Stored, ingested: Sequence[IngestedBatch]) -> Plan:
    """What makes `view` complete at `wanted`; whether a repair is worthwhile is settled once its events are counted.

    After a change of the view all stored dates that have seen every batch are extended, so that the table has one
    definition only; the other stored dates are dropped. Nothing is kept of a view of which no feature is the same.
    """
    dates = sorted(set(wanted))
    listed = {one.as_of_date: one for one in stored.listed}
    fresh = {day for day, one in listed.items() if day in stored.dates and not one.unseen(ingested)}
    is_own = {day: one.fingerprint == view.fingerprint for day, one in listed.items()}
    if not stored.is_of(view) or not all(is_own[day] for day in fresh):
        return _another_generation(view, dates, stored=stored, fresh=fresh)
    complete = stored.complete(view, ingested)
    stale = [day for day in dates if is_own.get(day) and day in stored.dates and day not in complete]
    gone = Unseen.of(batch for batch in ingested if batch.is_taken_back)
    repairs: dict[Unseen, list[Listed]] = {}
    fold = {day: "never built" for day in dates if day not in complete and day not in stale}
    for day in stale:
        unseen = listed[day].unseen(ingested)
        if unseen & gone:  # whose they were is not in the tables any more
            fold[day] = f"{unseen & gone} taken back"
        else:
            repairs.setdefault(unseen, []).append(listed[day])
    return Plan(
        view,
        complete=tuple(day for day in dates if day in complete),
        fold=fold,
        repairs=tuple(
            Repair(tuple(one.as_of_date for one in group), unseen, max(one.rows for one in group))
            for unseen, group in repairs.items()
        ),
        fresh=frozenset(complete & stored.dates),
        first_event=min(
            (b.first_event_time.date() for b in ingested if b.first_event_time and not b.of_aliases), default=None
        ),
    )


def reach_days(folds: Sequence[Feature]) -> int | None:
    """How many days back the furthest window begins; None where a feature folds the whole past."""
    days = [None if fold.window.days is None else fold.window.days + fold.window.offset_days for fold in folds]
    return None if None in days else max(day for day in days if day is not None)


def _another_generation(view: FeatureView, dates: Sequence[date], *, stored: Stored, fresh: set[date]) -> Plan:
    now, change = view.feature_fingerprints, change_in_words(stored.features, view.feature_fingerprints)
    kept = frozenset(name for name, meaning in now.items() if stored.features.get(name) == meaning)
    extend = tuple(sorted(fresh)) if kept else ()
    return Plan(
        view,
        complete=(),
        fold={day: change if stored.listed else "never built" for day in dates if day not in extend},
        extend=extend,
        kept=kept,
        is_another_generation=True,
        change=change,
    )


def change_in_words(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Which features one definition has other than another; both name to fingerprint, in order.

    >>> change_in_words({"a": "1", "b": "2"}, {"b": "3", "c": "4"})
    'definition changed: added c; removed a; changed b'
    >>> change_in_words({"a": "1"}, {"a": "1"})
    'definition changed: features in another order'
    """
    parts = {
        "added": [name for name in now if name not in before],
        "removed": [name for name in before if name not in now],
        "changed": [name for name in now if name in before and before[name] != now[name]],
    }
    said = "; ".join(f"{what} {_shortened(names)}" for what, names in parts.items() if names)
    return f"definition changed: {said or 'features in another order'}"


def _shortened(names: Sequence[str]) -> str:
    more = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
