"""`conf/reasons.yml`: what is said of a feature that moved a score, checked when it is loaded."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path
from string import Formatter
from typing import Annotated

from pydantic import AfterValidator, Field

from featurestore.configuration import Strict, parse_yaml, validated
from featurestore.configuration_files import text_of
from featurestore.errors import ConfigurationError, did_you_mean
from models.reasons.numbers import KINDS

OWN, WINDOW = "value", "window"
"""What a sentence calls its own feature's value, and how far back that looks."""
_CAUSAL = re.compile(
    r"\b(because|due to|owing to|thanks to|caus\w*|leads? to|led to|results? (in|from)|resulted|as a result|therefore|"
    r"hence|consequently|so that|drives?|driven|makes?|made|explains why|why)\b",
    re.IGNORECASE,
)
Parts = tuple[tuple[str, str, str], ...]


def words_a_cause(text: str) -> bool:
    """Whether a text claims that one thing brings about another: contributions never show that.

    >>> words_a_cause("at risk because of a long silence"), words_a_cause("no order for 94 days")
    (True, False)
    """
    return _CAUSAL.search(text) is not None


def parts_of(template: str) -> Parts:
    """Each literal with the feature and the kind of number that follow it; "" for none.

    >>> parts_of("no order for {recency_days}, usually every {gap:whole}")
    (('no order for ', 'recency_days', ''), (', usually every ', 'gap', 'whole'))
    """
    return tuple((text, name or "", kind or "") for text, name, kind, _ in Formatter().parse(template))


def _template(text: str) -> str:
    if words_a_cause(text):
        raise ValueError("words a cause; say what is, not what it brings about")
    for _, name, kind, conversion in Formatter().parse(text):
        if conversion:
            raise ValueError(f"'!{conversion}' says nothing here; a kind of number follows a colon")
        if name and not name.isidentifier():
            raise ValueError(f"'{{{name}}}' is no name of a feature")
        if kind and kind not in KINDS:
            raise ValueError(f"'{kind}' is no kind of number. {did_you_mean(kind, KINDS)}")
    return text


def _constant(text: str) -> str:
    if {name for _, name, _ in parts_of(_template(text))} - {"", WINDOW}:
        raise ValueError(f"names a value, but is said where there is none; only {{{WINDOW}}} may stand here")
    return text


Template = Annotated[str, Field(min_length=1), AfterValidator(_template)]
Constant = Annotated[str, Field(min_length=1), AfterValidator(_constant)]


class Sentence(Strict):
    """What is `say` of a customer whose value is at least and below these, where the family `raises` the score or not.

    It is said only where every value that it names is known.
    """

    say: Template
    raises: bool | None = None
    at_least: float | None = None
    below: float | None = None


class Phrase(Strict):
    """Of features whose names match `of`: the first sentence that applies, or `missing` where there is no value."""

    of: str = Field(min_length=1)
    sentences: tuple[Sentence, ...] = ()
    missing: Constant | None = None

    @property
    def precision(self) -> tuple[bool, int]:
        """A name is more precise than a pattern, and of patterns the one with more letters."""
        return ("*" not in self.of, len(self.of.replace("*", "")))


class Phrases(Strict):
    """How reasons are told, feature by feature; what no phrase is for is told in the words of the catalogue."""

    phrases: tuple[Phrase, ...]

    def of(self, feature: str) -> Phrase | None:
        """The most precise phrase whose pattern matches the name, if any does."""
        found = [one for one in self.phrases if fnmatchcase(feature, one.of)]
        return max(found, key=lambda one: one.precision, default=None)


def read_phrases(text: str, *, where: str) -> Phrases:
    """The phrases that YAML text declares; ConfigurationError with every fault, each with its place."""
    return validated(Phrases, parse_yaml(text, where=where), where=where)


def load_phrases(file: str | None = None) -> tuple[Phrases, str]:
    """The phrases of a file, by default `conf/reasons.yml`, and what it is called in errors."""
    if file is None:
        where = "conf/reasons.yml"
        return read_phrases((files("conf") / "reasons.yml").read_text(encoding="utf-8"), where=where), where
    text = text_of(Path(file), where=file)
    if text is None:
        raise ConfigurationError(f"there is no file of phrases '{file}' (setting reasons.phrases).\n"
                                 "  Name a file like conf/reasons.yml, or null for that one.")  # fmt: skip
    return read_phrases(text, where=file), file
