"""YAML as plain data and no more: no object is made, no key stands twice, and nothing grows when it is read.

An alias is a few letters for any number of values, so that nine lines can stand for a thousand million ("billion
laughs"); they do no harm until somebody walks over them, as a message does that shows what was found.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode

MOST_VALUES = 100_000
DEEPEST = 40
_WHAT_VALUES_RAISE = (ValueError, LookupError, AttributeError, TypeError, OverflowError)
"""What SafeLoader lets through for a value that is not of the type that it looks like: 2024-13-45, !!bool x."""


class NotPlain(yaml.YAMLError):
    """YAML that holds more than plain data."""


def plain_yaml(text: str) -> Any:
    """What `text` holds: mappings, lists, texts, numbers, dates, truths; None for nothing.

    >>> plain_yaml("a: [1, x]")
    {'a': [1, 'x']}

    Raises yaml.YAMLError for what is no YAML, and for a tag that is no plain type, a key that stands twice, more than
    `MOST_VALUES` values with every alias written out, or values deeper than `DEEPEST`.
    """
    try:
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            if _size(node, {}, depth=1) > MOST_VALUES:
                raise NotPlain(f"it holds more than {MOST_VALUES:,} values, those behind aliases (*name) counted")
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except RecursionError:
        raise NotPlain(f"its values lie deeper than {DEEPEST} levels") from None
    except _WHAT_VALUES_RAISE as problem:
        raise NotPlain(f"a value is not of the type that it looks like or is tagged as: {problem}") from None


def _size(node: Node, known: dict[int, int], *, depth: int) -> int:
    """How many values a node holds; one that holds itself is deeper than any."""
    if depth > DEEPEST:
        raise NotPlain(f"its values lie deeper than {DEEPEST} levels, or hold themselves")
    if id(node) not in known:
        known[id(node)] = 1 + sum(_size(part, known, depth=depth + 1) for part in _parts(node))
    return known[id(node)]


def _parts(node: Node) -> list[Node]:
    if isinstance(node, ScalarNode):
        return []
    if not isinstance(node, MappingNode):
        return list(node.value)
    keys = Counter((key.tag, key.value) for key, _ in node.value if isinstance(key, ScalarNode))
    twice = next((value for (_, value), times in keys.items() if times > 1), None)
    if twice is not None:
        raise NotPlain(f"the key '{twice}' stands twice in one mapping{node.start_mark}")
    return [part for pair in node.value for part in pair]
