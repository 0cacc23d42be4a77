"""Views and sets of them: which features belong together, checked when they are made, and one fingerprint for all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from featurestore.definitions import AS_OF_DATE, ENGINE, Cell, Derived, Feature, Ranked, fingerprint
from featurestore.errors import ConfigurationError

AnyFeature = Feature | Derived | Ranked | Cell


@dataclass(frozen=True)
class FeatureView:
    """A frozen set of features over one source, stored together as `features_<name>`.

    `judged` derives from places among the population (and from all else), so no model reads it. `aliases` are
    pairs of another name and the feature that it stands for.
    """

    name: str
    source: str
    description: str
    folds: tuple[Feature, ...]
    derived: tuple[Derived, ...] = ()
    ranked: tuple[Ranked, ...] = ()
    cell: Cell | None = None
    judged: tuple[Derived, ...] = ()
    aliases: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        twice = repeated([*self.feature_names, *(alias for alias, _ in self.aliases)])
        if twice:
            raise ConfigurationError(f"view '{self.name}' names features twice: {', '.join(twice)}.")
        for fold in self.folds:
            if fold.window.offset_days < 0:
                raise ConfigurationError(f"feature '{fold.name}' looks at or after its own instant.")
        known = {AS_OF_DATE, *(fold.name for fold in self.folds)}
        refuse_unknown_inputs(self.derived, known)
        for ranked in self.ranked:
            if ranked.feature not in known:
                raise ConfigurationError.unknown_name("feature", ranked.feature, known=known, where=ranked.name)
        refuse_unknown_inputs(self.judged, known | {ranked.name for ranked in self.ranked})
        for alias, name in self.aliases:
            if name not in self.feature_names:
                raise ConfigurationError.unknown_name("feature", name, known=self.feature_names, where=f"alias {alias}")

    @property
    def table(self) -> str:
        return f"features_{self.name}"

    @property
    def features(self) -> tuple[AnyFeature, ...]:
        return (*self.folds, *self.derived, *self.ranked, *([self.cell] if self.cell else []), *self.judged)

    @property
    def feature_names(self) -> list[str]:
        return [feature.name for feature in self.features]

    @property
    def computed(self) -> tuple[Feature | Derived, ...]:
        """What a sweep computes: all features but those among the population."""
        return (*self.folds, *self.derived)

    @property
    def model_inputs(self) -> list[str]:
        """Features that a model may learn from: numbers that are folds, not population state (scores, cells)."""
        return numbers_for_models(self.computed)

    @property
    def fingerprint(self) -> str:
        """Identity of the meaning of all features of the view."""
        return fingerprint([ENGINE, self.source, *[feature.meaning for feature in self.features]])

    @property
    def feature_fingerprints(self) -> dict[str, str]:
        """Identity of each feature's meaning, in order: its own definition and those of the features it reads."""
        found: dict[str, str] = {}
        for feature in self.features:
            inputs = [found.get(name) for name in feature.inputs]
            found[feature.name] = fingerprint([ENGINE, self.source, feature.meaning, *inputs])
        return found


@dataclass(frozen=True)
class FeatureSet:
    """What a model reads: the features of `views`, joined on customer and date, and `derived` across them.

    A customer whom a view has not seen yet reads that view's empty fold.
    """

    name: str
    views: tuple[FeatureView, ...]
    derived: tuple[Derived, ...] = ()

    def __post_init__(self) -> None:
        twice = repeated([*(feature.name for feature in self.features), *(alias for alias, _ in self.aliases)])
        if twice:
            owners = ", ".join(view.name for view in self.views if set(twice) & set(view.feature_names))
            raise ConfigurationError(
                f"feature set '{self.name}': views {owners} share the names {', '.join(twice)}.\n"
                f"  Give one of them another name, for example {self.views[0].name}_{twice[0]}."
            )
        refuse_unknown_inputs(self.derived, {name for view in self.views for name in view.feature_names})

    @property
    def sources(self) -> tuple[str, ...]:
        """Sources that the views fold, each once."""
        return tuple(dict.fromkeys(view.source for view in self.views))

    @property
    def features(self) -> tuple[AnyFeature, ...]:
        return (*(feature for view in self.views for feature in view.features), *self.derived)

    @property
    def aliases(self) -> tuple[tuple[str, str], ...]:
        return tuple(pair for view in self.views for pair in view.aliases)

    @property
    def model_inputs(self) -> list[str]:
        """Features that a model may learn from, in order."""
        return [*(name for view in self.views for name in view.model_inputs), *numbers_for_models(self.derived)]

    @property
    def fingerprint(self) -> str:
        """Identity of the meaning of all features of the set."""
        return fingerprint([*(view.fingerprint for view in self.views), *(d.meaning for d in self.derived)])

    @property
    def feature_fingerprints(self) -> dict[str, str]:
        """Identity of each feature's meaning by name, those of the features that it reads included."""
        found = {name: meant for view in self.views for name, meant in view.feature_fingerprints.items()}
        for one in self.derived:
            found[one.name] = fingerprint([ENGINE, one.meaning, *(found.get(name) for name in one.inputs)])
        return found


def numbers_for_models(features: Iterable[Feature | Derived]) -> list[str]:
    """Names of the features that are numbers and not kept from models."""
    return [one.name for one in features if one.type != "string" and one.for_models]


def resolve(name: str, owner: FeatureView | FeatureSet) -> AnyFeature:
    """The feature of `owner` that `name`, its own or an alias, stands for.

    Raises ConfigurationError with near names for an unknown one.
    """
    features: Mapping[str, AnyFeature] = {feature.name: feature for feature in owner.features}
    aliases = dict(owner.aliases)
    found = features.get(aliases.get(name, name))
    if found is None:
        raise ConfigurationError.unknown_name("feature", name, known=[*features, *aliases], where=owner.name)
    return found


def aliases_of(name: str, owner: FeatureView | FeatureSet) -> list[str]:
    """The other names of the feature called `name`, in the order of their declaration."""
    return [alias for alias, feature in owner.aliases if feature == name]


def repeated(names: Iterable[str]) -> list[str]:
    """The names that occur more than once, sorted.

    >>> repeated(["b", "a", "b"])
    ['b']
    """
    return sorted(name for name, times in Counter(names).items() if times > 1)


def refuse_unknown_inputs(derived: Iterable[Derived], known: set[str]) -> None:
    """ConfigurationError for an input that is neither in `known` nor derived earlier; adds the derived to `known`."""
    for one in derived:
        for name in one.inputs:
            if name not in known:
                raise ConfigurationError.unknown_name("feature", name, known=known, where=one.name)
        known.add(one.name)
