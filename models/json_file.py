"""A model that is plain values, as one readable JSON file in a folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from models.errors import BrokenModel

Model = TypeVar("Model")


def write_json(file: Path, described: Mapping[str, Any]) -> None:
    """Write plain values, numbers finite, into a file whose folder is made if need be."""
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(described, indent=2, sort_keys=True, allow_nan=False)
    file.write_text(text + "\n", encoding="utf-8")


def read_json(file: Path, make: Callable[[Mapping[str, Any]], Model], *, what: str) -> Model:
    """What `make` makes of the values in a file; BrokenModel, naming `what`, if it is gone or `make` refuses it."""
    try:
        return make(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError) as problem:
        raise BrokenModel.files(what, where=str(file.parent), reason=str(problem)) from problem


def values_of(described: Mapping[str, Any], *, format: int) -> dict[str, Any]:  # noqa: A002 - the key of the file
    """The fields of a model without what `follows` from them; ValueError for another format than the one read."""
    values = {name: value for name, value in described.items() if name != "follows"}
    if values.get("format") != format:
        raise ValueError(f"format {values.get('format')} is not {format}, the one that this version reads")
    return values
