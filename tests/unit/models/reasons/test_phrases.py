"""Phrases: one for every feature, none that words a cause, faults answered when they are loaded."""

from __future__ import annotations

import numpy as np
import pytest

from featurestore.errors import ConfigurationError
from models.reasons.phrases import load_phrases, read_phrases, words_a_cause
from models.reasons.texts import Values, texts_of
from tests.unit.models.reasons.catalogue import EVERYTHING, INPUTS, worded

WORDING = worded()
VALUES = (None, -3.0, 0.0, 0.4, 1.0, 1.01, 17.0, 94.4, 1234.56)
WORDS = {one.name: ("Leeds", "York") for one in EVERYTHING.features if one.type == "string"}
NAMES = tuple(one.name for one in EVERYTHING.features)
_COLUMN = np.array([np.nan if one is None else one for one in VALUES], dtype=np.float32)
_CODES = np.array([np.nan if one is None else at % 3 for at, one in enumerate(VALUES)], dtype=np.float32)
MET = Values(np.column_stack([_CODES if name in WORDS else _COLUMN for name in NAMES]), NAMES, WORDS)


def _texts(feature: str, *, raises: bool) -> list[str]:
    at = np.arange(len(VALUES))
    said = texts_of(feature, WORDING.features[feature], MET, at=at, raises=np.full(len(at), raises))
    return said.to_pylist()


@pytest.mark.parametrize("raises", [True, False])
def test_every_feature_is_told_whatever_its_value_and_never_as_a_cause(raises: bool) -> None:
    for feature in EVERYTHING.features:
        texts = _texts(feature.name, raises=raises)
        assert all(text and not words_a_cause(text) and "{" not in text and "None" not in text for text in texts), texts
        assert feature.name not in INPUTS or not any("nan" in text.split() or "_" in text for text in texts), texts
        assert texts[0] not in texts[1:], f"{feature.name}: no value reads like a value"


def test_every_word_of_a_cause_is_known() -> None:
    for text in (
        "because of",
        "due to",
        "leads to churn",
        "led to",
        "causes",
        "as a result",
        "therefore",
        "results in",
    ):
        assert words_a_cause(f"no order, {text} a lapse")
    assert not words_a_cause("no order for 94 days, usually every 21")


@pytest.mark.parametrize(
    ("feature", "raises", "expected"),
    [
        ("recency_days", True, ["no order yet", "ordered within the last day",
                                "no order for 94 days, usually every 94"]),
        ("recency_days", False, ["last order 17 days ago, usually every 17"]),
        ("orders_count_90d", True, ["no order in the last 90 days", "1 order in the last 90 days",
                                    "1,230 orders in the last 90 days"]),
        ("amount_sum_365d", True, ["nothing spent in the last 365 days",
                                   "GBP 1,230 spent in the last 365 days, returns taken off",
                                   "GBP -3 spent in the last 365 days, returns taken off"]),
        ("overdue_ratio", True, ["no usual time between orders yet", "within the usual time between orders",
                                 "silent for 1.01 times the usual time between orders"]),
        ("orders_trend_30d_vs_60d", False, ["orders less often than before (0.4 times the rate)",
                                            "orders as often as before",
                                            "orders more often than before (17 times the rate)"]),
        ("region", True, ["region: none (no event qualifies)", "region: York", "region: another"]),
        ("is_champion", True, ["r_score, f_score and m_score all 4 or 5: yes"]),
    ],
)  # fmt: skip
def test_sentences_follow_value_direction_and_other_values(feature: str, raises: bool, expected: list[str]) -> None:
    assert set(expected) <= set(_texts(feature, raises=raises))


def test_a_sentence_that_names_an_unknown_value_gives_way_to_the_next() -> None:
    told = WORDING.features["recency_days"]
    met = Values(np.float32([[94, 21.3], [94, np.nan]]), ("recency_days", "gap_days_mean_lifetime"))
    raises = np.array([True, True])
    said = texts_of("recency_days", told, met, at=np.arange(2), raises=raises)
    assert said.to_pylist() == ["no order for 94 days, usually every 21", "no order for 94 days"]
    alone = WORDING.of(["recency_days"]).features["recency_days"]
    said = texts_of("recency_days", alone, met, at=np.arange(2), raises=raises)
    assert said.to_pylist() == ["no order for 94 days"] * 2


def test_a_column_that_no_view_describes_is_told_by_its_name() -> None:
    told = WORDING.of(["loyalty_points", "home_town"])
    met = Values(np.float32([[1250, 0], [np.nan, np.nan]]), ("loyalty_points", "home_town"), {"home_town": ["Leeds"]})
    for name, expected in (
        ("loyalty_points", ["loyalty points: 1,250", "loyalty points: not known"]),
        ("home_town", ["home town: Leeds", "home town: not known"]),
    ):
        assert told.features[name].family == name
        said = texts_of(name, told.features[name], met, at=np.arange(2), raises=np.array([True, False]))
        assert said.to_pylist() == expected


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{of: recency_days, sentences: [{say: 'at risk because of {value}'}]}", "words a cause"),
        ("{of: recency_days, missing: 'lapses due to no order'}", "words a cause"),
        ("{of: recency_days, sentences: [{say: '{value:dayz}'}]}", "'dayz' is no kind of number"),
        ("{of: recency_days, sentences: [{say: '{value!r}'}]}", "'!r' says nothing here"),
        ("{of: recency_days, sentences: [{say: '{value'}]}", "expected '}'"),
        ("{of: recency_days, missing: '{value} is not there'}", "names a value"),
        ("{of: recency_days, sentence: []}", "unknown key. Did you mean 'sentences'"),
        ("{of: recency_dayz}", "no feature is told by the phrase of 'recency_dayz'.*Did you mean 'recency_days'"),
        ("{of: recency_days, sentences: [{say: 'usually every {gap_days_mean}'}]}", "unknown feature 'gap_days_mean'"),
        ("{of: monetary, sentences: [{say: '{value} {window}'}]}", "'monetary' is derived and has no {window}"),
    ],
)
def test_a_fault_is_answered_when_phrases_are_loaded(text: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint) as raised:
        worded(read_phrases(f"phrases: [{text}]", where="mine.yml"))
    assert raised.value.exit_code == 2


def test_a_file_that_is_not_there_is_said() -> None:
    with pytest.raises(ConfigurationError, match="there is no file of phrases 'mine.yml'"):
        load_phrases("mine.yml")


def test_a_phrase_of_ones_own_takes_the_place_of_the_catalogues_words_and_a_name_that_of_a_pattern() -> None:
    own = ("{of: 'orders_count_*', sentences: [{say: often}]}", "{of: orders_count_7d, sentences: [{say: x}]}")
    told = worded(read_phrases(f"phrases: [{', '.join(own)}]", where="mine.yml")).features
    assert [told[name].sentences[0].parts[0] for name in ("orders_count_7d", "orders_count_30d")] == ["x", "often"]
    assert told["recency_days"].sentences[0].parts[0] == "days since the last order: "
