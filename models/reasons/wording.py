"""Phrases bound to the features that there are: of each its family, its sentences, and what is said without a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from featurestore.definitions import YEAR_OF_WEEKS, Feature, Window
from featurestore.errors import ConfigurationError, did_you_mean
from featurestore.views import AnyFeature
from models.reasons.numbers import Form, form_of
from models.reasons.phrases import OWN, WINDOW, Phrases, parts_of, words_a_cause


@dataclass(frozen=True)
class Slot:
    """A place in a sentence for the value of a feature."""

    feature: str
    form: Form


@dataclass(frozen=True)
class Spoken:
    """A sentence of literals and slots, and when it is said; None asks nothing."""

    parts: tuple[str | Slot, ...]
    raises: bool | None = None
    at_least: float | None = None
    below: float | None = None

    @property
    def named(self) -> tuple[str, ...]:
        """The features whose values it names."""
        return tuple(part.feature for part in self.parts if isinstance(part, Slot))


@dataclass(frozen=True)
class Worded:
    """What is said of one feature: the first of `sentences` that applies, `missing` where it has no value."""

    family: str
    sentences: tuple[Spoken, ...]
    missing: str


@dataclass(frozen=True)
class Wording:
    """By feature, what is said of it; at most `families` a customer, none that moved the log-odds less than `least`."""

    features: Mapping[str, Worded]
    families: int = 3
    least: float = 0.01

    def of(self, features: Iterable[str]) -> Wording:
        """Of these features alone, with sentences that name no other."""
        known = tuple(features)
        return replace(
            self, features={name: _within(self.features.get(name) or unknown(name), known) for name in known}
        )


def _within(worded: Worded, features: tuple[str, ...]) -> Worded:
    return replace(worded, sentences=tuple(one for one in worded.sentences if set(one.named) <= set(features)))


def unknown(name: str) -> Worded:
    """What is said of a feature that no view describes: a column of a table of one's own."""
    return Worded(name, (Spoken((f"{_plain(name)}: ", Slot(name, Form()))),), f"{_plain(name)}: not known")


def wording(
    phrases: Phrases, features: Iterable[AnyFeature], *, currency: str, where: str, families: int, least: float
) -> Wording:
    """`phrases` bound to all features that there are.

    Raises ConfigurationError, naming `where`, for a pattern that matches none, a sentence that names an unknown
    feature, and one with a window for a feature that has none.
    """
    known = {one.name: one for one in features}
    taken = {id(phrases.of(name)) for name in known}
    for phrase in phrases.phrases:
        if id(phrase) not in taken:
            raise ConfigurationError(f"{where}: no feature is told by the phrase of '{phrase.of}': none matches it, or "
                                     f"others match more precisely. {did_you_mean(phrase.of, known)}")  # fmt: skip
    binder = _Binder(phrases, known, currency, where)
    return Wording({name: binder.bound(one) for name, one in known.items()}, families, least)


@dataclass(frozen=True)
class _Binder:
    phrases: Phrases
    known: Mapping[str, AnyFeature]
    currency: str
    where: str

    def bound(self, feature: AnyFeature) -> Worded:
        phrase = self.phrases.of(feature.name)
        sentences = [Spoken(self._parts(one.say, feature), one.raises, one.at_least, one.below)
                     for one in (phrase.sentences if phrase else ())]  # fmt: skip
        last = Spoken(self._parts(f"{_described(feature)}: {{{OWN}}}", feature))
        told = (phrase.missing if phrase else None) or f"{_described(feature)}: {_none(feature)}"
        return Worded(feature.family or feature.name, (*sentences, last), "".join(map(str, self._parts(told, feature))))

    def _parts(self, template: str, feature: AnyFeature) -> tuple[str | Slot, ...]:
        found: list[str | Slot] = []
        for text, name, kind in parts_of(template):
            found += [text] if text else []
            if name == WINDOW:
                found.append(self._window(feature))
            elif name:
                found.append(self._slot(feature.name if name == OWN else name, kind, of=feature.name))
        return tuple(found)

    def _slot(self, name: str, kind: str, *, of: str) -> Slot:
        if name not in self.known:
            raise ConfigurationError.unknown_name("feature", name, known=self.known, where=f"{self.where}, of {of}")
        one = self.known[name]
        return Slot(name, form_of(kind, unit=one.unit, type=one.type, currency=self.currency))

    def _window(self, feature: AnyFeature) -> str:
        if not isinstance(feature, Feature):
            raise ConfigurationError(f"{self.where}: '{feature.name}' is derived and has no {{{WINDOW}}} of its own.\n"
                                     "  Say the days in words, or match the features over windows alone.")  # fmt: skip
        return window_in_words(feature.window)


def window_in_words(window: Window) -> str:
    """How far back a feature looks.

    >>> window_in_words(Window(30)), window_in_words(Window(None))
    ('in the last 30 days', 'so far')
    >>> window_in_words(Window(30, offset_days=364)), window_in_words(Window(30, offset_days=60))
    ('in the 30 days before this day last year', 'in the 30 days before the last 60')
    """
    if window.days is None:
        return "so far"
    if not window.offset_days:
        return f"in the last {window.days} days"
    if window.offset_days == YEAR_OF_WEEKS:
        return f"in the {window.days} days before this day last year"
    return f"in the {window.days} days before the last {window.offset_days}"


def _described(feature: AnyFeature) -> str:
    """Its description up to the explanation, and its window; its name where the description words a cause."""
    first = feature.description.split(": ")[0].split(";")[0].split(", returns negative")[0]
    plain = _plain(feature.name) if words_a_cause(first) else first[:1].lower() + first[1:]
    has_window = isinstance(feature, Feature) and feature.window.days is not None
    return _literal(f"{plain} {window_in_words(feature.window)}" if has_window else plain)  # type: ignore[union-attr]


def _none(feature: AnyFeature) -> str:
    says_nothing = feature.null_means.startswith("never NULL") or words_a_cause(feature.null_means)
    return "not known" if says_nothing else _literal(f"none ({feature.null_means})")


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
