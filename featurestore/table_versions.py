"""Which versions of which tables a piece of work has read and written, noted while it happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class TableVersions:
    """By table, the version read or committed."""

    read: dict[str, int]
    written: dict[str, int]


@dataclass
class Journal:
    """Notes reads and writes until they are taken; bounded by the number of tables.

    >>> journal = Journal()
    >>> journal.note_read("events_orders", 4)
    >>> journal.note_written("features_orders")
    >>> journal.note_read("features_orders", 9)
    >>> journal.take({"features_orders": 9}.__getitem__)
    TableVersions(read={'events_orders': 4}, written={'features_orders': 9})
    >>> journal.take({}.__getitem__)
    TableVersions(read={}, written={})
    """

    _read: dict[str, int] = field(default_factory=dict)
    _written: set[str] = field(default_factory=set)

    def note_read(self, table: str, version: int) -> None:
        """`table` was read at `version`; what the work wrote itself before is no input of it.

        A plan that is made again after a conflict reads again: the version that the result rests on is the last.
        """
        if table not in self._written:
            self._read[table] = version

    def note_written(self, table: str) -> None:
        """The work committed to `table`."""
        self._written.add(table)

    def take(self, newest: Callable[[str], int]) -> TableVersions:
        """What was noted since the last time, and start anew; `newest` gives the version that a table is at."""
        noted = TableVersions(dict(sorted(self._read.items())), {name: newest(name) for name in sorted(self._written)})
        self._read.clear()
        self._written.clear()
        return noted
