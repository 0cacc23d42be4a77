"""What to look up for the rows of a spine: from which table, which features, at which instant, under which names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from featurestore.errors import ConfigurationError
from featurestore.views import repeated

MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class FeatureLookup:
    """Features of one table or view for each row of a spine, as of the instant in its column `as_of`.

    `table_name` is a table made by `create_table`, or a view: "orders", "interactions", ... `features` are some of
    its features (default: all). `lookup_key` names the columns of the spine that hold its keys, in their order
    (default: those of the same names). `rename` maps a feature to the name that it is to have. On tables a row
    older than `max_age` is not found; a view is folded exactly at the instant, so that it has no age.

    >>> FeatureLookup("orders", features="recency_days").features
    ('recency_days',)
    """

    table_name: str
    features: Sequence[str] | None = None
    lookup_key: Sequence[str] | None = None
    as_of: str = "as_of"
    rename: Mapping[str, str] = field(default_factory=dict)
    max_age: timedelta | None = None

    def __post_init__(self) -> None:
        for name in ("features", "lookup_key"):
            object.__setattr__(self, name, _names(getattr(self, name)))
        if self.max_age is not None and self.max_age < timedelta(0):
            raise ConfigurationError(f"lookup on '{self.table_name}': max_age {self.max_age} lies in the future.")
        if self.features is not None and repeated(self.features):
            raise ConfigurationError(f"lookup on '{self.table_name}' names {', '.join(repeated(self.features))} twice.")

    def by_own_names(self, aliases: Mapping[str, str]) -> FeatureLookup:
        """The same lookup with features by their own names, each put out under the alias that was asked for.

        >>> lookup = FeatureLookup("orders", ["total_spent"]).by_own_names({"total_spent": "amount_sum_lifetime"})
        >>> lookup.features, lookup.rename
        (('amount_sum_lifetime',), {'amount_sum_lifetime': 'total_spent'})
        """
        asked = {name: aliases[name] for name in self.features or () if name in aliases}
        if not asked:
            return self
        features = [asked.get(name, name) for name in self.features or ()]
        given = {asked.get(name, name): output for name, output in self.rename.items()}
        return replace(self, features=features, rename={**{own: name for name, own in asked.items()}, **given})

    def outputs(self, available: Sequence[str]) -> dict[str, str]:
        """Feature to output name, in order; `available` are the features that the table has.

        >>> FeatureLookup("t", ["b"], rename={"b": "c"}).outputs(["a", "b"])
        {'b': 'c'}

        Raises ConfigurationError with near names for an unknown feature.
        """
        chosen = list(available) if self.features is None else list(self.features)
        for name in chosen:
            if name not in available:
                raise ConfigurationError.unknown_name("feature", name, known=available, where=f"'{self.table_name}'")
        for name in self.rename:
            if name not in chosen:
                raise ConfigurationError.unknown_name("feature", name, known=chosen, where="rename")
        return {name: self.rename.get(name, name) for name in chosen}

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `from_dict` reads them back.

        >>> lookup = FeatureLookup("t", ["a"], max_age=timedelta(days=1))
        >>> FeatureLookup.from_dict(lookup.to_dict()) == lookup
        True
        """
        return {
            "table_name": self.table_name,
            "features": None if self.features is None else list(self.features),
            "lookup_key": None if self.lookup_key is None else list(self.lookup_key),
            "as_of": self.as_of,
            "rename": dict(self.rename),
            "max_age_us": None if self.max_age is None else self.max_age // MICROSECOND,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FeatureLookup:
        """The lookup that `to_dict` described."""
        age = values["max_age_us"]
        rest = {name: value for name, value in values.items() if name != "max_age_us"}
        return cls(**rest, max_age=None if age is None else age * MICROSECOND)


def refuse_equal_names(spine: Iterable[str], lookups: Sequence[tuple[FeatureLookup, Mapping[str, str]]]) -> None:
    """ConfigurationError where two columns of the result would have one name; it says whose and how to rename.

    Names are compared as Spark compares them, without regard to case.
    """
    owners = {name.lower(): (0, "the spine") for name in spine}
    faults = []
    for place, (lookup, outputs) in enumerate(lookups, start=1):
        own = (place, f"lookup {place} on '{lookup.table_name}'")
        for feature, name in outputs.items():
            owner = owners.setdefault(name.lower(), own)
            if owner != own or _is_repeated(name, outputs):
                faults.append(f"  '{name}': {owner[1]} and {own[1]}. Give one of them another name: "
                              f"rename={{'{feature}': '{lookup.table_name}_{feature}'}}")  # fmt: skip
    if faults:
        raise ConfigurationError("\n".join(["two columns cannot have one name:", *faults]))


def _is_repeated(name: str, outputs: Mapping[str, str]) -> bool:
    return [one.lower() for one in outputs.values()].count(name.lower()) > 1


def _names(given: str | Iterable[str] | None) -> tuple[str, ...] | None:
    return (given,) if isinstance(given, str) else None if given is None else tuple(given)
