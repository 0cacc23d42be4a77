"""YAML into validated models: an unknown key or a bad value is answered with file, key, value and near names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from featurestore.errors import ConfigurationError, did_you_mean
from featurestore.plain_yaml import plain_yaml

Model = TypeVar("Model", bound=BaseModel)
MOST_SHOWN = 200
UNITS = {"d": "days", "h": "hours", "m": "minutes"}
MOST_DIGITS = 4
"""Of a duration: 27 years of days; dates less some of them are still dates."""
NEVER_SHOWN = "jdbc"
"""The section in which somebody may write a password by mistake: its faults are told without what was found."""


class Strict(BaseModel):
    """Parent of all settings: immutable, no key that means nothing, and numbers that are numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def duration(value: Any) -> timedelta:
    """`0`, or a whole number with d, h or m.

    >>> duration("36h") == timedelta(hours=36)
    True
    """
    found = re.fullmatch(r"(\d+)([dhm])", str(value))
    if found and len(found[1]) <= MOST_DIGITS:
        return timedelta(**{UNITS[found[2]]: int(found[1])})
    if value == 0 and not isinstance(value, bool):
        return timedelta(0)
    raise ValueError("expected 0 or a whole number (up to 9999) of days, hours or minutes such as 2d, 36h, 90m")


Duration = Annotated[timedelta, BeforeValidator(duration)]


def parse_yaml(text: str, *, where: str) -> dict[str, Any]:
    """The mapping that `text` holds (empty text is an empty mapping).

    >>> parse_yaml("seed: 1", where="example.yml")
    {'seed': 1}

    Raises ConfigurationError with line and column where the text is no YAML or no mapping, or more than plain data.
    """
    try:
        loaded = plain_yaml(text)
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{where} is not valid YAML: {error}") from None
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise ConfigurationError(f"{where} must hold 'key: value' lines at its top, not a {type(loaded).__name__}.")
    return loaded


def validated(
    model: type[Model], values: Mapping[str, Any], *, where: str | Callable[[Sequence[str | int]], str]
) -> Model:
    """`values` as a `model`; every fault is reported at once. `where` they are from may depend on the key.

    Raises ConfigurationError with one line a fault: file, key, value, what was expected, near names.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        faults: dict[str, list[str]] = {}
        for fault in error.errors():
            place = where if isinstance(where, str) else where(fault["loc"])
            faults.setdefault(place, []).append(_fault(model, fault))
        lines = [line for place, found in faults.items() for line in (f"{place}:", *found)]
        raise ConfigurationError("\n".join(lines)) from None


def _fault(model: type[BaseModel], fault: Mapping[str, Any]) -> str:
    location: tuple[str | int, ...] = fault["loc"]
    key = ".".join(str(part) for part in location)
    if fault["type"] == "extra_forbidden":
        return f"  {key}: unknown key. {did_you_mean(str(location[-1]), _keys_at(model, location[:-1]))}"
    if fault["type"] == "missing":
        return f"  {key}: required, but not given."
    found = "" if location[:1] == (NEVER_SHOWN,) else f" (found {_shown(fault['input'])})"
    return f"  {key}: {fault['msg']}{found}."


def _shown(value: Any) -> str:
    """A value as it would be written, or its beginning."""
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."


def _keys_at(model: type[BaseModel], location: Iterable[str | int]) -> Iterable[str]:
    """The keys that are valid under `location`, following nested models and containers of models."""
    here: type[BaseModel] | None = model
    for part in location:
        if here is not None and isinstance(part, str) and part in here.model_fields:
            here = _model_in(here.model_fields[part].annotation)
    return here.model_fields if here is not None else ()


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The settings model inside an annotation such as `dict[str, Model]` or `Model | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for arg in get_args(annotation) if (found := _model_in(arg)) is not None), None)
