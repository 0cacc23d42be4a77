"""All registered versions, whatever their head: what each was fitted on, as far as its run says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from models.tracking import open_store, sqlite_file

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_OF_DATES = re.compile(r"dates_\w+|as_of|earlier")


@dataclass(frozen=True)
class Version:
    """A registered version: of which model, the aliases that it holds, and the last date (ISO) that it has seen."""

    model: str
    version: str
    aliases: tuple[str, ...]
    last_day: str


def versions_since(tracking_uri: str, day: str) -> list[Version]:
    """The versions that may have learned from events of `day` (ISO) or later: fitted or judged on a later date.

    Of a version whose run does not say its dates nobody can tell: it is among them, its `last_day` "". No store is
    made where there is none.
    """
    file = sqlite_file(tracking_uri)
    if file is not None and not file.is_file():
        return []
    client = open_store(tracking_uri)
    found = []
    for model in _all(client.search_registered_models):
        for one in _all(partial(client.search_model_versions, f"name = '{model.name}'")):
            last = last_day(dict(client.get_run(one.run_id).data.params) if one.run_id else {})
            if not last or last > day:
                held = client.get_model_version(model.name, one.version).aliases
                found.append(Version(model.name, str(one.version), tuple(sorted(held)), last))
    return sorted(found, key=lambda one: (one.model, int(one.version)))


def _all(search: Callable[..., Any]) -> Iterator[Any]:
    """All that a search of MLflow finds, page by page."""
    token = None
    while True:
        page = search(page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def last_day(parameters: dict[str, str]) -> str:
    """The latest of the dates that the parameters of a run name, "" for none.

    >>> last_day({"dates_fit": "2024-01-01 to 2024-03-01", "dates_test": "2024-06-01", "trees": "400"})
    '2024-06-01'
    """
    told = " ".join(value for name, value in parameters.items() if _OF_DATES.fullmatch(name))
    return max(_DAY.findall(told), default="")
