"""A process that ends at one of its writes: every way in which ingest writes can be made to do so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from featurestore import file_records, ingest_runs
from featurestore.tables import Warehouse

WRITES = [(Warehouse, "append"), (Warehouse, "insert_new"), (Warehouse, "delete"),
          (ingest_runs, "add_records"), (ingest_runs, "put_records"), (file_records, "put_records")]  # fmt: skip


class Killed(Exception):
    """The process ends here."""


@contextmanager
def killed_at(monkeypatch: pytest.MonkeyPatch, number: int, *, after: bool) -> Iterator[None]:
    """Within it the write of that number (from 0) ends the process, before or after it commits; it must come."""
    places = iter(range(100))

    def dying(write: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **named: Any) -> Any:
            place = next(places)
            if place == number and not after:
                raise Killed
            done = write(*arguments, **named)
            if place == number:
                raise Killed
            return done

        return wrapped

    with monkeypatch.context() as patched, pytest.raises(Killed):
        for owner, name in WRITES:
            patched.setattr(owner, name, dying(getattr(owner, name)))
        yield
