"""A query reads tables of the warehouse by their plain names and does nothing else, however it is spelled."""

from __future__ import annotations

import pytest

from featurestore.errors import ConfigurationError
from featurestore.queries import only_reading
from tests.conftest import ROOT

READING = [
    "select 'a''b', date'2024-01-01', x'1F', `a``b` from t, lateral explode(array(1)) e",
    "select /*+ broadcast(t) */ count(*) filter (where a > 1) from t join s using (k)",
    "with a as (select 1) select * from a union all (select transform(array(1), x -> x + 1))",
    "select 10.0D, 5L, 3BD, .5F, 2.5e-3 from t",
    "select * from range(3)",
    "select * from t lateral view explode(m) as k, v",
    "select a.b.c from t version as of 3",
    "describe customer_scores",
    "values (1, 2)",
    "from t select a",
    "select `reflect`, java_method from t where identifier = 'text.`/x`'",
]
MORE = [
    "drop table t",
    "insert into t select 1",
    "with a as (select 1) insert into t select * from a",
    "from t insert into s select *",
    "create temp view v as select 1",
    "set a = b",
    "select 1; select 2",
    "explain select 1",
    "",
    "-- nothing",
    "select * from text.`/etc/passwd`",
    "select (select max(value) from csv.`/x`)",
    "with a as (select * from `delta`.`/x`) select * from a",
    "select * from other_schema.t",
    "select * from a_catalog.a_schema.t",
    "describe history delta.`/x`",
    "select * from identifier('text.`/etc/passwd`')",
    "select * from read_files('/etc/passwd')",
    "select * from some_table_function(1)",
    "select * from t lateral view some_generator(a) as b",
    "select transform(a) using 'touch x' as (b string) from t",
    "from t map a using 'touch x' as b",
    "select reflect('java.lang.System', 'exit', '1')",
    "select `reflect`('java.lang.System', 'exit', '1')",
    "select reflect /* */ ('java.lang.System', 'exit', '1')",
    "select system.builtin.java_method('java.lang.System', 'getenv', 'HOME')",
    "select try_reflect('java.lang.System', 'getenv', 'HOME')",
    "select r'\\', reflect('java.lang.System', 'getenv', 'HOME'), r'\\'",
    "select '${env:HOME}'",
    "select /*+ x('*/') */ 1",
    "select /*+ a('b') */ 1",
    "select r'x', n'x'",
    "select 'open",
    "select /* open",
    "(" * 600,
]


@pytest.mark.parametrize("query", READING)
def test_a_query_that_reads_is_handed_on_as_it_is(query):
    assert only_reading(query) == query


@pytest.mark.parametrize("query", MORE, ids=lambda query: query[:50])
def test_whatever_does_more_is_refused(query):
    with pytest.raises(ConfigurationError):
        only_reading(query)


def test_the_shipped_queries_read():
    for file in sorted((ROOT / "sql").glob("*.sql")):
        only_reading(file.read_text(encoding="utf-8"))


def test_spark_is_handed_no_comment_that_it_could_read_otherwise():
    """For Spark the backslash makes the second line a comment, too, and the third a statement of its own."""
    hidden = "-- \\\nselect '\ndrop table events_orders -- '"
    assert only_reading(hidden) == "select '\ndrop table events_orders -- '"
    assert only_reading("select 1 -- one\n, /* two */ 2") == "select 1 , 2"


def test_what_hands_rows_to_a_program_is_told_so():
    for query in ("select transform(a) using 'touch x' as (b string) from t", 'from t reduce a USING "touch x" as b'):
        with pytest.raises(ConfigurationError, match="queries run no code"):
            only_reading(query)
