"""What has become of stored snapshots: the batches that each has not seen, and whom these touch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from featurestore.views import FeatureView


@dataclass(frozen=True)
class IngestedBatch:
    """What a reader must know of a batch: its rank, its earliest event (None if it added none), and from which
    version of the events table on it is there (or, taken back, is there no more).

    The rank does not tell who has seen a batch: one that was interrupted keeps its rank when it ends, later. Of a
    batch of aliases `events_version` is the version of their table, and the earliest event one of those ids'.
    """

    batch_seq: int
    first_event_time: datetime | None
    events_version: int
    is_taken_back: bool = False
    of_aliases: bool = False

    def changes(self, as_of: date) -> bool:
        """Whether any of its events lies strictly before midnight UTC of `as_of`."""
        return self.first_event_time is not None and self.first_event_time.date() < as_of


@dataclass(frozen=True)
class Unseen:
    """Ranks of batches: of the source, and of the aliases."""

    batch_seqs: frozenset[int] = frozenset()
    aliases: frozenset[int] = frozenset()

    @classmethod
    def of(cls, batches: Iterable[IngestedBatch]) -> Unseen:
        """The ranks of some batches."""
        ranks = [(batch.of_aliases, batch.batch_seq) for batch in batches]
        return cls(*(frozenset(rank for kind, rank in ranks if kind is of_aliases) for of_aliases in (False, True)))

    def __bool__(self) -> bool:
        return bool(self.batch_seqs or self.aliases)

    def __and__(self, other: Unseen) -> Unseen:
        return Unseen(self.batch_seqs & other.batch_seqs, self.aliases & other.aliases)

    def __str__(self) -> str:
        """As a part of a reason.

        >>> str(Unseen(frozenset({2, 3}), frozenset({1})))
        'batch 2, 3 and batch 1 of aliases'
        """
        both = [(self.batch_seqs, ""), (self.aliases, " of aliases")]
        return " and ".join(f"batch {', '.join(map(str, sorted(ranks)))}{whose}" for ranks, whose in both if ranks)


@dataclass(frozen=True)
class Listed:
    """A snapshot that was complete when it was listed: by which definition, from which version of the events and of
    the aliases (-1: from none).
    """

    as_of_date: date
    fingerprint: str
    rows: int
    events_version: int
    aliases_version: int = -1

    def unseen(self, ingested: Sequence[IngestedBatch]) -> Unseen:
        """The batches that came later and have events before it; it is stale if there are any."""
        return Unseen.of(batch for batch in ingested if self._lacks(batch) and batch.changes(self.as_of_date))

    def _lacks(self, batch: IngestedBatch) -> bool:
        return batch.events_version > (self.aliases_version if batch.of_aliases else self.events_version)


@dataclass(frozen=True)
class Stored:
    """What there is of a view: by feature the fingerprint of its values, the dates with rows, and what is listed."""

    features: Mapping[str, str]
    dates: frozenset[date] = frozenset()
    listed: tuple[Listed, ...] = ()

    def is_of(self, view: FeatureView) -> bool:
        """Whether its columns are those of `view` as it is defined now, in order."""
        return list(self.features.items()) == list(view.feature_fingerprints.items())

    def complete(self, view: FeatureView, ingested: Sequence[IngestedBatch]) -> set[date]:
        """Dates that are complete as `view` is defined now and have seen every batch with events before them."""
        own = [one for one in self.listed if one.fingerprint == view.fingerprint] if self.is_of(view) else []
        return {one.as_of_date for one in own if not one.unseen(ingested)}


@dataclass(frozen=True)
class Late:
    """What a snapshot has not seen: events before it, aliases declared since; and the customers whom either touches."""

    events: int
    customers: int
    aliases: int = 0

    def __str__(self) -> str:
        """As a reason.

        >>> str(Late(events=1_200, customers=1))
        '1,200 late events of 1 customer before it'
        >>> str(Late(events=0, customers=2, aliases=1)), str(Late(events=1, customers=5, aliases=2))
        ('1 new alias of 2 customers', '1 late event and 2 new aliases of 5 customers before it')
        """
        events = [_counted(self.events, "late event")] if self.events or not self.aliases else []
        aliases = [_counted(self.aliases, "new alias", "new aliases")] if self.aliases else []
        where = " before it" if events else ""
        return f"{' and '.join([*events, *aliases])} of {_counted(self.customers, 'customer')}{where}"


def _counted(number: int, noun: str, nouns: str = "") -> str:
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"
