"""Where a search may look for parameters of the boosted trees: a range or a list each, checked where it is written."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, model_validator

from featurestore.configuration import Strict
from featurestore.errors import did_you_mean
from models.algorithms.parameters import BoostingSettings

_NOT_SEARCHED = {"num_workers"}  # says where a fit runs, not what it gives
PARAMETERS = tuple(name for name in BoostingSettings.model_fields if name not in _NOT_SEARCHED)


class Range(Strict):
    """Values of one parameter: from `low` to `high`, both included, or one of `choices`.

    `log` draws evenly in the logarithm; `step` keeps to `low`, `low + step`, ... A parameter that is a whole number
    takes whole numbers only.

    >>> Range(low=0.01, high=0.3, log=True).values
    (0.01, 0.3)
    """

    low: int | float | None = None
    high: int | float | None = None
    log: bool = False
    step: int | float | None = Field(default=None, gt=0)
    choices: tuple[int | float, ...] = ()

    @model_validator(mode="after")
    def _means_something(self) -> Range:
        if self.choices:
            if {"low", "high", "log", "step"} & self.model_fields_set:
                raise ValueError("choices stand alone: low, high, log and step belong to a range")
            return self
        if self.low is None or self.high is None:
            raise ValueError("say low and high, or choices")
        if self.low >= self.high:
            raise ValueError(f"low {self.low} is not below high {self.high}")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError("log needs a low above 0 and takes no step")
        return self

    @property
    def values(self) -> tuple[int | float, ...]:
        """The choices, or both ends: what must be legal for all the rest to be."""
        return self.choices or tuple(end for end in (self.low, self.high) if end is not None)


def _of_known_parameters(space: dict[str, Range]) -> dict[str, Range]:
    for name, one in space.items():
        if name not in PARAMETERS:
            raise ValueError(f"unknown parameter '{name}'. {did_you_mean(name, PARAMETERS)}")
        field = BoostingSettings.model_fields[name]
        legal: TypeAdapter = TypeAdapter(Annotated[field.annotation, *field.metadata])  # type: ignore[arg-type]
        steps = (one.step,) if one.step is not None and is_whole(name) else ()
        for value in (*one.values, *steps):
            try:
                legal.validate_python(value)
            except ValidationError as error:
                raise ValueError(f"{name}: {value} cannot be: {error.errors()[0]['msg']}") from None
    return space


SearchSpace = Annotated[dict[str, Range], AfterValidator(_of_known_parameters)]
"""Parameter to its `Range`, for parameters of `BoostingSettings`."""


def is_whole(parameter: str) -> bool:
    """Whether a parameter is a whole number.

    >>> is_whole("max_depth"), is_whole("learning_rate")
    (True, False)
    """
    return BoostingSettings.model_fields[parameter].annotation is int
