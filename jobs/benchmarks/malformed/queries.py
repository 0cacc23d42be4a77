"""Queries, conditions, names and paths that want to write, to run something, or to reach out of the warehouse."""

from __future__ import annotations

from jobs.benchmarks.malformed.trial import DATA, DONE, PLACE, SETTINGS, Drawing, Trial

HIDDEN = (
    "-- \\\nselect '\ndrop table events_orders -- '",
    "-- \\\nselect '\nset x=1 -- '",
)
"""For our parser a SELECT of a text, for Spark a statement after a comment of two lines: harmless as the first only."""
QUERIES = (
    "drop table events_orders", "delete from events_orders",
    "insert into events_orders select * from events_orders", "update events_orders set quantity = 1",
    "merge into events_orders using x on true when matched then delete", "create table x as select 1",
    "create or replace temp view events_orders as select 1", "alter table x add column y int",
    "create function f as 'x.Y' using jar '/x.jar'", "add jar '/x.jar'", "add file '/etc/passwd'", "list jars",
    "set spark.hadoop.fs.s3a.secret.key=x", "set", "set -v", "reset", "cache table events_orders",
    "refresh table x", "show tables", "show create table events_orders", "use x",
    "analyze table x compute statistics", "vacuum events_orders", "optimize events_orders",
    "restore table x to version as of 0", "truncate table x", "msck repair table x",
    "insert overwrite directory '{trap}' using csv select 1", "load data inpath '/etc/passwd' into table x",
    "select * from text.`/etc/passwd`", "select * from delta.`{home}/events_orders`", "select * from csv.`/etc`",
    "select * from `text`.`/etc/passwd`", "with a as (select * from text.`/etc/passwd`) select * from a",
    "select (select max(value) from text.`/etc/passwd`)", "select * from binaryFile.`/etc/passwd`",
    "table text.`/x`", "describe detail delta.`{home}/events_orders`", "describe history text.`/x`",
    "select * from parquet.`s3a://b/x`", "select * from identifier('text.`/etc/passwd`')",
    "select * from identifier('te' || 'xt.`/etc/passwd`')",
    "select transform(1) using 'touch {trap}' as (x string)", "from events_orders map 1 using 'touch {trap}' as x",
    "select java_method('java.lang.System', 'getProperty', 'user.home')",
    "select reflect('java.lang.System', 'exit', '1')", "select `reflect`('java.lang.System', 'getenv')",
    "select try_reflect('java.lang.System', 'getenv', 'HOME')",
    "select system.builtin.java_method('java.lang.System', 'getenv', 'HOME')",
    "select * from read_files('/etc/passwd')", "begin drop table x; end", "execute immediate 'drop table x'",
    "explain select 1", "select 1; select 2", "", ";", "select", *HIDDEN, "select 1 /* ", "/* select 1 */",
    "select r'\\', reflect('java.lang.System', 'getenv', 'HOME'), r'\\'", "select '\\'; drop table x; --",
    "select * from nobody", "select nothing from events_orders", "select * from events_orders where", "select \0",
    "select * from `../../etc`", "select * from events_orders version as of", "select 1 from from", "sel ect 1",
    "(" * 500, "select " + "(" * 400 + "1" + ")" * 400, "select raise_error('x')", "select 1 / 0",
    "select cast('x' as int)", "select * from json_tuple", "copy into x from '/etc/passwd'", "call x.y()",
    "kill query 1", "declare x int", "select current_database(), x.* from x",
    "from events_orders insert overwrite table x select *", "dfs -ls /", "! ls",
)  # fmt: skip
NAMES = (
    "../../etc", "/etc/passwd", "..", ".", "", " ", "A", "events-orders", "x;y", "events_orders/../..", "`x`", "\0",
    "x" * 300, "ü", "s3a://b/x", "file:///etc/passwd", "%2e%2e", "con\nx", "-x", "nobody",
)  # fmt: skip
WORDS: tuple[tuple[str, ...], ...] = (
    ("export", "--to", "{folder}/x.csv", "--table", "{name}"), ("export", "--to", "{name}"),
    ("report", "--label", "{name}"),
    ("export", "--to", "{folder}/x.csv", "--table", "events_orders", "--columns", "{name}"),
    ("build_features", "--view", "{name}"), ("build_training_set", "--label", "{name}"),
    ("train", "--label", "{name}"), ("ingest", "--retract", "{name}"), ("ingest", "--aliases", "{name}"),
    ("explain", "{name}"), ("{name}",), ("ingest", "--source", "{name}", "--input", "x"),
    ("explain", "orders", "--conf", "{name}"), ("explain", "orders", "--set", "{name}"),
    ("build_features", "--as-of", "{name}"), ("score", "--customers", "{name}"),
    ("build_features", "--dates", "{name}"), ("verify", "--sample", "{name}"),
    ("score", "--explain-actions", "--set", "actions.rules={name}"),
)  # fmt: skip


def of_queries(draw: Drawing) -> Trial:
    """SQL that does not only read, or not only the warehouse's tables."""
    trap = draw.folder / "trap"
    text: str = draw.one_of(QUERIES).replace("{trap}", str(trap)).replace("{home}", str(draw.folder))
    kind = draw.one_of(["sql", "sql", "where", "order by", "customers"])
    words = {
        "sql": ("sql", text),
        "where": ("export", "--table", "events_orders", "--to", str(trap.with_suffix(".csv")), "--where", text or "("),
        "order by": (
            "export",
            "--table",
            "events_orders",
            "--to",
            str(trap.with_suffix(".csv")),
            "--order-by",
            f"({text})",
        ),
        "customers": ("score", "--customers", text),
    }[kind]
    # Nothing has been scored: a harmless query of customers ends there, with 3.
    return Trial("queries", kind, words, frozenset({SETTINGS, DATA, *([DONE] if text in HIDDEN else [])}), trap=trap)


def of_names(draw: Drawing) -> Trial:
    """Names and paths that are none, or that lead out of where they belong."""
    name = draw.one_of(NAMES)
    words = tuple(word.format(name=name, folder=draw.folder) for word in draw.one_of(WORDS))
    return Trial("names", words[0], words, frozenset({SETTINGS, DATA, PLACE}), trap=draw.folder / "trap")
