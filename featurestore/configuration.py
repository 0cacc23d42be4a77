"""YAML into validated models: an unknown key or a bad value is answered with file, key, value and near names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from featurestore.errors import ConfigurationError, did_you_mean
from featurestore.plain_yaml import plain_yaml

Model = TypeVar("Model", bound=BaseModel)
MOST_SHOWN = 200


class Strict(BaseModel):
    """Parent of all settings: immutable, no key that means nothing, and numbers that are numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


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
    return f"  {key}: {fault['msg']} (found {_shown(fault['input'])})."


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
