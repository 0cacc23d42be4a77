"""YAML is read as plain data: nothing is made or run, nothing grows, and what is wrong is said in our own words."""

from __future__ import annotations

import pytest

from featurestore.configuration import Strict, parse_yaml, validated
from featurestore.configuration_files import text_of
from featurestore.errors import ConfigurationError
from featurestore.plain_yaml import DEEPEST, plain_yaml

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{under}'] * 10)}]\n" for under, name in zip("abcdefgh", "bcdefghi", strict=True)
)


class Named(Strict):
    name: str
    share: float = 0.0


def test_plain_data_aliases_and_merges_are_read():
    text = "base: &base {a: 1, b: [x, 2024-01-02]}\nmore: {<<: *base, c: .5}\nagain: *base"
    found = plain_yaml(text)
    assert found["more"] == {**found["base"], "c": 0.5} and found["again"] == found["base"]
    assert plain_yaml("") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LAUGHS, "more than 100,000 values"),
        ("&x {a: *x}", "hold themselves"),
        ("[" * (DEEPEST + 1), "expected"),
        ("[" * 5000, "deeper than"),
        ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), "deeper than"),
        ("a: 1\nb: 2\na: 3", "'a' stands twice"),
        ("a: {b: 1, b: 2}", "'b' stands twice"),
        ("a: !!python/object/apply:os.system ['true']", "python/object"),
        ("a: !!python/name:os.system", "python/name"),
        ("a: 2024-13-45", "month must be in 1..12"),
        ("a: " + "9" * 5000, "not of the type"),
        ("a: !!bool x", "not of the type"),
        ("a: !!timestamp x", "not of the type"),
        ("a: !!int ''", "not of the type"),
        ("a: !unknown 1", "!unknown"),
    ],
    ids=lambda text: text[:12],
)
def test_what_is_more_than_plain_data_is_refused(text, said):
    with pytest.raises(ConfigurationError, match="is not valid YAML") as refused:
        parse_yaml(text, where="some.yml")
    assert said in str(refused.value) and "some.yml" in str(refused.value)


def test_a_value_is_shown_by_its_beginning_and_numbers_are_numbers():
    with pytest.raises(ConfigurationError) as refused:
        validated(Named, {"name": ["x" * 10_000], "share": float("nan")}, where="some.yml")
    name, share = str(refused.value).splitlines()[1:]
    assert len(name) < 400 and name.endswith("...).") and share.startswith("  share:")


def test_a_file_that_is_no_text_or_cannot_be_is_no_surprise(tmp_path):
    (tmp_path / "latin.yml").write_bytes("größe: 1".encode("latin-1"))
    with pytest.raises(ConfigurationError, match="no text in UTF-8: byte 3"):
        text_of(tmp_path / "latin.yml", where="latin.yml")
    assert text_of(tmp_path / ("x" * 300), where="x") is None
    assert text_of(tmp_path / "a\0b", where="x") is None
    assert text_of(tmp_path, where="x") is None
