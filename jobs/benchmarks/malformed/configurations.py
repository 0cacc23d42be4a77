"""Settings and descriptions of sources, labels and rules that are wrong, or that want to do more than they may."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from featurestore.plain_yaml import plain_yaml
from jobs.benchmarks.malformed.trial import DATA, DONE, SETTINGS, SHOP, Drawing, Trial, csv_text

WRONG: tuple[Any, ...] = (
    None, [], {}, "", "x", " ", -1, 0, 1.5, 10**30, float("inf"), float("-inf"), float("nan"), True, [None],
    {"a": {}}, [[[]]], "../..", "\0", "'; drop table t; --", "x" * 5000, "2024-02-30", "${HOME}", {"": 1},
    [1, "a", {}], -0.0,
)  # fmt: skip
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{under}'] * 10)}]\n" for under, name in zip("abcdefgh", "bcdefghi", strict=True)
)
TEXTS: tuple[str | bytes, ...] = (
    "!!python/object/apply:os.system ['touch {trap}']", "seed: !!python/object/apply:os.system ['touch {trap}']",
    "seed: !!python/name:os.system", "seed: !!python/object/new:subprocess.Popen [[touch, '{trap}']]", LAUGHS,
    LAUGHS + "seed: *i", "seed: &x [*x]", "&x {seed: *x}", "<<: 1", "<<: [1, 2]", "? [1, 2]\n: 3", "? {}\n: 3",
    "[" * 3000, "{a: " * 2000, "seed: 2024-13-45", "seed: 2024-02-30 25:00:00", "seed: !!timestamp x",
    "seed: !!int x", "seed: !!int ''", "seed: !!float x", "seed: !!bool x", "seed: !!binary x", "seed: !!set [1]",
    "seed: !!omap {}", "seed: " + "9" * 5000, "seed: 0b", "seed: 0x", "seed: 1:60:99", "seed: .inf", "seed: .nan",
    "seed: 1\nseed: 2", "seed: 1\n\tx: 2", "- 1\n- 2", "text", "1", "'", '"\\x"', "%YAML 9.9\n---\nseed: 1",
    "---\nseed: 1\n---\nseed: 2", "seed: |\n", "@", "`", "a: b: c", "seed: *nobody", "seed: !<tag:x> 1",
    "seed: !x 1", "1: 2", "null: 1", "true: 1", b"\xff\xfe\x00", b"seed: \xff", b"\0", "seed: 1".encode("utf-16"),
    "\u2028seed: 1", "\x07", "\ud800",
)  # fmt: skip
EXPRESSIONS = (
    "(select max(customer_id) from events_orders)", "exists(select 1)", "customer in (select 1)", "1; drop table x",
    "java_method('java.lang.Runtime', 'getRuntime')", "reflect('java.lang.System', 'exit', '1')", "uuid()",
    "rand()", "`reflect`('java.lang.System', 'exit', '1')", "try_reflect('java.lang.System', 'exit', '1')",
    "input_file_name()", "read_files('/etc/passwd')", "system.builtin.reflect('java.lang.System', 'exit', '1')",
    "cast(customer as bigint)", "transform(array(customer), x -> x)", "explode(array(1, 2))", "sum(pieces)",
    "customer -- x", "customer /* x */", "customer, order", "*", "customer as x", "", "(", "'", '"', "`",
    "customer customer", "from_csv(customer, 'a int')", "overdue_ratio(1, 2)", "current_user()",
    "secret('scope', 'key')", "${env:HOME}", ":x", "?", "x.y.z", "cust omer", "identifier('customer')",
    "raise_error('x')", "assert_true(false)", "sequence(1, 1000000000)", "aes_decrypt(a, b)",
    "select transform(customer) using 'touch {trap}'", "(with a as (select 1) select * from a)",
    "r'\\', (select 1)", "http_request('x')", "ai_query('x', 'y')", "session_window(at, '1 day')",
    "customer[(select 1)]", "max(at) over ()",
)  # fmt: skip


def of_settings(draw: Drawing) -> Trial:
    """Overlays and assignments with values that no setting has, and YAML that wants to be more than data."""
    trap = draw.folder / "trap"
    kind = draw.one_of(["value", "value", "text", "assignment", "unknown key", "section for value"])
    may_end = {DONE, SETTINGS}
    if kind == "assignment":
        value = draw.one_of([*WRONG, "&x [*x]", "[" * 3000, "!!python/name:os.system", "2024-13-45", "{a: ", "*x"])
        key = ".".join(draw.one_of(list(_leaves(_base()))))
        return _trial("settings", kind, ("explain", "orders", "--set", f"{key}={value}"), may_end, trap)
    if kind == "text":
        content = _trapped(draw.one_of(TEXTS), trap)
        return _trial("settings", kind, ("explain", "orders", "--conf", draw.write("mine.yml", content)), may_end, trap)
    changed = copy.deepcopy(_base())
    path = draw.one_of(list(_leaves(changed)))
    if kind == "value":
        _put(changed, path, draw.one_of(WRONG))
    elif kind == "section for value":
        _put(changed, path[:1], draw.one_of(WRONG))
    else:
        _put(changed, (*path[:-1], path[-1] + draw.one_of(["", "s", " ", ".x", "_", "\0"])), draw.one_of(WRONG))
    text = yaml.safe_dump(changed, allow_unicode=True)
    return _trial("settings", kind, ("explain", "orders", "--conf", draw.write("mine.yml", text)), may_end, trap)


def of_sources(draw: Drawing) -> Trial:
    """Descriptions of sources whose expressions reach further than a row, or whose keys and values are wrong."""
    trap = draw.folder / "trap"
    kind = draw.one_of(["expression", "expression", "value", "text", "missing key"])
    source: dict[str, Any] = copy.deepcopy(dict(SHOP))
    may_end = {SETTINGS}
    if kind == "expression":
        _put_expression(draw, source, str(_trapped(draw.one_of(EXPRESSIONS), trap)))
    elif kind == "value":
        keys = ["options", "pattern", "ignore_lines", "events", "event_id", "known_at", "known_at_format",
                "known_at_lag", "expectations", "complete_through", "new_key", *SHOP]  # fmt: skip
        source[draw.one_of(keys)] = draw.one_of(WRONG)
        may_end = {DONE, SETTINGS, DATA}
    elif kind == "missing key":
        del source[draw.one_of([key for key in SHOP if key not in ("time_format", "quarantined_share_limit")])]
    content: str | bytes = yaml.safe_dump(source, allow_unicode=True)
    if kind == "text":
        content = _trapped(draw.one_of(TEXTS), trap)
    file, feed = draw.write("source.yml", content), draw.write("orders.csv", csv_text(draw.records()))
    return _trial("sources", kind, ("ingest", "--source", file, "--input", feed), may_end, trap)


def of_labels(draw: Drawing) -> Trial:
    """Declared labels, and rules of action, whose conditions are not the few words that they may be."""
    trap = draw.folder / "trap"
    wanted = str(_trapped(draw.one_of(EXPRESSIONS), trap))
    if draw.chance.random() < 0.5:
        label = plain_yaml((files("conf") / "labels" / "decline.yml").read_text(encoding="utf-8"))
        where: Callable[[Any], None] = draw.one_of([
            lambda value: label.update(holds=value), lambda value: label.update(population=[value]),
            lambda value: label["outcome"].update(where=[value]), lambda value: label["outcome"].update(measure=value),
            lambda value: label.update(label=value), lambda value: label["outcome"].update(source=value),
        ])  # fmt: skip
        where(wanted if draw.chance.random() < 0.7 else draw.one_of(["../x", "A", "x-y", [], {}, 1, None, "x\n"]))
        file = draw.write("label.yml", yaml.safe_dump(label, allow_unicode=True))
        # A condition that is left out (NULL) is one that the file need not have.
        return _trial("labels", "label", ("explain", file), {SETTINGS, DONE}, trap)
    rules = plain_yaml((files("conf") / "actions.yml").read_text(encoding="utf-8"))
    draw.one_of(rules["rules"])["where"] = wanted
    file = draw.write("actions.yml", yaml.safe_dump(rules, allow_unicode=True))
    words = ("score", "--explain-actions", "--set", f"actions.rules={file}")
    return _trial("labels", "rules of action", words, {SETTINGS}, trap)


def _put_expression(draw: Drawing, source: dict[str, Any], text: str) -> None:
    place = draw.one_of(["columns", "known_at", "event_id", "predicate", "when"])
    if place == "columns":
        source["columns"][draw.one_of(list(source["columns"]))] = text
    elif place == "predicate":
        source["expectations"] = [{"name": "a_rule", "predicate": text or "("}]
    elif place == "when":
        source["events"] = [{"when": text or "("}]
    else:
        source[place] = text or "("


def _trial(family: str, kind: str, words: tuple[str, ...], may_end: set[int], trap: Path) -> Trial:
    return Trial(family, kind, words, frozenset(may_end), trap=trap)


def _trapped(content: str | bytes, trap: Path) -> str | bytes:
    return content.replace("{trap}", str(trap)) if isinstance(content, str) else content


def _base() -> dict[str, Any]:
    loaded: dict[str, Any] = plain_yaml((files("conf") / "base.yml").read_text(encoding="utf-8"))
    # The place of the warehouse is the trial's own.
    return {key: value for key, value in loaded.items() if key != "warehouse"}


def _leaves(values: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every value that is no section."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, (*above, key))
        else:
            yield (*above, key)


def _put(values: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for part in path[:-1]:
        values = values[part]
    values[path[-1]] = value
